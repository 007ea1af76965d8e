//! Every secret byte there is, for tests that look for them where they must not be. Only with the
//! feature `test-kit`, which no app turns on.

use hpke::Serializable;
use mainstay_protocol::ids::SpaceId;
use zeroize::Zeroizing;

use super::device::DeviceSecret;
use super::kdf::{derive, label};
use super::kem::KemSecret;
use super::keyring::Keyring;
use super::member::MemberSecret;
use super::phrase::Phrase;
use super::recovery::Recovery;
use super::root::RootSecret;
use super::sign::AuthorKey;

/// A secret and what it is.
pub type Secret = (&'static str, Zeroizing<Vec<u8>>);

/// The device's own secret, what it seals its store with, and its private keys in a space.
#[must_use]
pub fn of_device(device: &DeviceSecret, space: &SpaceId, generation: u32) -> Vec<Secret> {
    let keys = device.keys(space, generation);
    vec![
        secret("device secret", device.expose()),
        secret("store's key", &*derive::<32>(device.expose(), label::REST_SEAL, &[])),
        secret("store's names", &*derive::<32>(device.expose(), label::REST_NAMES, &[])),
        secret("author key", &*keys.author.seed()),
        kem("device's key exchange", &keys.kem),
    ]
}

/// The phrase's entropy and the private keys that follow from it.
#[must_use]
pub fn of_phrase(phrase: &Phrase) -> Vec<Secret> {
    let recovery = Recovery::derive(phrase);
    vec![
        secret("phrase", &*phrase.entropy()),
        secret("recovery signing key", &*recovery.signing().seed()),
        kem("recovery key exchange", recovery.kem()),
    ]
}

/// A member's secret in one share, the private keys that follow from it, and what names records.
#[must_use]
pub fn of_member(member: &MemberSecret) -> Vec<Secret> {
    let keys = member.keys();
    vec![
        secret("member secret", member.expose()),
        secret("member signing key", &*keys.sign.seed()),
        kem("member's key exchange", &keys.kem),
        secret("names of records", &*derive::<32>(member.expose(), label::RECORD_NAMES, &[])),
    ]
}

/// The secret of a share's root and the private keys that follow from it.
#[must_use]
pub fn of_root(root: &RootSecret) -> Vec<Secret> {
    let keys = root.keys();
    vec![
        secret("root secret", root.bytes()),
        secret("root signing key", &*keys.sign.seed()),
        kem("root's key exchange", &keys.kem),
    ]
}

/// The key that names slots, every epoch's key, and the keys that seal its envelopes.
#[must_use]
pub fn of_keyring(keyring: &Keyring) -> Vec<Secret> {
    let mut all = vec![secret("space key", keyring.space_key().bytes())];
    for epoch in keyring.epochs() {
        all.push(secret("epoch key", epoch.bytes()));
        all.push(secret("envelope key", &*epoch.envelope_key()));
        all.push(secret("consent key", &*epoch.consent_key()));
    }
    all
}

/// A signing key of a test's own, such as the relay of a test has.
#[must_use]
pub fn signing_key(seed: &[u8; 32]) -> AuthorKey {
    AuthorKey::from_seed(seed)
}

fn secret(name: &'static str, bytes: &[u8]) -> Secret {
    (name, Zeroizing::new(bytes.to_vec()))
}

fn kem(name: &'static str, key: &KemSecret) -> Secret {
    (name, Zeroizing::new(key.secret().to_bytes().to_vec()))
}
