//! The relay: batches of requests, its key files, its rows.

use std::sync::OnceLock;

use mainstay_core::engine::{Replica, Setup};
use mainstay_core::journal::{CheckIn, EntryBody, When};
use mainstay_core::space::device::DeviceSecret;
use mainstay_core::space::phrase::Phrase;
use mainstay_core::space::recovery::Recovery;
use mainstay_core::space::sign::AuthorKey;
use mainstay_core::sync::{Connection as Link, Session};
use mainstay_protocol::address::{Pin, RelayAddress};
use mainstay_protocol::codec;
use mainstay_protocol::envelope::Envelope;
use mainstay_protocol::frame::{Attach, Proof, Pull, Reply, Request, Signer};
use mainstay_protocol::ids::{Incarnation, MailboxId, SpaceId};
use mainstay_protocol::mailbox::Letter;
use mainstay_protocol::sign::purpose;
use mainstay_store::MemoryStore;
use mainstay_sync_server::feed::{
    Covering, Dropped, EmbeddedFeedStore, ItemRow, MailboxRow, Part, SpaceRow,
};
use mainstay_sync_server::keys::KeyFiles;
use mainstay_sync_server::relay::{Connection, Relay, RelayConfig, RelayKeys};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zeroize::Zeroizing;

use super::entries::now;
use super::wire::same;
use super::{Bound, Target, WIRE};
use crate::mutate::Form;

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "relay-requests",
        form: Form::Bytes,
        max_bytes: 512 * 1024,
        // Beside the requests: a relay with one space, and its answers.
        bound: Bound { base_bytes: 16 << 20, times: 400 },
        examples: batches,
        run: requests,
    },
    Target {
        name: "relay-keys",
        form: Form::Text,
        max_bytes: 4096,
        bound: WIRE,
        examples: || {
            vec!["0f".repeat(32).into_bytes(), format!("{}\n", "A9".repeat(32)).into_bytes()]
        },
        run: keys,
    },
    Target {
        name: "relay-rows",
        form: Form::Bytes,
        max_bytes: 64 * 1024,
        bound: WIRE,
        examples: row_examples,
        run: rows,
    },
];

const NOW_MS: i64 = 1_795_000_000_000;
const EXPORTER: [u8; 32] = [7; 32];

fn relay_keys() -> RelayKeys {
    RelayKeys::from_seeds(&[1; 32], &[2; 32])
}

fn relay(store: &MemoryStore) -> Relay<EmbeddedFeedStore<MemoryStore>> {
    let store = EmbeddedFeedStore::new(store.clone());
    Relay::new(store, relay_keys(), RelayConfig::default(), Incarnation([3; 16])).unwrap()
}

/// A space that a relay knows, and what its device has said so far, batch by batch.
struct World {
    store: MemoryStore,
    space: SpaceId,
    device: AuthorKey,
    recovery: AuthorKey,
    batches: Vec<Vec<Request>>,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let recovery = Recovery::derive(&Phrase::from_entropy(&[3; 16]));
        let secret = DeviceSecret::from_bytes(Zeroizing::new([2; 32]));
        let device = secret.keys(&recovery.space_id(), 0).author;
        let rng = Box::new(ChaCha20Rng::from_seed([5; 32]));
        let setup = Setup { store: std::sync::Arc::new(MemoryStore::new()), secret, rng };
        let mut phone = Replica::create(setup, &recovery, "a phone").unwrap();
        let pins = vec![Pin::of(&relay_keys().relay())];
        let address = RelayAddress { host: "relay.test".into(), port: 4433, pins };
        phone.set_relay(&address).unwrap();
        let store = MemoryStore::new();
        let relay = relay(&store);
        let mut batches = Vec::new();
        for mood in 0..3 {
            let body = EntryBody::CheckIn(CheckIn { mood: Some(mood), ..CheckIn::default() });
            phone.log(body, When::exact(now(), "Europe/Berlin"), NOW_MS).unwrap();
            sync(&mut phone, &relay, &mut batches);
        }
        let (space, recovery) = (recovery.space_id(), recovery.signing().clone());
        World { store, space, device, recovery, batches }
    })
}

fn sync(
    phone: &mut Replica,
    relay: &Relay<EmbeddedFeedStore<MemoryStore>>,
    batches: &mut Vec<Vec<Request>>,
) {
    phone.begin_sync(NOW_MS).unwrap();
    let mut session = Session::new(Link { relay: relay_keys().relay(), exporter: Some(EXPORTER) });
    let mut connection = Connection::new(Box::new(|_| EXPORTER));
    while let Some(batch) = session.next(phone, NOW_MS).unwrap() {
        batches.push(batch.clone());
        for request in batch {
            let replies = relay.handle(&mut connection, request, NOW_MS as u64);
            let refused = replies.iter().any(|reply| matches!(reply, Reply::Refused(_)));
            for reply in replies {
                session.reply(phone, reply, NOW_MS).unwrap();
            }
            // A refusal ends its batch.
            if refused {
                break;
            }
        }
    }
}

/// What the device said, and one of each request that it had no reason for.
fn batches() -> Vec<Vec<u8>> {
    let World { space, batches, device, .. } = world();
    let (space, mailbox) = (*space, MailboxId([8; 32]));
    let attach = Request::Attach(Attach {
        space,
        signer: Signer::Device(device.author_id()),
        signature: None,
        cursor: None,
    });
    let letter = Letter { sealed: vec![1; 300].into() };
    let limit_bytes = 1 << 20;
    let others = vec![
        attach,
        Request::Roster { space, known: None },
        Request::Wraps { space },
        Request::Heads { space },
        Request::Slots { space },
        Request::Receipts { space, after: 0 },
        Request::Pull { space, pull: Pull::Numbers { numbers: vec![1, 2], limit_bytes } },
        Request::OpenMailbox { space, mailbox, life_ms: 60_000 },
        Request::PutLetter { mailbox, place: 0, letter },
        Request::Letters { mailbox, after: 0 },
        Request::CloseMailbox { space, mailbox },
        Request::Subscribe { space },
    ];
    batches.iter().chain([&others]).map(codec::encode).collect()
}

/// A batch, signed anew where a device would sign: what it says is hostile, and who says it may.
fn requests(input: &[u8]) -> bool {
    let Ok(batch) = codec::decode::<Vec<Request>>(input) else { return false };
    let world = world();
    // Half of the time as who comes first.
    let store = match input.len() % 2 {
        0 => copy(&world.store),
        _ => MemoryStore::new(),
    };
    let relay = relay(&store);
    let mut connection = Connection::new(Box::new(|_| EXPORTER));
    for (at, request) in batch.into_iter().take(64).enumerate() {
        let now_ms = NOW_MS as u64 + at as u64;
        for reply in relay.handle(&mut connection, signed(world, request), now_ms) {
            assert!(same::<Reply>(&codec::encode(&reply)).is_some(), "an answer that nobody reads");
        }
    }
    true
}

fn copy(store: &MemoryStore) -> MemoryStore {
    use mainstay_store::{Batch, Store};
    let (copy, mut batch) = (MemoryStore::new(), Batch::default());
    let scanned = store.scan(&[], None, &mut |key, value| {
        batch.put(key.to_vec(), value.to_vec());
        std::ops::ControlFlow::Continue(())
    });
    scanned.and_then(|()| copy.commit(&batch)).unwrap();
    copy
}

fn signed(world: &World, request: Request) -> Request {
    match request {
        Request::Attach(attach) => {
            let key = match attach.signer {
                Signer::Recovery => &world.recovery,
                _ => &world.device,
            };
            let (relay, space, signer) = (relay_keys().relay(), attach.space, attach.signer);
            let proof = Proof { exporter: EXPORTER, relay, space, signer };
            let signature = Some(key.sign_for(purpose::ATTACH, &proof.message()));
            Request::Attach(Attach { signature, ..attach })
        }
        Request::Push { space, envelopes } => {
            let again = |bytes: &minicbor::bytes::ByteVec| match Envelope::from_bytes(bytes) {
                Ok(envelope) => {
                    let (header, held) =
                        (envelope.header().clone(), envelope.ciphertext().to_vec());
                    let sign = |input: &[u8]| world.device.sign(input);
                    Envelope::make(&world.space, header, |_| held, sign).to_bytes().into()
                }
                Err(_) => bytes.clone(),
            };
            let envelopes = envelopes.iter().map(again).collect();
            Request::Push { space, envelopes }
        }
        other => other,
    }
}

/// A key file. It holds a key, or the relay says that it does not.
fn keys(input: &[u8]) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let (keys, data) = (dir.path().join("keys"), dir.path().join("data"));
    let files = KeyFiles::new(&keys, &data).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(keys.join(name), bytes).unwrap();
        private(&keys.join(name));
    };
    write("registration.key", "11".repeat(32).as_bytes());
    write("relay.key", input);
    match files.load() {
        Ok(loaded) => loaded.relay() != loaded.registration(),
        Err(error) => error.to_string().is_empty(),
    }
}

#[cfg(unix)]
fn private(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &std::path::Path) {}

/// Every value of a relay's store that holds something.
fn row_examples() -> Vec<Vec<u8>> {
    use mainstay_store::Store;
    let mut values = Vec::new();
    let scanned = world().store.scan(&[], None, &mut |_, value| {
        values.push(value.to_vec());
        std::ops::ControlFlow::Continue(())
    });
    scanned.unwrap();
    values
}

fn rows(input: &[u8]) -> bool {
    same::<SpaceRow>(input).is_some()
        | same::<ItemRow>(input).is_some()
        | same::<Dropped>(input).is_some()
        | same::<Covering>(input).is_some()
        | same::<MailboxRow>(input).is_some()
        | same::<Part>(input).is_some()
}
