//! Devices and a relay in one process, without sockets, threads or clocks.

use std::sync::Arc;

use mainstay_core::engine::{EngineError, Replica, Setup};
use mainstay_core::space::device::DeviceSecret;
use mainstay_core::space::phrase::Phrase;
use mainstay_core::space::recovery::Recovery;
use mainstay_protocol::address::{Pin, RelayAddress};
use mainstay_protocol::codec;
use mainstay_protocol::frame::{Reply, Request};
use mainstay_protocol::ids::Incarnation;
use mainstay_store::MemoryStore;
use mainstay_sync_server::feed::{EmbeddedFeedStore, FeedError};
use mainstay_sync_server::relay::{Connection, Relay, RelayConfig, RelayKeys};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::network::{Conversation, Line, Turn};
use crate::stores;

/// What every connection of a world exports: there is no TLS here.
pub const EXPORTER: [u8; 32] = [7; 32];

/// A fault that is built in on purpose, to see that it is found.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Plant {
    /// None.
    #[default]
    None,
    /// The relay acknowledges some pushes and stores nothing of them.
    HollowAcknowledgements,
    /// A phone that crashes loses what it had sealed and not sent.
    LostOutbox,
    /// A phone forgets that the person hid an entry from somebody.
    HiddenIsShown,
}

/// A relay over a store in memory.
pub struct World {
    /// The relay.
    pub relay: Relay<EmbeddedFeedStore<MemoryStore>>,
    /// What it keeps.
    pub relay_store: MemoryStore,
    /// The time, Unix milliseconds.
    pub now_ms: i64,
    /// How far the relay's clock is ahead of the devices'.
    pub relay_ahead_ms: i64,
    /// Everything random comes from here.
    pub rng: ChaCha20Rng,
    /// The relay begins another life before every sync, as one that is always restored would.
    pub restless: bool,
    /// Connections that broke, each with what was under way and has not arrived yet.
    pub late: Vec<(Connection, Vec<Request>)>,
    /// Every request that the relay received, encoded, if it is to be kept.
    pub received: Option<Vec<u8>>,
    /// A fault built in on purpose.
    #[doc(hidden)]
    pub plant: Plant,
}

/// A phone.
pub struct Phone {
    /// Its replica.
    pub replica: Replica,
    /// What survives a crash.
    pub store: MemoryStore,
    /// What the platform's key store keeps.
    pub secret: DeviceSecret,
}

impl World {
    /// A relay with an empty store, in November 2026.
    pub fn new(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let relay_store = MemoryStore::new();
        let relay = new_relay(&mut rng, &relay_store);
        let now_ms = 1_795_000_000_000;
        Self {
            relay,
            relay_store,
            now_ms,
            relay_ahead_ms: 0,
            rng,
            restless: false,
            late: Vec::new(),
            received: None,
            plant: Plant::None,
        }
    }

    /// The relay's address.
    pub fn address(&self) -> RelayAddress {
        let pins = vec![Pin::of(&self.relay.keys().relay())];
        RelayAddress { host: "relay.test".into(), port: 4433, pins }
    }

    /// A rng of its own for one device.
    pub fn fork_rng(&mut self) -> Box<ChaCha20Rng> {
        Box::new(ChaCha20Rng::from_rng(&mut self.rng))
    }

    /// Hands the relay one request.
    pub fn handle(&mut self, connection: &mut Connection, request: Request) -> Vec<Reply> {
        if let Some(received) = &mut self.received {
            received.extend(codec::encode(&request));
        }
        let hollow = self.plant == Plant::HollowAcknowledgements
            && matches!(request, Request::Push { .. })
            && self.rng.next_u32().is_multiple_of(4);
        let before = hollow.then(|| stores::copy(&self.relay_store));
        let relay_ms = (self.now_ms + self.relay_ahead_ms) as u64;
        let replies = self.relay.handle(connection, request, relay_ms);
        if let Some(before) = before {
            self.put_relay_back(before, false);
        }
        replies
    }

    /// Loses everything that the relay holds, but not its keys.
    pub fn wipe_relay(&mut self) {
        self.late.clear();
        self.relay_store = MemoryStore::new();
        self.relay = new_relay(&mut self.rng, &self.relay_store);
    }

    /// Puts an earlier copy of the relay's store in place. `told`: it takes a new incarnation, as an
    /// operator should see to; otherwise it goes on as if nothing had happened.
    pub fn put_relay_back(&mut self, store: MemoryStore, told: bool) {
        self.late.clear();
        self.try_relay(store).expect("memory does not fail");
        if told {
            self.renew_relay();
        }
    }

    /// The relay begins another life with all that it has.
    pub fn renew_relay(&mut self) {
        let fresh = incarnation(&mut self.rng);
        self.relay.restored(fresh).expect("memory does not fail");
    }

    /// What was under way on a line that broke arrives after all; nobody hears the answers.
    pub fn arrive(&mut self, at: usize) {
        let (mut connection, requests) = self.late.remove(at);
        for request in requests {
            self.handle(&mut connection, request);
        }
    }

    /// Keeps what was under way on a line that broke.
    pub(crate) fn strand(&mut self, connection: Connection, line: &mut Line) {
        if !line.undelivered.is_empty() {
            self.late.push((connection, std::mem::take(&mut line.undelivered)));
        }
    }

    /// Starts a relay over a store that may be damaged.
    ///
    /// # Errors
    /// What the relay says of it; the one before goes on then.
    pub fn try_relay(&mut self, store: MemoryStore) -> Result<(), FeedError> {
        let keys = RelayKeys::from_seeds(&[1; 32], &[2; 32]);
        let feed = EmbeddedFeedStore::new(store.clone());
        let fresh = incarnation(&mut self.rng);
        self.relay = Relay::new(feed, keys, RelayConfig::default(), fresh)?;
        self.relay_store = store;
        Ok(())
    }

    /// A first phone with a new journal.
    pub fn phone(&mut self, phrase: &Phrase) -> Phone {
        let secret = DeviceSecret::make(&mut self.rng);
        let store = MemoryStore::new();
        let setup = self.setup(&store, &secret);
        let mut replica =
            Replica::create(setup, &Recovery::derive(phrase), "first phone").expect("a new store");
        replica.set_relay(&self.address()).expect("memory does not fail");
        Phone { replica, store, secret }
    }

    /// What a device is opened with.
    pub fn setup(&mut self, store: &MemoryStore, secret: &DeviceSecret) -> Setup {
        Setup { store: Arc::new(store.clone()), secret: secret.clone(), rng: self.fork_rng() }
    }

    /// Opens the store of a phone that was switched off.
    ///
    /// # Errors
    /// What the store says.
    pub fn open(
        &mut self,
        store: &MemoryStore,
        secret: &DeviceSecret,
    ) -> Result<Phone, EngineError> {
        let replica = Replica::open(self.setup(store, secret))?;
        Ok(Phone { replica, store: store.clone(), secret: secret.clone() })
    }

    /// A power cut: what was not durable is gone, and the phone starts again.
    ///
    /// # Errors
    /// What the store says.
    pub fn crash(&mut self, phone: &mut Phone) -> Result<(), EngineError> {
        phone.store.crash();
        if self.plant == Plant::LostOutbox {
            stores::wipe_table(&phone.store, 9);
        }
        *phone = self.open(&phone.store.clone(), &phone.secret.clone())?;
        Ok(())
    }

    /// The system suspends the app: everything is written down, and the store is let go of and
    /// opened again.
    ///
    /// # Errors
    /// What the store says.
    pub fn suspend(&mut self, phone: &mut Phone) -> Result<(), EngineError> {
        phone.replica.flush()?;
        self.crash(phone)
    }

    /// One whole sync.
    ///
    /// # Errors
    /// What the sync ended with.
    pub fn sync(&mut self, phone: &mut Phone) -> Result<(), EngineError> {
        self.sync_over(phone, &mut Line::default()).map(|_| ())
    }

    /// One sync over a line that may break.
    ///
    /// # Errors
    /// What the sync ended with.
    pub fn sync_over(&mut self, phone: &mut Phone, line: &mut Line) -> Result<Turn, EngineError> {
        if self.restless {
            self.renew_relay();
        }
        let mut conversation = Conversation::begin(self, phone)?;
        loop {
            match conversation.turn(self, phone, line)? {
                Turn::More => {}
                ended => {
                    self.strand(conversation.into_connection(), line);
                    return Ok(ended);
                }
            }
        }
    }
}

fn incarnation(rng: &mut ChaCha20Rng) -> Incarnation {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    Incarnation(bytes)
}

fn new_relay(rng: &mut ChaCha20Rng, store: &MemoryStore) -> Relay<EmbeddedFeedStore<MemoryStore>> {
    let keys = RelayKeys::from_seeds(&[1; 32], &[2; 32]);
    let feed = EmbeddedFeedStore::new(store.clone());
    Relay::new(feed, keys, RelayConfig::default(), incarnation(rng)).expect("memory does not fail")
}
