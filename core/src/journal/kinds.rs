//! The kinds of entries, one file each.

mod check_in;
mod contact;
mod meeting;
mod note;
mod urge;
mod use_episode;

pub use check_in::CheckIn;
pub use contact::{Channel, ContactAttempt, ContactOutcome, ContactRole};
pub use meeting::{Attendance, Meeting, MeetingKind};
pub use note::Note;
pub use urge::{Company, Urge, UrgeOutcome};
pub use use_episode::{
    EpisodeState, Extent, GoalStatus, Intention, PersonalLabel, StageSign, UseEpisode,
};

/// The attributes every kind shares: unknown fields are `None` and are not written.
macro_rules! record {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
        }

        impl $name {
            /// The names of this kind's fields, as they are stored and exchanged.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];
        }
    };
}
pub(super) use record;
