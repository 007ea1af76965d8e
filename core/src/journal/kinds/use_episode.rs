//! An episode of use: the facts, and the person's own label beside them.
//!
//! There is deliberately no field for a clinical class: only a counsellor's signed record holds
//! one. Intention and extent are two fields and neither is inferred from the other.

use super::record;
use crate::journal::When;
use crate::journal::codes::codes;

codes! {
    /// Whether it was intended.
    Intention {
        /// Unplanned.
        Unplanned = "unplanned", "unplanned";
        /// Partly planned.
        Partly = "partly", "partly planned";
        /// Planned.
        Planned = "planned", "planned";
        /// The person is unsure.
        Unsure = "unsure", "unsure";
    }
}

codes! {
    /// How much of it there was. For `days`, [`UseEpisode::extent_days`] says how many.
    Extent {
        /// One occasion.
        SingleOccasion = "single-occasion", "a single occasion";
        /// Several occasions.
        SeveralOccasions = "several-occasions", "several occasions";
        /// Some days.
        Days = "days", "some days";
    }
}

codes! {
    /// Whether the episode is over.
    EpisodeState {
        /// Going on.
        Open = "open", "going on";
        /// Over.
        Ended = "ended", "over";
        /// Not known.
        Unknown = "unknown", "not known";
    }
}

codes! {
    /// Warning signs noticed beforehand. Tags, several at once and in any order; no sequence.
    StageSign {
        /// Emotional signs.
        Emotional = "emotional", "emotional signs";
        /// Mental signs.
        Mental = "mental", "signs in my thinking";
        /// Physical signs.
        Physical = "physical", "physical signs";
        /// None: it came out of nowhere.
        OutOfNowhere = "out-of-nowhere", "out of nowhere";
    }
}

codes! {
    /// What became of the person's goal.
    GoalStatus {
        /// Kept.
        Kept = "kept", "my goal stands";
        /// Unsure.
        Unsure = "unsure", "unsure about my goal";
        /// Paused.
        Paused = "paused", "my goal is paused";
        /// Changed.
        Changed = "changed", "my goal has changed";
    }
}

codes! {
    /// What the person calls it. Only they set it, and the engine never corrects it.
    /// `Other` holds their own word.
    PersonalLabel {
        /// A slip.
        Slip = "slip", "slip";
        /// A lapse.
        Lapse = "lapse", "lapse";
        /// A relapse.
        Relapse = "relapse", "relapse";
        /// No name for it yet.
        NoneYet = "none-yet", "no name for it yet";
    }
}

record! {
    /// An episode of use. It started at the entry's time.
    UseEpisode {
        /// Which substance, in the plan's or the person's words.
        substance: String,
        /// When it ended, if it did.
        ended: When,
        /// Whether it is over.
        state: EpisodeState,
        /// Whether it was intended.
        intention: Intention,
        /// How much of it there was.
        extent: Extent,
        /// The number of days, where `extent` is `days`: 1–3660.
        extent_days: u16,
        /// The amount in the person's words.
        amount: String,
        /// Triggers, as codes or own words of the plan; empty: none noticed.
        triggers: Vec<String>,
        /// Warning signs noticed beforehand.
        stage_signs: Vec<StageSign>,
        /// What the person thought afterwards.
        after_thought: String,
        /// "All or nothing" thinking: ticked by the person, never detected.
        all_or_nothing: bool,
        /// Guilt afterwards, 0–10.
        guilt: u8,
        /// Confidence afterwards, 0–10.
        confidence: u8,
        /// What the person puts it down to.
        attribution: String,
        /// What became of the goal.
        goal_status: GoalStatus,
        /// The person's own label.
        personal_label: PersonalLabel,
        /// A note.
        note: String,
    }
}
