//! A chapter packed: its documents, and its rows.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::pack::{PackError, pack, unpack};
use crate::document::Row;
use crate::journal::EntryId;

/// What a bundle or page may unpack to: 31 days of ten entries, each with the longest note, twice.
const MAX_UNPACKED_BYTES: usize = 64 << 20;

/// The version of the rows' meaning. A page of an older version is rebuilt from the documents; one
/// of a newer version is left alone.
pub const PROJECTION: u16 = 1;

/// A chapter's documents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Bundle {
    /// The documents, sorted by entry.
    #[n(0)]
    pub docs: Vec<BundledDoc>,
    /// Entries of this chapter that were forgotten for ever: a late copy of one is discarded.
    #[n(1)]
    pub forgotten: Vec<[u8; 16]>,
}

/// One document in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct BundledDoc {
    /// Which entry.
    #[n(0)]
    pub entry: [u8; 16],
    /// The saved Automerge document.
    #[n(1)]
    pub saved: ByteVec,
}

impl Bundle {
    /// The saved document of an entry.
    pub fn find(&self, id: &EntryId) -> Option<&[u8]> {
        let at = self.docs.binary_search_by(|doc| doc.entry.cmp(id.as_bytes())).ok()?;
        Some(&self.docs[at].saved)
    }

    /// The packed bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        pack(self)
    }

    /// Reads what [`Bundle::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`PackError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PackError> {
        let bundle: Self = unpack(bytes, MAX_UNPACKED_BYTES)?;
        match bundle.docs.is_sorted_by(|a, b| a.entry < b.entry) {
            true => Ok(bundle),
            false => Err(PackError::Damaged),
        }
    }
}

/// A chapter's rows.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Page {
    /// [`PROJECTION`] of the version that made it.
    #[n(0)]
    pub projection: u16,
    /// The rows, sorted by entry. Each names the heads of the document that it shows.
    #[n(1)]
    pub rows: Vec<Row>,
}

impl Page {
    /// A page of today's version.
    pub fn new(rows: Vec<Row>) -> Self {
        Self { projection: PROJECTION, rows }
    }

    /// The packed bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        pack(self)
    }

    /// Reads what [`Page::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`PackError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PackError> {
        unpack(bytes, MAX_UNPACKED_BYTES)
    }
}
