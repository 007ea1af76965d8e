//! One flag for each field of each kind of entry.

use clap::{ArgAction, Args, Subcommand};
use mainstay_core::journal::Limits;
use serde::Serialize;

const SCALE_MAX: u32 = Limits::SCALE_MAX as u32;
const INTENSITY_MAX: u32 = Limits::INTENSITY_MAX as u32;

/// When it happened.
#[derive(Debug, Args, Clone)]
pub(super) struct AtArgs {
    /// When: a time, a date (some time on that day), "DATE evening", "yesterday", "A..B" [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) at: Option<String>,
    /// The zone of times without one, such as Europe/Berlin [default: the system's]
    #[arg(long, value_name = "ZONE")]
    pub(super) zone: Option<String>,
}

/// What can be written down. Leave out whatever you do not know: unknown is not zero.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant)] // There is one of them in the life of the program.
pub(super) enum LogKind {
    /// How things are right now
    CheckIn(CheckInArgs),
    /// An urge to use, and what became of it
    Urge(UrgeArgs),
    /// An episode of use: facts, and your own word for it
    Use(UseArgs),
    /// An attempt to reach somebody
    Contact(ContactArgs),
    /// A meeting
    Meeting(MeetingArgs),
    /// Anything
    Note(NoteArgs),
}

/// `--hungry`, `--hungry=true` or `--hungry=false`; left out, it is not known.
macro_rules! kind {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Args, Serialize)]
        pub(super) struct $name {
            #[command(flatten)]
            #[serde(skip)]
            pub(super) when: AtArgs,
            $($(#[$field_meta])* #[serde(skip_serializing_if = "Option::is_none")] $field: Option<$type>,)*
            /// A note
            #[arg(long)]
            #[serde(skip_serializing_if = "Option::is_none")]
            note: Option<String>,
        }
    };
}

kind! {
    /// How things are right now.
    CheckInArgs {
        /// Mood, 0-10
        #[arg(long, allow_negative_numbers = true, value_parser = whole::<u8>(SCALE_MAX))]
        mood: u8,
        /// Craving, 0-10
        #[arg(long, allow_negative_numbers = true, value_parser = whole::<u8>(SCALE_MAX))]
        craving: u8,
        /// Stress, 0-10
        #[arg(long, allow_negative_numbers = true, value_parser = whole::<u8>(SCALE_MAX))]
        stress: u8,
        /// Hours slept, 0-24
        #[arg(long, allow_negative_numbers = true, value_parser = hours)]
        sleep_hours: f64,
        /// How well you slept, 0-10
        #[arg(long, allow_negative_numbers = true, value_parser = whole::<u8>(SCALE_MAX))]
        sleep_quality: u8,
        /// Hungry?
        #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        hungry: bool,
        /// Angry?
        #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        angry: bool,
        /// Lonely?
        #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        lonely: bool,
        /// Tired?
        #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        tired: bool,
        /// A warning sign you noticed; repeat for more, empty for none
        #[arg(long, action = ArgAction::Append)]
        signs: Vec<String>,
        /// How hard the day was, 1-5
        #[arg(long, allow_negative_numbers = true, value_parser = whole_from::<u8>(1, u32::from(Limits::DIFFICULTY_MAX)))]
        day_difficulty: u8,
    }
}

kind! {
    /// An urge to use.
    UrgeArgs {
        /// How strong it was, 0-100
        #[arg(long, allow_negative_numbers = true, value_parser = whole::<u8>(INTENSITY_MAX))]
        intensity: u8,
        /// How long it took, in minutes
        #[arg(long, allow_negative_numbers = true, value_parser = whole::<u32>(Limits::DURATION_MAX_MINUTES))]
        duration_minutes: u32,
        /// Where you were
        #[arg(long)]
        setting: String,
        /// alone, partner, family, friends, colleagues, peers, people-using, strangers, or your word
        #[arg(long)]
        company: String,
        /// What set it off; repeat for more, empty for none
        #[arg(long, action = ArgAction::Append)]
        triggers: Vec<String>,
        /// What went through your mind
        #[arg(long)]
        thoughts: String,
        /// What you did; repeat for more, empty for none
        #[arg(long, action = ArgAction::Append)]
        coping: Vec<String>,
        /// How strong it was afterwards, 0-100
        #[arg(long, allow_negative_numbers = true, value_parser = whole::<u8>(INTENSITY_MAX))]
        intensity_after: u8,
        /// passed, passed-with-help, used, still-going, not-recorded
        #[arg(long)]
        outcome: String,
    }
}

kind! {
    /// An episode of use.
    UseArgs {
        /// Which substance
        #[arg(long)]
        substance: String,
        /// When it ended: a time as for --at
        #[arg(long)]
        ended: String,
        /// Is it over? open, ended, unknown
        #[arg(long)]
        state: String,
        /// Was it planned? unplanned, partly, planned, unsure
        #[arg(long)]
        intention: String,
        /// single-occasion, several-occasions, days
        #[arg(long)]
        extent: String,
        /// How many days
        #[arg(long, allow_negative_numbers = true, value_parser = whole_from::<u16>(1, u32::from(Limits::EXTENT_MAX_DAYS)))]
        extent_days: u16,
        /// How much, in your words
        #[arg(long)]
        amount: String,
        /// What set it off; repeat for more, empty for none
        #[arg(long, action = ArgAction::Append)]
        triggers: Vec<String>,
        /// emotional, mental, physical, out-of-nowhere; repeat for more, empty for none
        #[arg(long, action = ArgAction::Append)]
        stage_signs: Vec<String>,
        /// What you thought afterwards
        #[arg(long)]
        after_thought: String,
        /// Was it all-or-nothing thinking?
        #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        all_or_nothing: bool,
        /// Guilt, 0-10
        #[arg(long, allow_negative_numbers = true, value_parser = whole::<u8>(SCALE_MAX))]
        guilt: u8,
        /// Confidence, 0-10
        #[arg(long, allow_negative_numbers = true, value_parser = whole::<u8>(SCALE_MAX))]
        confidence: u8,
        /// What you put it down to
        #[arg(long)]
        attribution: String,
        /// Your goal: kept, unsure, paused, changed
        #[arg(long)]
        goal_status: String,
        /// What you call it: slip, lapse, relapse, none-yet, or your own word
        #[arg(long)]
        personal_label: String,
    }
}

kind! {
    /// An attempt to reach somebody.
    ContactArgs {
        /// Whom
        #[arg(long)]
        who: String,
        /// sponsor, counsellor, doctor, peer, partner, family, friend, crisis-service
        #[arg(long)]
        role: String,
        /// call, text, in-person, video, email
        #[arg(long)]
        channel: String,
        /// reached, left-message, no-answer, planned
        #[arg(long)]
        outcome: String,
    }
}

kind! {
    /// A meeting.
    MeetingArgs {
        /// mutual-help, group-therapy, counselling, medical, aftercare, online
        #[arg(long)]
        meeting: String,
        /// attended, missed, planned
        #[arg(long)]
        attendance: String,
        /// Where
        #[arg(long)]
        place: String,
    }
}

kind! {
    /// Anything.
    NoteArgs {}
}

impl LogKind {
    /// The kind's stable code.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::CheckIn(_) => "check-in",
            Self::Urge(_) => "urge",
            Self::Use(_) => "use",
            Self::Contact(_) => "contact",
            Self::Meeting(_) => "meeting",
            Self::Note(_) => "note",
        }
    }

    pub(super) const fn when(&self) -> &AtArgs {
        match self {
            Self::CheckIn(args) => &args.when,
            Self::Urge(args) => &args.when,
            Self::Use(args) => &args.when,
            Self::Contact(args) => &args.when,
            Self::Meeting(args) => &args.when,
            Self::Note(args) => &args.when,
        }
    }

    /// The fields that were given, by name.
    ///
    /// # Errors
    /// A number that JSON cannot hold; the ranges leave none.
    pub(super) fn fields(&self) -> serde_json::Result<serde_json::Value> {
        match self {
            Self::CheckIn(args) => serde_json::to_value(args),
            Self::Urge(args) => serde_json::to_value(args),
            Self::Use(args) => serde_json::to_value(args),
            Self::Contact(args) => serde_json::to_value(args),
            Self::Meeting(args) => serde_json::to_value(args),
            Self::Note(args) => serde_json::to_value(args),
        }
    }
}

type Parsed<N> = Result<N, String>;

/// Reads a whole number from 0 to `max`.
fn whole<N: TryFrom<u32>>(max: u32) -> impl Fn(&str) -> Parsed<N> + Clone + Send + Sync + 'static {
    whole_from(0, max)
}

fn whole_from<N: TryFrom<u32>>(
    min: u32,
    max: u32,
) -> impl Fn(&str) -> Parsed<N> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse::<u32>().ok().filter(|number| (min..=max).contains(number));
        let fits = number.and_then(|number| N::try_from(number).ok());
        fits.ok_or_else(|| format!("give a whole number from {min} to {max}"))
    }
}

fn hours(text: &str) -> Result<f64, String> {
    let hours = text.parse::<f64>().ok().filter(|h| (0.0..=Limits::SLEEP_HOURS_MAX).contains(h));
    hours.ok_or_else(|| format!("give hours from 0 to {}", Limits::SLEEP_HOURS_MAX))
}
