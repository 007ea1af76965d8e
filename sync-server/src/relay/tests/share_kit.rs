//! A share on a relay, for the tests.

use std::collections::BTreeMap;

use mainstay_protocol::envelope::{Chunk, Envelope, Header, Kind};
use mainstay_protocol::frame::{Admission, Reply, Request, Signer};
use mainstay_protocol::heads::AuthorHead;
use mainstay_protocol::ids::{MemberId, SlotId};
use mainstay_protocol::roster::{Act, Epoch, KemKey, Party, Record, Role};
use mainstay_protocol::sign::Signed;
use mainstay_store::MemoryStore;

use super::kit::*;
use crate::feed::{FeedStore, Form};
use crate::relay::{Connection, RelayConfig};

/// When the consent of [`Share::consent`] ends.
pub(super) const END_MS: u64 = NOW_MS + 1000;

pub(super) fn id(key: &Key) -> MemberId {
    key.public().member_id()
}

pub(super) fn signer(key: &Key) -> Signer {
    Signer::Member(id(key))
}

pub(super) fn party(key: &Key, role: Role) -> Party {
    let kem = KemKey(key.public().0.repeat(KemKey::LEN / 32).into());
    Party { key: key.public(), kem, role, sealed_name: vec![].into() }
}

pub(super) fn enter(key: &Key) -> Act {
    Act::Enter { member: party(key, Role::Counsellor) }
}

pub(super) fn leave(key: &Key) -> Act {
    Act::Leave { member: id(key), last: vec![] }
}

pub(super) fn certify(key: &Key) -> Act {
    Act::Certify { key: key.public() }
}

pub(super) fn retire(key: &Key) -> Act {
    Act::Retire { author: key.author(), last: vec![] }
}

impl World {
    /// A share whose owner has no device yet.
    pub(super) fn found_share(root: u8, owner: &Key) -> Self {
        let root = Key::new(root);
        let mut world = Self {
            id: root.public().space_id(),
            recovery: root.clone(),
            records: vec![],
            wraps: BTreeMap::new(),
            epoch: 0,
            active: vec![],
        };
        let recovery_kem = KemKey(vec![4; KemKey::LEN].into());
        let found = Act::Found { recovery: root.public(), recovery_kem };
        let share = Act::Share { owner: party(owner, Role::Owner) };
        let epoch = world.epoch_for(&[owner]);
        let record = world.record(&root, Signer::Recovery, None, vec![found, share, epoch]);
        world.records.push(record);
        world
    }

    /// The next epoch, for these members and the root.
    pub(super) fn epoch_for(&mut self, members: &[&Key]) -> Act {
        self.epoch += 1;
        let to = members.iter().map(|key| signer(key)).chain([Signer::Recovery]);
        let wraps = to.collect::<Vec<_>>().into_iter().map(|to| self.wrap(to)).collect();
        Act::Epoch(Epoch { id: self.epoch_id(), number: self.epoch, wraps, previous: vec![] })
    }

    /// A member's record; not yet on the relay.
    pub(super) fn say(&mut self, by: &Key, acts: Vec<Act>) -> Signed<Record> {
        let record = self.record(by, signer(by), Some(self.records.len() - 1), acts);
        self.records.push(record.clone());
        record
    }

    pub(super) fn attached_member(&self, relay: &TestRelay, key: &Key) -> Connection {
        let mut connection = connection(5);
        attach(relay, &mut connection, self.attach_as(key, signer(key), [5; 32]));
        connection
    }
}

impl Chain {
    /// A record that covers what is named, and the one before it in this chain.
    pub(super) fn record(&mut self, world: &World, covers: &[AuthorHead], text: &[u8]) -> Envelope {
        let mut covers = covers.to_vec();
        if self.seq > 0 && !covers.contains(&self.head()) {
            covers.push(self.head());
        }
        covers.sort();
        let header = self.header(world, Kind::Record, Chunk::WHOLE, &covers, true);
        self.make(world, Header { news: true, ..header }, text)
    }

    pub(super) fn in_slot(mut self, slot: u8) -> Self {
        self.slot = SlotId([slot; 16]);
        self
    }
}

/// A relay that knows a share of an owner with two phones and a counsellor with one.
pub(super) struct Share {
    pub(super) store: MemoryStore,
    pub(super) relay: TestRelay,
    pub(super) world: World,
    pub(super) owner: Key,
    pub(super) phone: Key,
    pub(super) tablet: Key,
    pub(super) counsellor: Key,
    pub(super) laptop: Key,
    /// Speaks for the owner and the phone.
    pub(super) of_owner: Connection,
    pub(super) of_tablet: Connection,
    /// Speaks for the counsellor and the laptop.
    pub(super) of_counsellor: Connection,
}

pub(super) fn share() -> Share {
    share_with(RelayConfig::default())
}

pub(super) fn share_with(config: RelayConfig) -> Share {
    let [owner, phone, tablet, counsellor, laptop] = [21, 22, 23, 24, 25].map(Key::new);
    let mut world = World::found_share(20, &owner);
    let epoch = world.epoch_for(&[&owner, &counsellor]);
    world.say(&owner, vec![certify(&phone), certify(&tablet), enter(&counsellor), epoch]);
    world.say(&counsellor, vec![certify(&laptop)]);
    let store = MemoryStore::new();
    let relay = relay_over(store.clone(), config, 9);
    let reply = ask(&relay, &mut connection(5), world.create(Admission::Open));
    assert!(matches!(reply, Reply::Created { .. }), "{reply:?}");
    let connect = |member: &Key, device: &Key| {
        let mut connection = world.attached_member(&relay, member);
        attach(&relay, &mut connection, world.attach_as(device, device.signer(), [5; 32]));
        connection
    };
    let of_owner = connect(&owner, &phone);
    let of_counsellor = connect(&counsellor, &laptop);
    let of_tablet = world.attached(&relay, &tablet);
    let world_of = (store, relay, world);
    let (store, relay, world) = world_of;
    Share {
        store,
        relay,
        world,
        owner,
        phone,
        tablet,
        counsellor,
        laptop,
        of_owner,
        of_tablet,
        of_counsellor,
    }
}

impl Share {
    /// The owner says something, and the relay takes it.
    pub(super) fn owner_says(&mut self, acts: Vec<Act>) {
        let before = self.world.head();
        let owner = self.owner.clone();
        self.world.say(&owner, acts);
        let reply = ask(&self.relay, &mut self.of_owner, self.world.append(before));
        assert!(matches!(reply, Reply::Appended { .. }), "{reply:?}");
    }

    pub(super) fn removes_the_counsellor(&mut self) {
        let owner = self.owner.clone();
        let epoch = self.world.epoch_for(&[&owner]);
        self.owner_says(vec![leave(&self.counsellor.clone()), epoch]);
    }

    /// A consent until [`END_MS`].
    pub(super) fn consents(&mut self) {
        let epoch = self.world.epoch_id();
        let sealed = vec![1; 100].into();
        self.owner_says(vec![Act::Consent { epoch, sealed, until_ms: Some(END_MS) }]);
    }

    /// What the relay still has of these items.
    pub(super) fn bodies(&self, numbers: &[u64]) -> Vec<u64> {
        let has = |number: &&u64| {
            let body = |form| self.relay.store().body(&self.world.id, **number, form).unwrap();
            assert!(body(Form::Stub).is_none(), "a record has no stub");
            body(Form::Whole).is_some()
        };
        numbers.iter().filter(has).copied().collect()
    }
}

/// Everything that reads or writes in a share, for `author`, but the roster.
pub(super) fn all_requests(
    world: &World,
    relay: &TestRelay,
    author: &Key,
    counter: u64,
) -> Vec<Request> {
    let space = world.id;
    let envelope = world.chain(author).in_slot(99).record(world, &[], b"late");
    let slots = mainstay_protocol::frame::Pull::Slots {
        slots: vec![SLOT],
        after: 0,
        stubs: false,
        limit_bytes: u32::MAX,
    };
    let numbers =
        mainstay_protocol::frame::Pull::Numbers { numbers: vec![1], limit_bytes: u32::MAX };
    vec![
        push_request(space, &[envelope]),
        Request::Pull { space, pull: after(start(relay)) },
        Request::Pull { space, pull: slots },
        Request::Pull { space, pull: numbers },
        Request::Heads { space },
        Request::Slots { space },
        Request::Wraps { space },
        Request::Receipts { space, after: 0 },
        Request::PutReceipt { space, receipt: world.receipt(author, counter) },
        Request::Subscribe { space },
        Request::OpenMailbox {
            space,
            mailbox: mainstay_protocol::ids::MailboxId([6; 32]),
            life_ms: 1000,
        },
    ]
}
