//! An urge, and what became of it.

use super::record;
use crate::journal::codes::codes;

codes! {
    /// How an urge ended.
    UrgeOutcome {
        /// It passed.
        Passed = "passed", "passed";
        /// It passed with somebody's help.
        PassedWithHelp = "passed-with-help", "passed with help";
        /// The person used.
        Used = "used", "used";
        /// It is still there.
        StillGoing = "still-going", "still going";
        /// The person chose not to say.
        NotRecorded = "not-recorded", "not recorded";
    }
}

codes! {
    /// Whom the person was with: a code, not a name, unless they type one.
    Company {
        /// Nobody.
        Alone = "alone", "alone";
        /// Partner.
        Partner = "partner", "partner";
        /// Family.
        Family = "family", "family";
        /// Friends.
        Friends = "friends", "friends";
        /// People from work or school.
        Colleagues = "colleagues", "people from work or school";
        /// People in recovery.
        Peers = "peers", "people in recovery";
        /// People who were using.
        PeopleUsing = "people-using", "people who were using";
        /// Strangers.
        Strangers = "strangers", "strangers";
    }
}

record! {
    /// An urge to use. It began at the entry's time.
    Urge {
        /// Intensity at its strongest, 0–100.
        intensity: u8,
        /// How long it lasted, in minutes, up to a week.
        duration_minutes: u32,
        /// Where, in the person's words.
        setting: String,
        /// With whom.
        company: Company,
        /// Triggers, as codes or own words of the plan; empty: none noticed.
        triggers: Vec<String>,
        /// What went through the person's mind.
        thoughts: String,
        /// Coping skills used, as codes or own words of the plan; empty: none.
        coping: Vec<String>,
        /// Intensity afterwards, 0–100.
        intensity_after: u8,
        /// How it ended.
        outcome: UrgeOutcome,
        /// A note.
        note: String,
    }
}
