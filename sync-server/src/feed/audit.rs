//! After the store lost something: which spaces are whole.
//!
//! What one row says of others cannot be trusted then: a head whose items are gone would have every
//! device believe that the relay holds what it lost. Devices hold all that they gave, and bring a whole
//! space again; so a space that lacks anything is taken out.

use std::ops::ControlFlow;

use mainstay_protocol::codec::encode;
use mainstay_protocol::envelope::Envelope;
use mainstay_protocol::heads::HeadsDigest;
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::roster::{Roster, Wrap};
use mainstay_store::{Batch, Store, prefix_end};

use crate::feed::embedded::{EmbeddedFeedStore, damaged, read};
use crate::feed::key::{self, Table};
use crate::feed::row::{ItemRow, SpaceRow};
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
        for bytes in self.distinct(key::SPACES, SpaceId::LEN, usize::MAX)? {
            let space = SpaceId::from_slice(&bytes).ok_or(damaged("a space"))?;
            if !self.is_whole(&space)? {
                self.take_out(&space)?;
                out += 1;
            }
        }
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
        if item.dropped.is_none() {
            let listed = self.get(&key::slot_item(space, &item.slot, item.number))?;
            if listed.is_none() {
                return Ok(false);
            }
        }
        let Some(whole) = self.body(space, item.number, Form::Whole)? else { return Ok(false) };
        Ok(Envelope::from_bytes(&whole).is_ok_and(|envelope| envelope.hash(space) == item.hash))
    }

    fn newest_is_known(&self, space: &SpaceId, row: &SpaceRow) -> Result<bool, FeedError> {
        Ok(row.number == 0 || self.running(space, row.number)? == Some(row.running))
    }

    fn take_out(&self, space: &SpaceId) -> Result<(), FeedError> {
        let all = [key::SPACES, space.as_bytes()].concat();
        self.delete(&all, |_| true)?;
        // Those by time have the time first.
        for index in [key::DROPPED, key::HELD] {
            self.delete(index, |key| {
                key.get(9..).is_some_and(|rest| rest.starts_with(space.as_bytes()))
            })?;
        }
        Ok(())
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
