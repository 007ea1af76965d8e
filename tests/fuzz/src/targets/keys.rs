//! Sealed bytes: they open as they were sealed, or not at all.

use std::sync::OnceLock;

use mainstay_core::space::consent::open_consent;
use mainstay_core::space::device::DeviceSecret;
use mainstay_core::space::epoch::{EpochKey, SpaceKey};
use mainstay_core::space::keyring::Keyring;
use mainstay_core::space::member::MemberSecret;
use mainstay_core::space::phrase::Phrase;
use mainstay_core::space::recovery::Recovery;
use mainstay_core::space::root::{RootSecret, open_root, seal_root};
use mainstay_core::space::{seal, wrap};
use mainstay_protocol::envelope::{Chunk, Envelope, Header, Kind};
use mainstay_protocol::frame::Signer;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::{AuthorId, EpochId, MemberId, SlotId, SpaceId};
use mainstay_protocol::roster::{ConsentState, KemKey, SealedKey, Wrap};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zeroize::Zeroizing;

use super::{Target, WIRE};
use crate::mutate::Form;

const fn target(
    name: &'static str,
    examples: fn() -> Vec<Vec<u8>>,
    run: fn(&[u8]) -> bool,
) -> Target {
    Target { name, form: Form::Bytes, max_bytes: 16 * 1024, bound: WIRE, examples, run }
}

pub(super) const TARGETS: &[Target] = &[
    target("sealed", sealed_examples, sealed),
    target("wraps", wrap_examples, wraps),
    target("keyrings", || vec![vec![1; 32], vec![2; 64], (0..160).collect()], keyrings),
];

const SPACE: SpaceId = SpaceId([1; 32]);
const AUTHOR: AuthorId = AuthorId([4; 16]);
const MEMBER: MemberId = MemberId([5; 16]);

/// Keys, and what was sealed with them.
struct World {
    device: DeviceSecret,
    recovery: Recovery,
    member: MemberSecret,
    epoch: EpochKey,
    root: SpaceId,
    sealed: Vec<Vec<u8>>,
    wraps: Vec<Vec<u8>>,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let rng = &mut ChaCha20Rng::from_seed([1; 32]);
        let device = DeviceSecret::from_bytes(Zeroizing::new([2; 32]));
        let recovery = Recovery::derive(&Phrase::from_entropy(&[3; 16]));
        let member = MemberSecret::make(rng);
        let (epoch, root) = (EpochKey::from_bytes([1; 32]), RootSecret::make(rng));
        let keys = device.keys(&SPACE, 0);
        let header = Header {
            version: 1,
            roster: Hash([5; 32]),
            epoch: epoch.id(),
            slot: SlotId([6; 16]),
            author: keys.author.author_id(),
            seq: 7,
            previous: Hash([8; 32]),
            kind: Kind::Change,
            chunk: Chunk::WHOLE,
            covers: vec![],
            destroys: false,
            news: false,
            forgets: 0,
            contents: None,
        };
        let envelope = seal::seal(rng, &SPACE, header, (&epoch, &keys.author), b"a day").unwrap();
        let sealed = vec![
            envelope.to_bytes(),
            epoch.seal_previous(rng, &EpochKey::from_bytes([9; 32])).sealed.to_vec(),
            epoch.seal_name(rng, &SPACE, &AUTHOR, "a phone").unwrap(),
            epoch.seal_member_name(rng, &SPACE, &MEMBER, "Dr. Weber").unwrap(),
            device.rest_key().seal(rng, b"key", b"a day"),
            member.record_names().seal_version(rng, &[7; 40]),
        ];
        let space_key = SpaceKey::from_bytes([2; 32]);
        let kem = recovery.kem().public();
        let wrap = wrap::wrap(rng, &SPACE, Signer::Recovery, kem, None, (&epoch, &space_key));
        let share = root.share_id();
        let wraps =
            vec![wrap.unwrap().sealed.to_vec(), seal_root(rng, &root, kem, &share).unwrap()];
        World { device, recovery, member, epoch, root: share, sealed, wraps }
    })
}

fn sealed_examples() -> Vec<Vec<u8>> {
    world().sealed.clone()
}

/// Everything that opens under a symmetric key.
fn sealed(input: &[u8]) -> bool {
    let world = world();
    let real = |at: usize| world.sealed[at] == input;
    let epoch = &world.epoch;
    let opened = Envelope::from_bytes(input).is_ok_and(|it| seal::open(&SPACE, &it, epoch).is_ok());
    // Fields of an envelope that are not signed do not exist: another form of the same one opens.
    assert!(opened || !real(0));
    let previous =
        SealedKey { epoch: EpochKey::from_bytes([9; 32]).id(), sealed: input.to_vec().into() };
    assert_eq!(epoch.open_previous(&previous).is_ok(), real(1));
    assert_eq!(epoch.open_name(&SPACE, &AUTHOR, input).is_ok(), real(2));
    assert_eq!(epoch.open_member_name(&SPACE, &MEMBER, input).is_ok(), real(3));
    let _ = EpochKey::epoch_of_name(input);
    assert_eq!(world.device.rest_key().open(b"key", input).is_ok(), real(4));
    assert_eq!(world.member.record_names().open_version(input).is_some(), real(5));
    let keyring = Keyring::from_bytes(&[1; 64]).unwrap();
    let state = ConsentState {
        record: 1,
        epoch: epoch.id(),
        sealed: input.to_vec().into(),
        until_ms: None,
    };
    assert!(open_consent(&SPACE, &keyring, &state).is_err());
    opened || (0..6).any(real)
}

fn wrap_examples() -> Vec<Vec<u8>> {
    world().wraps.clone()
}

/// Everything that opens under a key pair, and a public key to seal for.
fn wraps(input: &[u8]) -> bool {
    let world = world();
    let kem = world.recovery.kem();
    let wrap = |epoch: EpochId| Wrap {
        to: Signer::Recovery,
        epoch,
        parent: None,
        sealed: input.to_vec().into(),
    };
    let opens = wrap::unwrap(&SPACE, &wrap(world.epoch.id()), kem).is_ok();
    assert_eq!(opens, world.wraps[0] == input);
    let root = open_root(input, &world.root, kem).is_ok();
    assert_eq!(root, world.wraps[1] == input);
    let rng = &mut ChaCha20Rng::from_seed([7; 32]);
    let mut key = input.to_vec();
    key.resize(KemKey::LEN, 0);
    let keys = (&world.epoch, &SpaceKey::from_bytes([2; 32]));
    let _ = wrap::wrap(rng, &SPACE, Signer::Recovery, &KemKey(key.into()), None, keys);
    opens || root
}

fn keyrings(input: &[u8]) -> bool {
    let Ok(keyring) = Keyring::from_bytes(input) else { return false };
    let again = Keyring::from_bytes(&keyring.to_bytes()).unwrap();
    assert_eq!(again.to_bytes(), keyring.to_bytes());
    true
}
