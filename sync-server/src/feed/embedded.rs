//! [`FeedStore`] over [`mainstay_store::Store`]: reading.

use std::ops::ControlFlow;

use mainstay_protocol::codec;
use mainstay_protocol::frame::Signer;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{Head, SlotHead};
use mainstay_protocol::ids::{AuthorId, Incarnation, MailboxId, SlotId, SpaceId};
use mainstay_protocol::mailbox::Letter;
use mainstay_protocol::receipt::Receipt;
use mainstay_protocol::roster::{Record, Wrap};
use mainstay_protocol::sign::Signed;
use mainstay_store::{Batch, Store, blob, prefix_end};
use minicbor::Decode;

use crate::feed::change::Change;
use crate::feed::key::{self, Table};
use crate::feed::row::{Covering, ItemRow, MailboxRow, SpaceRow};
use crate::feed::{FeedError, FeedStore, Form, write};

/// The embedded store: sled in production, memory in tests and the simulator.
#[derive(Debug)]
pub struct EmbeddedFeedStore<S> {
    store: S,
}

impl<S: Store> EmbeddedFeedStore<S> {
    /// Keeps everything in `store`, which belongs to the relay alone.
    pub fn new(store: S) -> Self {
        Self { store }
    }

    /// What it is kept in.
    pub fn store(&self) -> &S {
        &self.store
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, FeedError> {
        Ok(self.store.get(key)?)
    }

    fn row<T: for<'b> Decode<'b, ()>>(
        &self,
        key: &[u8],
        what: &'static str,
    ) -> Result<Option<T>, FeedError> {
        self.store.get(key)?.map(|bytes| read(&bytes, what)).transpose()
    }

    fn number(&self, key: &[u8]) -> Result<Option<u64>, FeedError> {
        let bytes = self.store.get(key)?;
        bytes
            .map(|bytes| key::trailing_number(&bytes).ok_or(damaged("an item's number")))
            .transpose()
    }

    /// Visits keys that start with `prefix`, from `from` on.
    pub(super) fn visit(
        &self,
        from: &[u8],
        prefix: &[u8],
        mut each: impl FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>, FeedError>,
    ) -> Result<(), FeedError> {
        let mut outcome = Ok(());
        let end = prefix_end(prefix);
        self.store.scan(from, end.as_deref(), &mut |key, value| match each(key, value) {
            Ok(flow) => flow,
            Err(error) => {
                outcome = Err(error);
                ControlFlow::Break(())
            }
        })?;
        outcome
    }

    /// The items in an index by time up to `until_ms`, at most `limit`.
    fn by_time(
        &self,
        index: &[u8],
        until_ms: u64,
        limit: usize,
    ) -> Result<Vec<(SpaceId, u64)>, FeedError> {
        let mut found = Vec::new();
        self.visit(index, index, |key, _| {
            let (at, rest) = key[1..].split_first_chunk().ok_or(damaged("a time"))?;
            if u64::from_be_bytes(*at) > until_ms || found.len() == limit {
                return Ok(ControlFlow::Break(()));
            }
            let (space, number) = rest
                .split_first_chunk()
                .and_then(|(space, number)| Some((SpaceId(*space), key::trailing_number(number)?)))
                .ok_or(damaged("an item by time"))?;
            found.push((space, number));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// The distinct values of the `len` bytes after `prefix`, at most `limit`.
    pub(super) fn distinct(
        &self,
        prefix: &[u8],
        len: usize,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, FeedError> {
        let mut found = Vec::new();
        let mut from = Some(prefix.to_vec());
        while let Some(start) = from.take().filter(|_| found.len() < limit) {
            self.visit(&start, prefix, |key, _| {
                let upto = prefix.len() + len;
                if let Some(part) = key.get(prefix.len()..upto) {
                    found.push(part.to_vec());
                    from = prefix_end(&key[..upto]).filter(|next| next.starts_with(prefix));
                }
                Ok(ControlFlow::Break(()))
            })?;
        }
        Ok(found)
    }
}

impl<S: Store> FeedStore for EmbeddedFeedStore<S> {
    fn incarnation(&self) -> Result<Option<Incarnation>, FeedError> {
        let bytes = self.store.get(key::INCARNATION)?;
        bytes.map(|b| Incarnation::from_slice(&b).ok_or(damaged("the incarnation"))).transpose()
    }

    fn count_spaces(&self) -> Result<u64, FeedError> {
        Ok(self.distinct(key::SPACES, SpaceId::LEN, usize::MAX)?.len() as u64)
    }

    fn space(&self, space: &SpaceId) -> Result<Option<SpaceRow>, FeedError> {
        self.row(&key::table(space, Table::Meta), "a space")
    }

    fn records(&self, space: &SpaceId) -> Result<Vec<Signed<Record>>, FeedError> {
        let mut records = Vec::new();
        while let Some(bytes) = blob::get(&self.store, &key::record(space, records.len() as u32))? {
            records.push(read(&bytes, "a roster record")?);
        }
        Ok(records)
    }

    fn records_bytes(&self, space: &SpaceId) -> Result<usize, FeedError> {
        let (mut bytes, mut number) = (0, 0);
        while let Some(record) = blob::get(&self.store, &key::record(space, number))? {
            bytes += record.len();
            number += 1;
        }
        Ok(bytes)
    }

    fn wrap(&self, space: &SpaceId, to: &Signer, hash: &Hash) -> Result<Option<Wrap>, FeedError> {
        self.row(&key::wrap(space, to, hash), "a wrap")
    }

    fn running(&self, space: &SpaceId, number: u64) -> Result<Option<Hash>, FeedError> {
        let bytes = self.store.get(&key::numbered(space, Table::Running, number))?;
        bytes.map(|b| Hash::from_slice(&b).ok_or(damaged("a running hash"))).transpose()
    }

    fn number_of(&self, space: &SpaceId, envelope: &Hash) -> Result<Option<u64>, FeedError> {
        self.number(&key::hash(space, envelope))
    }

    fn number_at(
        &self,
        space: &SpaceId,
        slot: &SlotId,
        author: &AuthorId,
        seq: u64,
    ) -> Result<Option<u64>, FeedError> {
        self.number(&key::place(space, slot, author, seq))
    }

    fn item(&self, space: &SpaceId, number: u64) -> Result<Option<ItemRow>, FeedError> {
        match self.row(&key::numbered(space, Table::Item, number), "an item")? {
            Some(row) => Ok(Some(row)),
            None => self.row(&key::numbered(space, Table::DroppedItem, number), "an item"),
        }
    }

    fn body(&self, space: &SpaceId, number: u64, form: Form) -> Result<Option<Vec<u8>>, FeedError> {
        let table = match form {
            Form::Whole => Table::Body,
            Form::Stub => Table::Stub,
        };
        Ok(blob::get(&self.store, &key::numbered(space, table, number))?)
    }

    fn items_after(
        &self,
        space: &SpaceId,
        number: u64,
        visit: &mut dyn FnMut(ItemRow) -> ControlFlow<()>,
    ) -> Result<(), FeedError> {
        let Some(from) = number.checked_add(1) else { return Ok(()) };
        let prefix = key::table(space, Table::Item);
        self.visit(&key::numbered(space, Table::Item, from), &prefix, |_, value| {
            Ok(visit(read(value, "an item")?))
        })
    }

    fn numbers_in_slot(
        &self,
        space: &SpaceId,
        slot: &SlotId,
        after: u64,
        visit: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<(), FeedError> {
        let Some(from) = after.checked_add(1) else { return Ok(()) };
        let prefix = key::slot(space, slot);
        self.visit(&key::slot_item(space, slot, from), &prefix, |key, _| {
            Ok(visit(key::trailing_number(key).ok_or(damaged("a slot's index"))?))
        })
    }

    fn numbers_in_chain(
        &self,
        space: &SpaceId,
        slot: &SlotId,
        author: &AuthorId,
        seq: u64,
        visit: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<(), FeedError> {
        let prefix = key::places(space, slot, author);
        self.visit(&prefix, &prefix, |key, value| {
            if key::trailing_number(key).is_none_or(|at| at > seq) {
                return Ok(ControlFlow::Break(()));
            }
            Ok(visit(key::trailing_number(value).ok_or(damaged("an item's number"))?))
        })
    }

    fn slots(&self, space: &SpaceId, limit: usize) -> Result<Vec<SlotId>, FeedError> {
        let found = self.distinct(&key::table(space, Table::Slot), SlotId::LEN, limit)?;
        Ok(found.iter().filter_map(|bytes| SlotId::from_slice(bytes)).collect())
    }

    fn head(
        &self,
        space: &SpaceId,
        slot: &SlotId,
        author: &AuthorId,
    ) -> Result<Option<Head>, FeedError> {
        self.row(&key::head(space, slot, author), "the end of a chain")
    }

    fn heads(&self, space: &SpaceId) -> Result<Vec<SlotHead>, FeedError> {
        let prefix = key::table(space, Table::Head);
        let mut heads = Vec::new();
        self.visit(&prefix, &prefix, |key, value| {
            let head = read(value, "the end of a chain")?;
            let (slot, author) = key[prefix.len()..]
                .split_at_checked(SlotId::LEN)
                .and_then(|(s, a)| Some((SlotId::from_slice(s)?, AuthorId::from_slice(a)?)))
                .ok_or(damaged("the name of a chain"))?;
            heads.push(SlotHead { slot, author, head });
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(heads)
    }

    fn slot_is_known(&self, space: &SpaceId, slot: &SlotId) -> Result<bool, FeedError> {
        let prefix = key::slot_heads(space, slot);
        let mut known = false;
        self.visit(&prefix, &prefix, |_, _| {
            known = true;
            Ok(ControlFlow::Break(()))
        })?;
        Ok(known)
    }

    fn coverings(&self, space: &SpaceId) -> Result<Vec<Covering>, FeedError> {
        let prefix = key::table(space, Table::Covering);
        let mut numbers = Vec::new();
        for bytes in self.distinct(&prefix, 8, usize::MAX)? {
            numbers.push(key::trailing_number(&bytes).ok_or(damaged("a snapshot"))?);
        }
        let mut found = Vec::new();
        for number in numbers {
            let key = key::numbered(space, Table::Covering, number);
            let bytes = blob::get(&self.store, &key)?.ok_or(damaged("a snapshot"))?;
            found.push(read(&bytes, "a snapshot")?);
        }
        Ok(found)
    }

    fn dropped_before(
        &self,
        before_ms: u64,
        limit: usize,
    ) -> Result<Vec<(SpaceId, u64)>, FeedError> {
        self.by_time(key::DROPPED, before_ms, limit)
    }

    fn held_before(&self, now_ms: u64, limit: usize) -> Result<Vec<SpaceId>, FeedError> {
        let found = self.by_time(key::HELD, now_ms, limit)?;
        Ok(found.into_iter().map(|(space, _)| space).collect())
    }

    fn receipt(
        &self,
        space: &SpaceId,
        author: &AuthorId,
    ) -> Result<Option<(u64, Signed<Receipt>)>, FeedError> {
        let bytes = blob::get(&self.store, &key::receipt(space, author))?;
        bytes.map(|bytes| read(&bytes, "a receipt")).transpose()
    }

    fn mailbox(&self, mailbox: &MailboxId) -> Result<Option<MailboxRow>, FeedError> {
        self.row(&key::mailbox(mailbox), "a mailbox")
    }

    fn letter(&self, mailbox: &MailboxId, place: u32) -> Result<Option<Letter>, FeedError> {
        let bytes = blob::get(&self.store, &key::letter(mailbox, place))?;
        bytes.map(|bytes| read(&bytes, "a letter")).transpose()
    }

    fn expired_mailboxes(
        &self,
        now_ms: u64,
        limit: usize,
    ) -> Result<Vec<(MailboxId, MailboxRow)>, FeedError> {
        let mut found = Vec::new();
        self.visit(key::MAILBOXES, key::MAILBOXES, |key, value| {
            let row: MailboxRow = read(value, "a mailbox")?;
            if row.expires_ms <= now_ms {
                let id = MailboxId::from_slice(&key[1..]).ok_or(damaged("a mailbox"))?;
                found.push((id, row));
            }
            Ok(stop_at(found.len(), limit))
        })?;
        Ok(found)
    }

    fn invitation_is_used(&self, nonce: &[u8; 16]) -> Result<bool, FeedError> {
        Ok(self.store.get(&key::invitation(nonce))?.is_some())
    }

    fn expired_invitations(&self, now_ms: u64, limit: usize) -> Result<Vec<[u8; 16]>, FeedError> {
        let mut found = Vec::new();
        self.visit(key::INVITATIONS, key::INVITATIONS, |key, value| {
            let until = key::trailing_number(value).ok_or(damaged("an invitation"))?;
            if until <= now_ms {
                found.push(key[1..].try_into().map_err(|_| damaged("an invitation"))?);
            }
            Ok(stop_at(found.len(), limit))
        })?;
        Ok(found)
    }

    fn witness(&self) -> Result<Option<[u8; 16]>, FeedError> {
        let bytes = self.store.get(key::WITNESS)?;
        bytes.map(|b| b.as_slice().try_into().map_err(|_| damaged("the witness"))).transpose()
    }

    fn commit(&self, changes: &[Change]) -> Result<(), FeedError> {
        let mut batch = Batch::default();
        for change in changes {
            write::add(&self.store, &mut batch, change)?;
        }
        Ok(self.store.commit(&batch)?)
    }
}

fn stop_at(found: usize, limit: usize) -> ControlFlow<()> {
    if found >= limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

pub(super) fn damaged(what: &'static str) -> FeedError {
    FeedError::Damaged { what }
}

pub(super) fn read<T: for<'b> Decode<'b, ()>>(
    bytes: &[u8],
    what: &'static str,
) -> Result<T, FeedError> {
    codec::decode(bytes).map_err(|_| FeedError::Damaged { what })
}
