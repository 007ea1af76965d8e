//! Devices and a relay in one process, without sockets, threads or clocks.

use std::sync::Arc;

use mainstay_core::engine::{EngineError, Replica, Setup};
use mainstay_core::space::device::DeviceSecret;
use mainstay_core::space::keyring::Keyring;
use mainstay_core::space::phrase::Phrase;
use mainstay_core::space::recovery::Recovery;
use mainstay_core::sync::{Connection as Link, Session};
use mainstay_protocol::address::{Pin, RelayAddress};
use mainstay_protocol::frame::{Attach, Proof, Reply, Request, Signer};
use mainstay_protocol::roster::Roster;
use mainstay_protocol::sign::purpose;
use mainstay_store::MemoryStore;
use mainstay_sync_server::feed::EmbeddedFeedStore;
use mainstay_sync_server::relay::{Connection, Relay, RelayConfig, RelayKeys};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

/// What every connection of a world exports: there is no TLS here.
pub const EXPORTER: [u8; 32] = [7; 32];

/// A relay over a store in memory.
pub struct World {
    /// The relay.
    pub relay: Relay<EmbeddedFeedStore<MemoryStore>>,
    /// The time, Unix milliseconds.
    pub now_ms: i64,
    /// Everything random comes from here.
    pub rng: ChaCha20Rng,
}

/// A phone.
pub struct Phone {
    /// Its replica; none while it is switched off.
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
        let relay = new_relay(&mut rng, MemoryStore::new());
        Self { relay, now_ms: 1_795_000_000_000, rng }
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

    /// Loses everything that the relay holds, but not its keys.
    pub fn wipe_relay(&mut self) {
        self.relay = new_relay(&mut self.rng, MemoryStore::new());
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

    /// One whole sync.
    ///
    /// # Errors
    /// What the sync ended with.
    pub fn sync(&mut self, phone: &mut Phone) -> Result<(), EngineError> {
        phone.replica.begin_sync(self.now_ms)?;
        let mut connection = Connection::new(Box::new(|_| EXPORTER));
        let relay = self.relay.keys().relay();
        let mut session = Session::new(Link { relay, exporter: Some(EXPORTER) });
        while let Some(batch) = session.next(&mut phone.replica, self.now_ms)? {
            'batch: for request in batch {
                for reply in self.relay.handle(&mut connection, request, self.now_ms as u64) {
                    let refused = matches!(reply, Reply::Refused(_));
                    session.reply(&mut phone.replica, reply, self.now_ms)?;
                    if refused {
                        break 'batch;
                    }
                }
            }
        }
        Ok(())
    }

    /// A new phone that takes a journal back from its phrase, up to the point where it may sync.
    ///
    /// # Errors
    /// What the restore ended with.
    pub fn restore(&mut self, phrase: &Phrase) -> Result<Phone, EngineError> {
        let recovery = Recovery::derive(phrase);
        let space = recovery.space_id();
        let relay = self.relay.keys().relay();
        let mut connection = Connection::new(Box::new(|_| EXPORTER));
        let proof = Proof { exporter: EXPORTER, relay, space, signer: Signer::Recovery };
        let signature = Some(recovery.signing().sign_for(purpose::ATTACH, &proof.message()));
        let attach = Attach { space, signer: Signer::Recovery, signature, cursor: None };
        let mut ask =
            |request| self.relay.handle(&mut connection, request, self.now_ms as u64).remove(0);
        let cursor = match ask(Request::Attach(attach)) {
            Reply::Attached(attached) => attached.cursor,
            Reply::Refused(refusal) => return Err(refusal.into()),
            other => panic!("{other:?}"),
        };
        let Reply::Roster { records } = ask(Request::Roster { space, known: None }) else {
            panic!()
        };
        let Reply::Wraps { wraps } = ask(Request::Wraps { space }) else { panic!() };
        let roster = Roster::verify(space, &records)?;
        let keyring = Keyring::open(&roster, &wraps, Signer::Recovery, recovery.kem())?;
        let secret = DeviceSecret::make(&mut self.rng);
        let keys = secret.keys(&space, 0);
        let newcomer = mainstay_core::space::change::Newcomer::own(&keys, "new phone");
        let change =
            Replica::draft_recovery(&mut self.rng, (&roster, &keyring), &recovery, &newcomer)?;
        let append = Request::Append {
            space,
            expected: roster.head(),
            record: change.record.clone(),
            wraps: change.wraps.clone(),
        };
        match self.relay.handle(&mut connection, append, self.now_ms as u64).remove(0) {
            Reply::Appended { .. } => {}
            other => panic!("{other:?}"),
        }
        let (mut roster, mut keyring) = (roster, keyring);
        roster.append(&change.record)?;
        if let Some(epoch) = change.epoch {
            keyring.add(epoch);
        }
        let store = MemoryStore::new();
        let setup = self.setup(&store, &secret);
        let mut replica = Replica::join(setup, (roster, keyring), "new phone")?;
        replica.set_relay(&self.address())?;
        replica.begin_restore(cursor)?;
        Ok(Phone { replica, store, secret })
    }
}

fn new_relay(rng: &mut ChaCha20Rng, store: MemoryStore) -> Relay<EmbeddedFeedStore<MemoryStore>> {
    let mut incarnation = [0; 16];
    rand_core::Rng::fill_bytes(rng, &mut incarnation);
    let keys = RelayKeys::from_seeds(&[1; 32], &[2; 32]);
    let fresh = mainstay_protocol::ids::Incarnation(incarnation);
    Relay::new(EmbeddedFeedStore::new(store), keys, RelayConfig::default(), fresh)
        .expect("memory does not fail")
}
