//! What a person logs: plain types and their rules, without Automerge and without I/O.
//!
//! Four layers never overwrite each other:
//!
//! | layer | where it lives |
//! |---|---|
//! | facts | the fields of an [`EntryBody`] |
//! | the person's own label | [`PersonalLabel`], a field only the person sets |
//! | a clinical class | not here: a counsellor signs it as a record of their own |
//! | derived figures | nowhere: they are computed when asked for and never stored |
//!
//! Everything a person may not know is an [`Option`]: unknown is not zero, and "none noticed"
//! (an empty list) is not "not asked" (no list).

pub(crate) mod check;
pub(crate) mod codes;
pub(crate) mod convert;
mod entry;
mod fields;
pub(crate) mod id;
mod kinds;
mod limits;
mod linter;
mod month;
mod value_cbor;
mod vocabulary;
mod when;
mod when_text;
mod zone;

pub use check::{Invalid, Problem};
pub use codes::Codes;
pub use convert::FieldsError;
pub(crate) use convert::header;
pub use entry::{Author, Entry, EntryBody, Source};
pub use fields::{Fields, Patch, Value, apply, diff};
pub use id::{EntryId, ParseIdError};
pub use kinds::{
    Attendance, Channel, CheckIn, Company, ContactAttempt, ContactOutcome, ContactRole,
    EpisodeState, Extent, GoalStatus, Intention, Meeting, MeetingKind, Note, PersonalLabel,
    StageSign, Urge, UrgeOutcome, UseEpisode,
};
pub use limits::Limits;
pub use linter::{BANNED, Finding, lint};
pub use month::{Month, ParseMonthError};
pub use vocabulary::{KIND_WORDS, built_in_strings, field_word, kind_word, label_word};
pub use when::{PartOfDay, When};
pub use when_text::ParseWhenError;
pub use zone::Place;
