//! Free text.

use super::record;

record! {
    /// Free text.
    Note {
        /// The text.
        note: String,
    }
}
