//! One thing logged.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::codes::codes;
use super::{CheckIn, ContactAttempt, EntryId, Fields, Meeting, Note, Urge, UseEpisode, When};

codes! {
    /// How a record came to be.
    Source {
        /// Typed by its author.
        Typed = "typed", "typed";
        /// From a questionnaire.
        Instrument = "instrument", "questionnaire";
        /// Imported.
        Import = "import", "imported";
        /// Measured by a device.
        Device = "device", "device";
    }
}

/// Who wrote a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Author {
    /// The person whose journal this is. Not written out: it is what a missing author means.
    #[default]
    Person,
    /// A named counsellor, written `counsellor:NAME`.
    Counsellor(String),
    /// A suggestion by the program, written `system`.
    System,
    /// An author of a kind this version does not know.
    Other(String),
}

const COUNSELLOR_PREFIX: &str = "counsellor:";

impl From<String> for Author {
    fn from(text: String) -> Self {
        match text.as_str() {
            "person" => Self::Person,
            "system" => Self::System,
            _ => match text.strip_prefix(COUNSELLOR_PREFIX) {
                Some(name) => Self::Counsellor(name.to_owned()),
                None => Self::Other(text),
            },
        }
    }
}

impl std::fmt::Display for Author {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Person => f.write_str("person"),
            Self::System => f.write_str("system"),
            Self::Counsellor(name) => write!(f, "{COUNSELLOR_PREFIX}{name}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl Serialize for Author {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Author {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// What was logged. The kind's stable code is given with each variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[allow(clippy::large_enum_variant)] // Entries are built one at a time and dropped.
pub enum EntryBody {
    /// `check-in`
    CheckIn(CheckIn),
    /// `urge`
    Urge(Urge),
    /// `use`
    #[serde(rename = "use")]
    UseEpisode(UseEpisode),
    /// `contact`
    #[serde(rename = "contact")]
    ContactAttempt(ContactAttempt),
    /// `meeting`
    Meeting(Meeting),
    /// `note`
    Note(Note),
    /// A kind this version does not know. Its fields are in [`Entry::extra`].
    #[serde(skip)]
    Other(String),
}

impl EntryBody {
    /// The stable code of the kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::CheckIn(_) => "check-in",
            Self::Urge(_) => "urge",
            Self::UseEpisode(_) => "use",
            Self::ContactAttempt(_) => "contact",
            Self::Meeting(_) => "meeting",
            Self::Note(_) => "note",
            Self::Other(kind) => kind,
        }
    }

    /// The names of the fields a kind has; `None` for a kind this version does not know.
    #[must_use]
    pub fn field_names(kind: &str) -> Option<&'static [&'static str]> {
        match kind {
            "check-in" => Some(CheckIn::FIELDS),
            "urge" => Some(Urge::FIELDS),
            "use" => Some(UseEpisode::FIELDS),
            "contact" => Some(ContactAttempt::FIELDS),
            "meeting" => Some(Meeting::FIELDS),
            "note" => Some(Note::FIELDS),
            _ => None,
        }
    }

    /// The note, which every kind may have.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        match self {
            Self::CheckIn(CheckIn { note, .. })
            | Self::Urge(Urge { note, .. })
            | Self::UseEpisode(UseEpisode { note, .. })
            | Self::ContactAttempt(ContactAttempt { note, .. })
            | Self::Meeting(Meeting { note, .. })
            | Self::Note(Note { note }) => note.as_deref(),
            Self::Other(_) => None,
        }
    }
}

/// One thing logged. There is no way to set a clinical class through an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name; also says which chapter it belongs to.
    pub id: EntryId,
    /// What was logged.
    pub body: EntryBody,
    /// When it happened, as exactly as the person knows.
    pub when: When,
    /// When it was written down. A late entry keeps both times.
    pub recorded_at: Timestamp,
    /// Who wrote it.
    pub author: Author,
    /// How it came to be.
    pub source: Source,
    /// Whether an import says that it had been edited before.
    pub edited_before: bool,
    /// Fields this version does not know, kept as they came.
    pub extra: Fields,
}

impl Entry {
    /// A new entry typed by the person.
    #[must_use]
    pub fn typed(id: EntryId, body: EntryBody, when: When, recorded_at: Timestamp) -> Self {
        Self {
            id,
            body,
            when,
            recorded_at,
            author: Author::Person,
            source: Source::Typed,
            edited_before: false,
            extra: Fields::new(),
        }
    }
}
