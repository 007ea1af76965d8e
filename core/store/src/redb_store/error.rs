//! What redb's errors mean.

use std::io::ErrorKind;

use crate::StoreError;
use crate::guard::shortened;

pub(super) fn redb_error(what: &'static str, error: redb::Error) -> StoreError {
    match error {
        redb::Error::Io(source) => match source.kind() {
            ErrorKind::NotFound | ErrorKind::UnexpectedEof | ErrorKind::InvalidData => {
                StoreError::damaged(format!("{what} failed: {}", shortened(&source.to_string())))
            }
            _ => StoreError::io(what, source),
        },
        redb::Error::PreviousIo | redb::Error::DatabaseClosed => StoreError::Stopped,
        // Everything else is a file that does not hold what we wrote, or cannot happen with one
        // table, no savepoints and one writer.
        other => StoreError::damaged(format!("{what} failed: {}", shortened(&other.to_string()))),
    }
}
