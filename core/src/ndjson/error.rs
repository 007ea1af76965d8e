//! Why a line does not become an entry.

use crate::journal::{FieldsError, Invalid};

/// A line that does not become an entry. The other lines do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Rejected {
    /// The line's number, from 1.
    pub line: u64,
    /// The reason. It never repeats what the line says.
    pub why: Why,
}

/// The reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// Longer than a line may be.
    #[error("longer than {max} bytes; a line holds one entry, and a note at most 64 KiB")]
    TooLong {
        /// Most bytes allowed.
        max: usize,
    },
    /// Not UTF-8.
    #[error("not UTF-8; save the file as UTF-8")]
    NotUtf8,
    /// Not JSON.
    #[error("not JSON from column {column} on; a line is one JSON object")]
    NotJson {
        /// Where the JSON ends to be valid, from 1.
        column: usize,
    },
    /// JSON, but no object.
    #[error("not an object; a line is one JSON object such as {{\"kind\":\"note\",…}}")]
    NotObject,
    /// The id is no id.
    #[error("field `id` is no id: 32 digits out of 0-9 and a-f; or leave it out")]
    Id,
    /// A field is missing or has the wrong form.
    #[error(transparent)]
    Fields(#[from] FieldsError),
    /// A field is outside its limits.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}
