//! What sled's errors mean.

use std::io::ErrorKind;

use crate::StoreError;
use crate::guard::shortened;

pub(super) fn sled_error(what: &'static str, error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(source) => match source.kind() {
            // A file or a part of one that sled wrote and that is no longer there.
            ErrorKind::NotFound | ErrorKind::UnexpectedEof | ErrorKind::InvalidData => {
                StoreError::damaged(format!("{what} failed: {}", shortened(&source.to_string())))
            }
            _ => StoreError::io(what, source),
        },
        sled::Error::Corruption { at, .. } => {
            StoreError::damaged(format!("{what} found corrupted data at {at:?}"))
        }
        sled::Error::Unsupported(why) | sled::Error::ReportableBug(why) => {
            StoreError::damaged(format!("{what} failed: {}", shortened(&why)))
        }
        sled::Error::CollectionNotFound(_) => {
            StoreError::damaged(format!("{what} found no collection"))
        }
    }
}
