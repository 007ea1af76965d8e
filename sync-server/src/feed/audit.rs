//! After the store lost something: which spaces are whole.
//!
//! What one row says of others cannot be trusted then: a head whose items are gone would have every
//! device believe that the relay holds what it lost. Devices hold all that they gave, and bring a whole
//! space again; so a space that lacks anything is taken out.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use mainstay_protocol::codec::encode;
use mainstay_protocol::envelope::Envelope;
use mainstay_protocol::heads::HeadsDigest;
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::roster::{Roster, Wrap};
use mainstay_store::{Batch, Store, prefix_end};

use crate::feed::embedded::{EmbeddedFeedStore, damaged, read};
use crate::feed::key::{self, Table};
use crate::feed::row::{ItemRow, MailboxRow, SpaceRow};
use crate::feed::{FeedError, FeedStore, Form};

/// How many rows are taken out at once.
const ROWS_AT_ONCE: usize = 1000;

impl<S: Store> EmbeddedFeedStore<S> {
    /// Takes out every space that lacks anything; gives how many there were. Reads everything.
    ///
    /// # Errors
    /// [`FeedError::Store`].
    pub fn take_out_damaged(&self) -> Result<u64, FeedError> {
        let mut out = 0;
        let mut left = BTreeSet::new();
        for bytes in self.distinct(key::SPACES, SpaceId::LEN, usize::MAX)? {
            let space = SpaceId::from_slice(&bytes).ok_or(damaged("a space"))?;
            if self.is_whole(&space)? {
                left.insert(space);
            } else {
                self.take_out(&space)?;
                out += 1;
            }
        }
        self.tidy(&left)?;
        Ok(out)
    }

    /// Whether everything is there that a space's counters speak of, and says what it should.
    ///
    /// # Errors
    /// [`FeedError::Store`].
    pub fn is_whole(&self, space: &SpaceId) -> Result<bool, FeedError> {
        match self.adds_up(space) {
            Ok(whole) => Ok(whole),
            // What cannot be read is not there.
            Err(FeedError::Damaged { .. }) => Ok(false),
            Err(FeedError::Store(mainstay_store::StoreError::Damaged { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn adds_up(&self, space: &SpaceId) -> Result<bool, FeedError> {
        let Some(row) = self.space(space)? else { return Ok(false) };
        let records = self.records(space)?;
        if Roster::verify(*space, &records).is_err() {
            return Ok(false);
        }
        let mut bytes: usize = records.iter().map(|record| record.body().len()).sum();
        let wraps = key::table(space, Table::Wrap);
        self.visit(&wraps, &wraps, |_, value| {
            bytes += encode(&read::<Wrap>(value, "a wrap")?).len();
            Ok(ControlFlow::Continue(()))
        })?;
        let mut bytes = bytes as u64;
        for of in [Table::Item, Table::DroppedItem] {
            let mut items: Vec<ItemRow> = Vec::new();
            let table = key::table(space, of);
            self.visit(&table, &table, |_, value| {
                items.push(read(value, "an item")?);
                Ok(ControlFlow::Continue(()))
            })?;
            for item in items.iter().filter(|item| item.dropped.is_none_or(|d| !d.destroyed)) {
                bytes += item.size_bytes;
                if !self.has(space, item)? {
                    return Ok(false);
                }
            }
        }
        let heads = HeadsDigest::of(&self.heads(space)?);
        Ok(bytes == row.used_bytes
            && self.newest_is_known(space, &row)?
            && row.heads.is_none_or(|known| known == heads))
    }

    /// Whether an item can be found and given out.
    fn has(&self, space: &SpaceId, item: &ItemRow) -> Result<bool, FeedError> {
        let number = Some(item.number);
        let found = self.number_of(space, &item.hash)? == number
            && self.number_at(space, &item.slot, &item.author, item.seq)? == number
            && self.running(space, item.number)?.is_some();
        if !found {
            return Ok(false);
        }
        if let Some(dropped) = item.dropped {
            if self.get(&key::dropped(dropped.at_ms, space, item.number))?.is_none() {
                return Ok(false);
            }
        } else {
            let listed = self.get(&key::slot_item(space, &item.slot, item.number))?;
            if listed.is_none() {
                return Ok(false);
            }
        }
        if item.part.is_some() && self.body(space, item.number, Form::Stub)?.is_none() {
            return Ok(false);
        }
        let Some(whole) = self.body(space, item.number, Form::Whole)? else { return Ok(false) };
        Ok(Envelope::from_bytes(&whole).is_ok_and(|envelope| envelope.hash(space) == item.hash))
    }

    fn newest_is_known(&self, space: &SpaceId, row: &SpaceRow) -> Result<bool, FeedError> {
        Ok(row.number == 0 || self.running(space, row.number)? == Some(row.running))
    }

    fn take_out(&self, space: &SpaceId) -> Result<(), FeedError> {
        // Those by time, which have the time first, before what names the space: cut off in between, it
        // is found and taken out once more.
        for index in [key::DROPPED, key::HELD] {
            self.delete(index, |key| {
                key.get(9..).is_some_and(|rest| rest.starts_with(space.as_bytes()))
            })?;
        }
        let all = [key::SPACES, space.as_bytes()].concat();
        self.delete(&all, |_| true)
    }

    /// Takes out what speaks of spaces that are not there, or of items that were not replaced: it would be
    /// taken for that of a space that is made again.
    fn tidy(&self, left: &BTreeSet<SpaceId>) -> Result<(), FeedError> {
        let mut stale = BTreeSet::new();
        for index in [key::DROPPED, key::HELD] {
            self.visit(index, index, |key, _| {
                let place = key.get(9..).and_then(|rest| rest.split_first_chunk());
                let known = place.is_some_and(|(space, number)| {
                    let space = SpaceId(*space);
                    let item = || self.item(&space, key::trailing_number(number)?).ok().flatten();
                    let replaced = || item().is_some_and(|item| item.dropped.is_some());
                    left.contains(&space) && (index == key::HELD || replaced())
                });
                if !known {
                    stale.insert(key.to_vec());
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
        self.visit(key::MAILBOXES, key::MAILBOXES, |key, value| {
            let row = read::<MailboxRow>(value, "a mailbox").ok();
            if row.is_none_or(|row| !left.contains(&row.space)) {
                stale.insert(key.to_vec());
                stale.extend(self.letters_of(&key[1..])?);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        for index in [key::DROPPED, key::HELD, key::MAILBOXES, key::LETTERS] {
            self.delete(index, |key| stale.contains(key))?;
        }
        Ok(())
    }

    fn letters_of(&self, mailbox: &[u8]) -> Result<Vec<Vec<u8>>, FeedError> {
        let prefix = [key::LETTERS, mailbox].concat();
        let mut letters = Vec::new();
        self.visit(&prefix, &prefix, |key, _| {
            letters.push(key.to_vec());
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(letters)
    }

    fn delete(&self, prefix: &[u8], which: impl Fn(&[u8]) -> bool) -> Result<(), FeedError> {
        let end = prefix_end(prefix);
        loop {
            let (mut batch, mut rows) = (Batch::default(), 0);
            self.store().scan(prefix, end.as_deref(), &mut |key, _| {
                if which(key) {
                    batch.delete(key);
                    rows += 1;
                }
                if rows < ROWS_AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            self.store().commit(&batch)?;
            if rows < ROWS_AT_ONCE {
                return Ok(());
            }
        }
    }
}
