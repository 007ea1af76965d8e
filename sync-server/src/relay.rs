//! The relay's rules, sans-IO: a request and the time go in, replies come out.
//!
//! [`Relay::handle`] may be called from several threads; requests of one space are carried out one
//! after the other. Whatever a request stores is durable before its reply exists.

mod attach;
mod cache;
mod config;
mod connection;
mod covering;
mod create;
mod heads;
mod keys;
mod mailbox;
mod pull;
mod push;
mod receipts;
mod roster;
mod sweep;
#[cfg(test)]
mod tests;
mod wraps;

pub use config::{
    DEFAULT_MAX_SPACES, DEFAULT_QUOTA_BYTES, DEFAULT_RETENTION_MS, Registration, RelayConfig,
};
pub use connection::{Connection, Exporter, MAX_ATTACHED_SPACES};
pub use heads::{MAX_SHARE_SLOTS, MAX_SLOTS};
pub use keys::RelayKeys;
pub use mailbox::MAX_OPEN_MAILBOXES;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mainstay_protocol::frame::{Refusal, Reply, Request};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::{Incarnation, SpaceId};
use mainstay_protocol::roster::Roster;
use mainstay_protocol::sign::Signed;
use mainstay_protocol::statement::{Claim, Cursor, Statement};

use crate::feed::{Change, FeedError, FeedStore, SpaceRow};
use cache::Cache;

/// When a client is told to ask again for whose space there is no room in memory, in milliseconds.
const ASK_AGAIN_MS: u64 = 5_000;

/// The relay.
#[derive(Debug)]
pub struct Relay<S> {
    store: S,
    keys: RelayKeys,
    config: RelayConfig,
    incarnation: Incarnation,
    cache: Cache,
    /// How many spaces there are. Held while one is created.
    spaces: Mutex<u64>,
    /// Held while mailboxes change, always after a space's lock.
    mailboxes: Mutex<()>,
    changed: Mutex<BTreeSet<SpaceId>>,
}

/// A space as it is held in memory; the store has the same.
#[derive(Debug)]
struct Space {
    id: SpaceId,
    row: SpaceRow,
    roster: Roster,
    /// A complete snapshot may still have covered items to drop.
    unfinished: bool,
}

impl Space {
    /// About how much memory it takes.
    fn held_bytes(&self) -> usize {
        size_of::<Self>() + self.roster.held_bytes()
    }
}

/// Why a request ended early.
#[derive(Debug)]
enum Stop {
    Refused(Refusal),
    Store(FeedError),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<FeedError> for Stop {
    fn from(error: FeedError) -> Self {
        Self::Store(error)
    }
}

impl<S: FeedStore> Relay<S> {
    /// A relay over `store`. An empty store gets `fresh`, which the caller draws at random, as its
    /// incarnation.
    ///
    /// # Errors
    /// [`FeedError`] when the store cannot be read or written.
    pub fn new(
        store: S,
        keys: RelayKeys,
        config: RelayConfig,
        fresh: Incarnation,
    ) -> Result<Self, FeedError> {
        let incarnation = match store.incarnation()? {
            Some(incarnation) => incarnation,
            None => {
                store.commit(&[Change::Incarnation(fresh)])?;
                fresh
            }
        };
        let spaces = Mutex::new(store.count_spaces()?);
        let (mailboxes, changed) = Default::default();
        let cache = Cache::default();
        Ok(Self { store, keys, config, incarnation, cache, spaces, mailboxes, changed })
    }

    /// To be called when the store was restored from a backup: gives it a new incarnation, so that
    /// no device takes an old place in a feed for a place in this one.
    ///
    /// # Errors
    /// [`FeedError`] when the store cannot be written.
    pub fn restored(&mut self, fresh: Incarnation) -> Result<(), FeedError> {
        self.store.commit(&[Change::Incarnation(fresh)])?;
        self.incarnation = fresh;
        Ok(())
    }

    /// Which life of the store this is.
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// The relay's keys.
    pub fn keys(&self) -> &RelayKeys {
        &self.keys
    }

    /// What the relay keeps.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Carries out one request. Exactly one reply means refusal or success, except that a pull and
    /// the heads may take several frames, and a subscription is answered by nothing until something
    /// changes (see [`Relay::take_changes`]).
    pub fn handle(&self, connection: &mut Connection, request: Request, now_ms: u64) -> Vec<Reply> {
        match self.carry_out(connection, request, now_ms) {
            Ok(replies) => replies,
            Err(Stop::Refused(refusal)) => vec![Reply::Refused(refusal)],
            Err(Stop::Store(error)) => {
                tracing::error!(%error, "the relay's store failed");
                vec![Reply::Refused(Refusal::Unavailable)]
            }
        }
    }

    /// The spaces in which something changed since the last call; for whoever serves subscriptions.
    pub fn take_changes(&self) -> BTreeSet<SpaceId> {
        std::mem::take(&mut *lock(&self.changed))
    }

    /// Whether news of a space may be told to this connection (still).
    pub fn may_hear(&self, connection: &Connection, space: &SpaceId, now_ms: u64) -> bool {
        self.with_space(space, |space| Ok(connection.reader(space, now_ms)?)).is_ok()
    }

    fn carry_out(
        &self,
        connection: &mut Connection,
        request: Request,
        now_ms: u64,
    ) -> Result<Vec<Reply>, Stop> {
        let one = |reply: Result<Reply, Stop>| reply.map(|reply| vec![reply]);
        match request {
            Request::Attach(attach) => one(self.attach(connection, &attach, now_ms)),
            Request::Create { space, records, wraps, admission } => {
                one(self.create(space, &records, wraps, &admission, now_ms))
            }
            Request::Roster { space, known } => one(self.roster(connection, &space, known)),
            Request::Append { space, expected, record, wraps } => {
                one(self.append(connection, &space, expected, &record, wraps, now_ms))
            }
            Request::Wraps { space } => one(self.wraps(connection, &space, now_ms)),
            Request::Push { space, envelopes } => {
                one(self.push(connection, &space, envelopes, now_ms))
            }
            Request::Pull { space, pull } => self.pull(connection, &space, &pull, now_ms),
            Request::Heads { space } => self.heads(connection, &space, now_ms),
            Request::Slots { space } => one(self.slots(connection, &space, now_ms)),
            Request::PutReceipt { space, receipt } => {
                one(self.put_receipt(connection, &space, receipt, now_ms))
            }
            Request::Receipts { space, after } => {
                one(self.receipts(connection, &space, after, now_ms))
            }
            Request::Subscribe { space } => {
                self.with_space(&space, |space| Ok(connection.reader(space, now_ms)?))?;
                connection.subscribe(&space);
                Ok(vec![])
            }
            Request::OpenMailbox { space, mailbox, life_ms } => {
                one(self.open_mailbox(connection, &space, mailbox, life_ms, now_ms))
            }
            Request::PutLetter { mailbox, place, letter } => {
                one(self.put_letter(mailbox, place, letter, now_ms))
            }
            Request::Letters { mailbox, after } => one(self.letters(mailbox, after, now_ms)),
            Request::CloseMailbox { space, mailbox } => {
                one(self.close_mailbox(connection, &space, mailbox, now_ms))
            }
            _ => Err(malformed("the relay does not know this request; it may be too old")),
        }
    }

    /// Runs `work` on a space, alone. What failed in the store is read again next time.
    fn with_space<T>(
        &self,
        id: &SpaceId,
        work: impl FnOnce(&mut Space) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let cell = self.cache.cell(id);
        let mut held = cell.lock();
        self.fill(id, &mut held)?;
        let space = held.as_mut().ok_or(Refusal::UnknownSpace)?;
        let done = work(space);
        let bytes = space.held_bytes();
        if let Err(Stop::Store(_)) = done {
            *held = None;
        }
        drop(held);
        self.cache.note_bytes(id, bytes);
        done
    }

    /// Reads a space into its cell, if there is room beside those at work.
    fn fill(&self, id: &SpaceId, held: &mut Option<Space>) -> Result<(), Stop> {
        if held.is_none() {
            let bytes = self.store.records_bytes(id)?;
            if self.cache.reserve(id, bytes).is_err() {
                tracing::debug!("a request was put off: the spaces at work leave no room");
                return Err(Refusal::RateLimited { retry_after_ms: ASK_AGAIN_MS }.into());
            }
            *held = self.load(id)?;
        }
        Ok(())
    }

    fn load(&self, id: &SpaceId) -> Result<Option<Space>, FeedError> {
        let Some(row) = self.store.space(id)? else { return Ok(None) };
        let roster = Roster::verify_sparse(*id, &self.store.records(id)?)
            .map_err(|_| FeedError::Damaged { what: "a roster" })?;
        let unfinished = !self.store.coverings(id)?.is_empty();
        Ok(Some(Space { id: *id, row, roster, unfinished }))
    }

    fn tail(&self, row: &SpaceRow) -> Cursor {
        Cursor { incarnation: self.incarnation, number: row.number, running: row.running }
    }

    /// Whether a cursor is a place of this feed.
    fn recognises(&self, space: &Space, cursor: &Cursor) -> Result<bool, FeedError> {
        if cursor.incarnation != self.incarnation || cursor.number > space.row.number {
            return Ok(false);
        }
        Ok(self.running(space, cursor.number)? == Some(cursor.running))
    }

    fn running(&self, space: &Space, number: u64) -> Result<Option<Hash>, FeedError> {
        match number {
            0 => Ok(Some(SpaceRow::EMPTY.running)),
            _ => self.store.running(&space.id, number),
        }
    }

    fn state(&self, space: &Space, claim: Claim) -> Signed<Statement> {
        let statement = Statement {
            version: mainstay_protocol::FORMAT_VERSION,
            space: space.id,
            cursor: self.tail(&space.row),
            claim,
        };
        Signed::seal(&statement, |input| self.keys.sign_as_relay(input))
    }

    fn note_change(&self, space: &SpaceId) {
        lock(&self.changed).insert(*space);
    }
}

/// Locks what a panic elsewhere cannot have left half-done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn malformed(why: &str) -> Stop {
    Stop::Refused(Refusal::Malformed { why: why.into() })
}
