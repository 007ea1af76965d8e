//! Devices, spaces and envelopes for the tests, made by hand: no seal is real here.

use std::collections::BTreeMap;

use ed25519_dalek::{Signer as _, SigningKey};
use mainstay_protocol::FORMAT_VERSION;
use mainstay_protocol::envelope::{Chunk, Envelope, Header, Kind};
use mainstay_protocol::frame::{
    Admission, Attach, Attached, Item, ItemBody, Proof, Pull, Refusal, Reply, Request, Signer,
};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{AuthorHead, Head, HeadsDigest};
use mainstay_protocol::ids::{AuthorId, EpochId, Incarnation, SlotId, SpaceId, StoreInstance};
use mainstay_protocol::receipt::Receipt;
use mainstay_protocol::roster::{
    Act, Device, Epoch, KemKey, Record, Wrap, WrapRef, record_hash, wrap_hash,
};
use mainstay_protocol::sign::{Signature, Signed, VerifyKey, purpose, signing_input};
use mainstay_protocol::statement::{Claim, Cursor, Statement, Stored};
use mainstay_store::MemoryStore;

use crate::feed::EmbeddedFeedStore;
use crate::relay::{Connection, Relay, RelayConfig, RelayKeys};

pub(super) type TestRelay = Relay<EmbeddedFeedStore<MemoryStore>>;

pub(super) const NOW_MS: u64 = 1_800_000_000_000;
pub(super) const SLOT: SlotId = SlotId([7; 16]);

pub(super) fn keys() -> RelayKeys {
    RelayKeys::from_seeds(&[1; 32], &[2; 32])
}

pub(super) fn relay_over(store: MemoryStore, config: RelayConfig, fresh: u8) -> TestRelay {
    let incarnation = Incarnation([fresh; 16]);
    Relay::new(EmbeddedFeedStore::new(store), keys(), config, incarnation).unwrap()
}

pub(super) fn relay() -> TestRelay {
    relay_over(MemoryStore::new(), RelayConfig::default(), 9)
}

/// A key and what it signs.
#[derive(Clone)]
pub(super) struct Key(SigningKey);

impl Key {
    pub(super) fn new(seed: u8) -> Self {
        Self(SigningKey::from_bytes(&[seed; 32]))
    }

    pub(super) fn public(&self) -> VerifyKey {
        VerifyKey(self.0.verifying_key().to_bytes())
    }

    pub(super) fn author(&self) -> AuthorId {
        self.public().author_id()
    }

    pub(super) fn signer(&self) -> Signer {
        Signer::Device(self.author())
    }

    pub(super) fn sign(&self, input: &[u8]) -> Signature {
        Signature(self.0.sign(input).to_bytes())
    }

    pub(super) fn device(&self) -> Device {
        let kem = KemKey(vec![3; KemKey::LEN].into());
        Device { key: self.public(), kem, sealed_name: vec![].into() }
    }
}

/// A space with the chain of records that the test has made.
pub(super) struct World {
    pub(super) id: SpaceId,
    pub(super) recovery: Key,
    pub(super) records: Vec<Signed<Record>>,
    pub(super) wraps: BTreeMap<Hash, Wrap>,
    pub(super) epoch: u32,
    pub(super) active: Vec<Key>,
}

impl World {
    /// A space founded with one device.
    pub(super) fn found(recovery: u8, device: u8) -> (Self, Key) {
        let (recovery, device) = (Key::new(recovery), Key::new(device));
        let id = recovery.public().space_id();
        let mut world = Self {
            id,
            recovery: recovery.clone(),
            records: vec![],
            wraps: BTreeMap::new(),
            epoch: 0,
            active: vec![device.clone()],
        };
        let epoch = world.next_epoch();
        let found = Act::Found {
            recovery: recovery.public(),
            recovery_kem: KemKey(vec![4; KemKey::LEN].into()),
        };
        let admit = Act::Admit { device: device.device(), wrap: None, succeeds: None };
        let record =
            world.record(&recovery, Signer::Recovery, None, vec![found, admit, Act::Epoch(epoch)]);
        world.records.push(record);
        (world, device)
    }

    pub(super) fn head(&self) -> Hash {
        record_hash(self.records.last().unwrap())
    }

    pub(super) fn epoch_id(&self) -> EpochId {
        EpochId([self.epoch as u8; 32])
    }

    fn next_epoch(&mut self) -> Epoch {
        self.epoch += 1;
        let mut recipients: Vec<Signer> = self.active.iter().map(Key::signer).collect();
        recipients.push(Signer::Recovery);
        let wraps = recipients.into_iter().map(|to| self.wrap(to)).collect();
        Epoch { id: self.epoch_id(), number: self.epoch, wraps, previous: vec![] }
    }

    pub(super) fn wrap(&mut self, to: Signer) -> WrapRef {
        let sealed = vec![self.epoch as u8; 1200].into();
        let parent = self.records.last().map(record_hash);
        let wrap = Wrap { to, epoch: self.epoch_id(), parent, sealed };
        let hash = wrap_hash(&wrap);
        self.wraps.insert(hash, wrap);
        WrapRef { to, hash }
    }

    pub(super) fn record(
        &self,
        key: &Key,
        signer: Signer,
        parent: Option<usize>,
        acts: Vec<Act>,
    ) -> Signed<Record> {
        let record = Record {
            version: FORMAT_VERSION,
            space: self.id,
            number: parent.map_or(0, |parent| parent as u32 + 1),
            parent: parent.map(|parent| record_hash(&self.records[parent])),
            signer,
            acts,
        };
        Signed::seal(&record, |input| key.sign(input))
    }

    fn follow(&mut self, by: &Key, acts: Vec<Act>) -> Signed<Record> {
        let record = self.record(by, by.signer(), Some(self.records.len() - 1), acts);
        self.records.push(record.clone());
        record
    }

    /// A record that admits a device under the present epoch; not yet on the relay.
    pub(super) fn admit(&mut self, by: &Key, device: &Key) -> Signed<Record> {
        let wrap = Some(self.wrap(device.signer()));
        self.active.push(device.clone());
        self.follow(by, vec![Act::Admit { device: device.device(), wrap, succeeds: None }])
    }

    pub(super) fn remove(&mut self, by: &Key, author: &Key) -> Signed<Record> {
        self.active.retain(|key| key.author() != author.author());
        let remove = Act::Remove { author: author.author(), last: vec![] };
        let epoch = self.next_epoch();
        self.follow(by, vec![remove, Act::Epoch(epoch)])
    }

    /// A record that says that nothing is known of a waiting device.
    pub(super) fn bound(&mut self, by: &Key, waiting: &Key) -> Signed<Record> {
        self.follow(by, vec![Act::Bound { author: waiting.author(), last: vec![] }])
    }

    /// A recovery that admits `device` after the record with the number `parent`.
    pub(super) fn recover(&mut self, device: &Key, parent: usize) -> Signed<Record> {
        self.records.truncate(parent + 1);
        self.active = vec![device.clone()];
        let epochs = |record: &Signed<Record>| {
            record.peek().unwrap().acts.iter().filter(|act| matches!(act, Act::Epoch(_))).count()
        };
        self.epoch = self.records.iter().map(epochs).sum::<usize>() as u32;
        let epoch = self.next_epoch();
        let admit = Act::Admit { device: device.device(), wrap: None, succeeds: None };
        let recovery = self.recovery.clone();
        let acts = vec![Act::Recover, admit, Act::Epoch(epoch)];
        let record = self.record(&recovery, Signer::Recovery, Some(parent), acts);
        self.records.push(record.clone());
        record
    }

    /// The wraps that a record names.
    pub(super) fn wraps_of(&self, record: &Signed<Record>) -> Vec<Wrap> {
        let named = crate::relay::wraps::named(&record.peek().unwrap());
        named.iter().map(|wrap| self.wraps[&wrap.hash].clone()).collect()
    }

    pub(super) fn create(&self, admission: Admission) -> Request {
        let wraps = self.records.iter().flat_map(|record| self.wraps_of(record)).collect();
        Request::Create { space: self.id, records: self.records.clone(), wraps, admission }
    }

    /// The request that appends the last record.
    pub(super) fn append(&self, expected: Hash) -> Request {
        let record = self.records.last().unwrap().clone();
        let wraps = self.wraps_of(&record);
        Request::Append { space: self.id, expected, record, wraps }
    }

    pub(super) fn attach_as(&self, key: &Key, signer: Signer, exporter: [u8; 32]) -> Attach {
        let relay = keys().relay();
        let proof = Proof { exporter, relay, space: self.id, signer };
        let signature = Some(key.sign(&signing_input(purpose::ATTACH, &proof.message())));
        Attach { space: self.id, signer, signature, cursor: None }
    }

    pub(super) fn attached(&self, relay: &TestRelay, key: &Key) -> Connection {
        let mut connection = connection(5);
        attach(relay, &mut connection, self.attach_as(key, key.signer(), [5; 32]));
        connection
    }

    pub(super) fn attached_as_recovery(&self, relay: &TestRelay) -> Connection {
        let mut connection = connection(5);
        let request = self.attach_as(&self.recovery, Signer::Recovery, [5; 32]);
        attach(relay, &mut connection, request);
        connection
    }

    /// A chain of `by` in [`SLOT`].
    pub(super) fn chain(&self, by: &Key) -> Chain {
        Chain { author: by.clone(), slot: SLOT, seq: 0, hash: Hash([0; 32]) }
    }

    pub(super) fn receipt(&self, by: &Key, counter: u64) -> Signed<Receipt> {
        let receipt = Receipt {
            version: FORMAT_VERSION,
            space: self.id,
            author: by.author(),
            counter,
            instance: StoreInstance([1; 16]),
            incarnation: Incarnation([9; 16]),
            roster_head: self.head(),
            digest: HeadsDigest::EMPTY,
            recent: vec![],
        };
        Signed::seal(&receipt, |input| by.sign(input))
    }
}

/// One author's chain in one slot, as that author sees it.
#[derive(Clone)]
pub(super) struct Chain {
    pub(super) author: Key,
    pub(super) slot: SlotId,
    pub(super) seq: u64,
    pub(super) hash: Hash,
}

impl Chain {
    pub(super) fn head(&self) -> AuthorHead {
        let head = Head { seq: self.seq, hash: self.hash };
        AuthorHead { author: self.author.author(), head }
    }

    pub(super) fn change(&mut self, world: &World, text: &[u8]) -> Envelope {
        let header = self.header(world, Kind::Change, Chunk::WHOLE, &[], false);
        self.make(world, header, text)
    }

    /// A snapshot in `count` parts.
    pub(super) fn snapshot(
        &mut self,
        world: &World,
        covers: &[AuthorHead],
        count: u32,
        destroys: bool,
    ) -> Vec<Envelope> {
        let mut covers = covers.to_vec();
        covers.sort();
        (0..count)
            .map(|index| {
                let chunk = Chunk { index, count };
                let header = self.header(world, Kind::Snapshot, chunk, &covers, destroys);
                self.make(world, header, &[0x55; 300])
            })
            .collect()
    }

    /// A snapshot in one part that forgets some documents.
    pub(super) fn forgetting(
        &mut self,
        world: &World,
        covers: &[AuthorHead],
        forgets: u32,
    ) -> Vec<Envelope> {
        let mut covers = covers.to_vec();
        covers.sort();
        let header = self.header(world, Kind::Snapshot, Chunk::WHOLE, &covers, true);
        vec![self.make(world, Header { forgets, ..header }, &[0x55; 300])]
    }

    pub(super) fn header(
        &self,
        world: &World,
        kind: Kind,
        chunk: Chunk,
        covers: &[AuthorHead],
        destroys: bool,
    ) -> Header {
        Header {
            version: FORMAT_VERSION,
            roster: world.head(),
            epoch: world.epoch_id(),
            slot: self.slot,
            author: self.author.author(),
            seq: self.seq + 1,
            previous: self.hash,
            kind,
            chunk,
            covers: covers.to_vec(),
            destroys,
            news: false,
            forgets: 0,
            contents: None,
        }
    }

    pub(super) fn make(&mut self, world: &World, header: Header, text: &[u8]) -> Envelope {
        let seal = |_: &[u8]| text.to_vec();
        let envelope = Envelope::make(&world.id, header, seal, |input| self.author.sign(input));
        self.seq = envelope.header().seq;
        self.hash = envelope.hash(&world.id);
        envelope
    }
}

pub(super) fn connection(exporter: u8) -> Connection {
    Connection::new(Box::new(move |_| [exporter; 32]))
}

pub(super) fn ask(relay: &TestRelay, connection: &mut Connection, request: Request) -> Reply {
    let mut replies = relay.handle(connection, request, NOW_MS);
    assert_eq!(replies.len(), 1, "{replies:?}");
    replies.remove(0)
}

pub(super) fn refusal(relay: &TestRelay, connection: &mut Connection, request: Request) -> Refusal {
    match ask(relay, connection, request) {
        Reply::Refused(refusal) => refusal,
        other => panic!("was not refused: {other:?}"),
    }
}

pub(super) fn attach(relay: &TestRelay, connection: &mut Connection, attach: Attach) -> Attached {
    match ask(relay, connection, Request::Attach(attach)) {
        Reply::Attached(attached) => attached,
        other => panic!("not attached: {other:?}"),
    }
}

pub(super) fn push_request(space: SpaceId, envelopes: &[Envelope]) -> Request {
    let envelopes = envelopes.iter().map(|envelope| envelope.to_bytes().into()).collect();
    Request::Push { space, envelopes }
}

/// Pushes and gives what the relay states, its signature checked.
pub(super) fn push(
    relay: &TestRelay,
    connection: &mut Connection,
    world: &World,
    envelopes: &[Envelope],
) -> Vec<Stored> {
    match ask(relay, connection, push_request(world.id, envelopes)) {
        Reply::Pushed { statement } => match verified(&statement).claim {
            Claim::Stored(stored) => stored,
            other => panic!("another claim: {other:?}"),
        },
        other => panic!("not pushed: {other:?}"),
    }
}

pub(super) fn verified(statement: &Signed<Statement>) -> Statement {
    statement.verify(&keys().relay()).unwrap()
}

/// All items of a pull, with the last frame's cursor and whether there is more.
pub(super) fn pull(
    relay: &TestRelay,
    connection: &mut Connection,
    world: &World,
    pull: Pull,
) -> (Vec<Item>, Cursor, bool) {
    let request = Request::Pull { space: world.id, pull };
    let mut all = Vec::new();
    for reply in relay.handle(connection, request, NOW_MS) {
        match reply {
            Reply::Items { items, continues, more, cursor } => {
                all.extend(items);
                if !continues {
                    return (all, cursor, more);
                }
            }
            other => panic!("no items: {other:?}"),
        }
    }
    panic!("the last frame is missing");
}

pub(super) fn start(relay: &TestRelay) -> Cursor {
    Cursor::start(relay.incarnation())
}

pub(super) fn after(cursor: Cursor) -> Pull {
    Pull::After { cursor, limit_bytes: u32::MAX }
}

pub(super) fn numbers(items: &[Item]) -> Vec<u64> {
    items.iter().map(|item| item.number).collect()
}

pub(super) fn is_stub(item: &Item) -> bool {
    matches!(item.body, ItemBody::Stub(_))
}

/// A relay that knows a space with two devices, and a connection for each.
pub(super) struct Two {
    pub(super) store: MemoryStore,
    pub(super) relay: TestRelay,
    pub(super) world: World,
    pub(super) a: Key,
    pub(super) b: Key,
    pub(super) of_a: Connection,
    pub(super) of_b: Connection,
}

pub(super) fn two() -> Two {
    two_with(RelayConfig::default())
}

pub(super) fn two_with(config: RelayConfig) -> Two {
    let store = MemoryStore::new();
    let relay = relay_over(store.clone(), config, 9);
    let (mut world, a) = World::found(10, 11);
    let b = Key::new(12);
    world.admit(&a, &b);
    let reply = ask(&relay, &mut connection(5), world.create(Admission::Open));
    assert!(matches!(reply, Reply::Created { .. }), "{reply:?}");
    let (of_a, of_b) = (world.attached(&relay, &a), world.attached(&relay, &b));
    Two { store, relay, world, a, b, of_a, of_b }
}
