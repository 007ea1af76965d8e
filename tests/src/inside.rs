//! What a relay holds, as somebody with the phrase reads it: through the relay's own rules, over any
//! store.

use std::collections::{BTreeMap, BTreeSet};

use mainstay_core::chapter::{Bundle, Page, Payload, SlotName};
use mainstay_core::journal::EntryId;
use mainstay_core::space::keyring::Keyring;
use mainstay_core::space::phrase::Phrase;
use mainstay_core::space::recovery::Recovery;
use mainstay_core::space::seal;
use mainstay_protocol::envelope::{Envelope, Kind};
use mainstay_protocol::frame::{Attach, Item, ItemBody, Proof, Pull, Reply, Request, Signer};
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::limits::{MAX_FETCH_NUMBERS, MAX_PULL_BYTES};
use mainstay_protocol::roster::Roster;
use mainstay_protocol::sign::purpose;
use mainstay_protocol::statement::Cursor;
use mainstay_sync_server::feed::FeedStore;
use mainstay_sync_server::relay::{Connection, Relay};

use crate::world::EXPORTER;

/// Somebody with the phrase, at the relay's desk.
pub struct Inside<'a, S> {
    relay: &'a Relay<S>,
    connection: Connection,
    space: SpaceId,
    now_ms: u64,
    /// Who is in the space.
    pub roster: Roster,
    /// Every key that opens something in it.
    pub keyring: Keyring,
}

impl<'a, S: FeedStore> Inside<'a, S> {
    /// Sits down.
    ///
    /// # Panics
    /// If the relay does not know the phrase's space.
    pub fn new(relay: &'a Relay<S>, phrase: &Phrase, now_ms: u64) -> Self {
        let recovery = Recovery::derive(phrase);
        let space = recovery.space_id();
        let mut connection = Connection::new(Box::new(|_| EXPORTER));
        let signer = Signer::Recovery;
        let proof = Proof { exporter: EXPORTER, relay: relay.keys().relay(), space, signer };
        let signature = Some(recovery.signing().sign_for(purpose::ATTACH, &proof.message()));
        let mut ask = |request| relay.handle(&mut connection, request, now_ms).remove(0);
        ask(Request::Attach(Attach { space, signer, signature, cursor: None }));
        let Reply::Roster { records } = ask(Request::Roster { space, known: None }) else {
            panic!("no roster");
        };
        let Reply::Wraps { wraps } = ask(Request::Wraps { space }) else { panic!("no wraps") };
        let roster = Roster::verify(space, &records).expect("the relay checked it");
        let keyring = Keyring::open(&roster, &wraps, signer, recovery.kem());
        let keyring = keyring.expect("every epoch is wrapped for the phrase");
        Self { relay, connection, space, now_ms, roster, keyring }
    }

    /// The numbers of everything in the feed.
    pub fn numbers(&mut self) -> Vec<u64> {
        let mut cursor = Cursor::start(self.relay.incarnation());
        let mut numbers = Vec::new();
        loop {
            let (items, next) = self.pull(Pull::After { cursor, limit_bytes: MAX_PULL_BYTES });
            if items.is_empty() {
                return numbers;
            }
            numbers.extend(items.iter().map(|item| item.number));
            cursor = next;
        }
    }

    /// Those of these envelopes that the relay still gives out, with their numbers.
    pub fn fetch(&mut self, numbers: &[u64]) -> Vec<(u64, Envelope)> {
        let mut all = Vec::new();
        for some in numbers.chunks(MAX_FETCH_NUMBERS.min(8)) {
            let (numbers, limit_bytes) = (some.to_vec(), MAX_PULL_BYTES);
            let (items, _) = self.pull(Pull::Numbers { numbers, limit_bytes });
            all.extend(items.into_iter().filter_map(|item| match item.body {
                ItemBody::Whole(bytes) => Some((item.number, Envelope::from_bytes(&bytes).ok()?)),
                ItemBody::Stub(_) => None,
            }));
        }
        all
    }

    /// Everything in the feed.
    pub fn envelopes(&mut self) -> Vec<(u64, Envelope)> {
        let numbers = self.numbers();
        self.fetch(&numbers)
    }

    /// What is under an envelope's seal.
    pub fn open(&self, envelope: &Envelope) -> Option<Payload> {
        let epoch = self.keyring.epoch(&envelope.header().epoch)?;
        Payload::from_bytes(&seal::open(&self.space, envelope, epoch).ok()?).ok()
    }

    /// Every chapter that lies there packed.
    pub fn bundles(&mut self) -> Vec<Bundle> {
        let (mut bundles, mut parts) = (Vec::new(), Vec::new());
        for (_, envelope) in self.envelopes() {
            let header = envelope.header();
            if header.kind != Kind::Snapshot {
                continue;
            }
            let Some(Payload::Part { slot: SlotName::Chapter(_), bytes }) = self.open(&envelope)
            else {
                continue;
            };
            parts.extend_from_slice(&bytes);
            if header.chunk.is_last() {
                bundles.extend(Bundle::from_bytes(&std::mem::take(&mut parts)));
            }
        }
        bundles
    }

    /// The numbers of all that the relay still gives out, replaced or not, in which something of an
    /// entry lies: its changes, its document, its row.
    pub fn holding(&mut self, id: &EntryId) -> BTreeSet<u64> {
        let last = self.numbers().last().copied().unwrap_or(0);
        let everything: Vec<u64> = (1..=last).collect();
        let (mut holding, mut parts) = (BTreeSet::new(), BTreeMap::new());
        for (number, envelope) in self.fetch(&everything) {
            match self.open(&envelope) {
                Some(Payload::Changes { changes, .. }) if changes.iter().any(|c| c.id() == *id) => {
                    holding.insert(number);
                }
                Some(Payload::Part { slot, bytes }) => {
                    let header = envelope.header();
                    let chain = (header.slot, header.author);
                    let (numbers, whole): &mut (Vec<u64>, Vec<u8>) =
                        parts.entry(chain).or_default();
                    numbers.push(number);
                    whole.extend_from_slice(&bytes);
                    if header.chunk.is_last() {
                        let (numbers, whole) = parts.remove(&chain).unwrap_or_default();
                        holding.extend(numbers.iter().filter(|_| lies_in(id, slot, &whole)));
                    }
                }
                _ => {}
            }
        }
        holding
    }

    fn pull(&mut self, pull: Pull) -> (Vec<Item>, Cursor) {
        let request = Request::Pull { space: self.space, pull };
        let mut all = Vec::new();
        let mut place = Cursor::start(self.relay.incarnation());
        for reply in self.relay.handle(&mut self.connection, request, self.now_ms) {
            let Reply::Items { items, cursor, .. } = reply else { panic!("no items: {reply:?}") };
            all.extend(items);
            place = cursor;
        }
        (all, place)
    }
}

/// Whether a packed slot holds something of an entry.
fn lies_in(id: &EntryId, slot: SlotName, bytes: &[u8]) -> bool {
    match slot {
        SlotName::Chapter(_) => Bundle::from_bytes(bytes).is_ok_and(|b| b.find(id).is_some()),
        SlotName::Page(_) => {
            Page::from_bytes(bytes).is_ok_and(|page| page.rows.iter().any(|row| row.id == *id))
        }
        SlotName::Plan | SlotName::Record(_) => false,
    }
}
