//! Every secret byte there is, for tests that look for them where they must not be. Only with the
//! feature `test-kit`, which no app turns on.

use hpke::Serializable;
use mainstay_protocol::ids::SpaceId;
use zeroize::Zeroizing;

use super::device::DeviceSecret;
use super::kdf::{derive, label};
use super::kem::KemSecret;
use super::keyring::Keyring;
use super::phrase::Phrase;
use super::recovery::Recovery;

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

/// The key that names slots, every epoch's key, and the keys that seal its envelopes.
#[must_use]
pub fn of_keyring(keyring: &Keyring) -> Vec<Secret> {
    let mut all = vec![secret("space key", keyring.space_key().bytes())];
    for epoch in keyring.epochs() {
        all.push(secret("epoch key", epoch.bytes()));
        all.push(secret("envelope key", &*epoch.envelope_key()));
    }
    all
}

fn secret(name: &'static str, bytes: &[u8]) -> Secret {
    (name, Zeroizing::new(bytes.to_vec()))
}

fn kem(name: &'static str, key: &KemSecret) -> Secret {
    (name, Zeroizing::new(key.secret().to_bytes().to_vec()))
}
