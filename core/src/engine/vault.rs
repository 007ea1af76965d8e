//! The store with every value sealed and every key opaque.

use std::sync::Arc;

use mainstay_store::Store;
use rand_core::CryptoRng;

use super::error::EngineError;
use super::layer::Layer;
use crate::space::at_rest::{PART_BYTES, RestKey};

/// What a record is. The number is part of its key for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Table {
    /// Single values, by name.
    Meta = 1,
    /// What was logged and not yet folded into documents, in order.
    Intent = 2,
    /// Loose documents, by chapter and entry.
    Doc = 3,
    /// Loose rows, by chapter and entry.
    Row = 4,
    /// Bundles, by chapter.
    Bundle = 5,
    /// Pages, by chapter.
    Page = 6,
    /// A summary of each chapter.
    Catalog = 7,
    /// Entries with changes that no envelope holds yet.
    Pending = 8,
    /// Envelopes whose fate is unknown, in order.
    Outbox = 9,
    /// Where the chains of each slot stand.
    Slot = 10,
    /// Slots that a snapshot does not cover wholly.
    Loose = 11,
    /// Changes that wait for a document, by chapter and entry.
    Stash = 12,
    /// Snapshots whose body is to be fetched.
    Wanted = 13,
    /// Entries that another device has not confirmed yet, by device and entry.
    Unconfirmed = 14,
    /// The last receipt of each device.
    Receipt = 15,
    /// Parts of snapshots seen so far, by slot and author.
    Partial = 16,
    /// What is known of a share, by share.
    Share = 17,
    /// What was said in a share, by share and slot.
    ShareRecord = 18,
    /// Envelopes of a share whose fate is unknown, by share and slot.
    ShareOut = 19,
    /// Entries that a share has to look at, by share and entry.
    ShareDue = 20,
    /// Slots of a share in which something is to be said, by share and slot.
    ShareSay = 21,
    /// Invitations that are open, by share.
    Door = 22,
    /// What was disclosed in a share, by share and day.
    ShareLog = 23,
}

/// A record's key without its chunk number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(pub(super) Vec<u8>);

/// The store, and the key that seals what is in it.
pub(super) struct Vault {
    store: Arc<dyn Store>,
    rest: RestKey,
    layer: Layer,
}

impl Vault {
    pub(super) fn new(store: Arc<dyn Store>, rest: RestKey) -> Self {
        Self { store, rest, layer: Layer::default() }
    }

    pub(super) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// What follows from intents and is not in the store yet.
    pub(super) fn layer(&self) -> &Layer {
        &self.layer
    }

    /// The key of one record: the table, then a keyed hash of each part, so that records that share
    /// their first parts lie together.
    pub(super) fn key(&self, table: Table, parts: &[&[u8]]) -> Key {
        let mut key = vec![table as u8];
        for (depth, part) in parts.iter().enumerate() {
            let name = self.rest.opaque(table as u8, &[&[depth as u8], part]);
            // The hash of the part, which follows from those of the table and the depth before it.
            key.extend_from_slice(&name[name.len() - PART_BYTES..]);
        }
        Key(key)
    }

    /// A key in arrival order.
    pub(super) fn ordinal(&self, table: Table, ordinal: u64) -> Key {
        Key([&[table as u8][..], &ordinal.to_be_bytes()[..]].concat())
    }

    /// All keys of a table.
    pub(super) fn table(&self, table: Table) -> Key {
        Key(vec![table as u8])
    }

    pub(super) fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        match self.store.get(key)? {
            Some(sealed) => self.open(key, &sealed).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn open(&self, key: &[u8], sealed: &[u8]) -> Result<Vec<u8>, EngineError> {
        let plain = self.rest.open(key, sealed);
        plain.map(|p| p.to_vec()).map_err(|_| EngineError::damaged("a value does not open"))
    }

    pub(super) fn seal(&self, key: &[u8], plain: &[u8], rng: &mut dyn CryptoRng) -> Vec<u8> {
        self.rest.seal(rng, key, plain)
    }
}
