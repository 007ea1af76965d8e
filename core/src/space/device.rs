//! A device's secret, and the keys that follow from it.

use std::fmt;

use mainstay_protocol::ids::{AuthorId, SpaceId};
use zeroize::Zeroizing;

use super::CryptoRng;
use super::at_rest::RestKey;
use super::kdf::{derive, label};
use super::kem::KemSecret;
use super::sign::AuthorKey;

/// 32 random bytes that the platform's key store keeps sealed.
#[derive(Clone)]
pub struct DeviceSecret(Zeroizing<[u8; 32]>);

/// The keys that a device has in one space.
#[derive(Debug, Clone)]
pub struct DeviceKeys {
    /// Signs its envelopes, records and receipts.
    pub author: AuthorKey,
    /// Opens the wraps made for it.
    pub kem: KemSecret,
}

impl DeviceSecret {
    /// A new secret.
    pub fn make(rng: &mut dyn CryptoRng) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *secret);
        Self(secret)
    }

    /// The secret that the key store gave back.
    pub fn from_bytes(secret: Zeroizing<[u8; 32]>) -> Self {
        Self(secret)
    }

    /// The secret, for the key store to seal.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The keys in a space. They tell nothing about the keys in another one. A device that was
    /// cloned, or removed and let in again, goes on under the next `generation`, because a roster
    /// never takes an old key back.
    pub fn keys(&self, space: &SpaceId, generation: u32) -> DeviceKeys {
        let parts: [&[u8]; 2] = [space.as_bytes(), &generation.to_be_bytes()];
        DeviceKeys {
            author: AuthorKey::from_seed(&derive(&*self.0, label::DEVICE_SIGN, &parts)),
            kem: KemSecret::derive(&derive(&*self.0, label::DEVICE_KEM, &parts)),
        }
    }

    /// The author ids of the generations before one: names that this device went under itself.
    pub fn former_authors(&self, space: &SpaceId, generation: u32) -> Vec<AuthorId> {
        let author = |generation: u32| {
            let parts: [&[u8]; 2] = [space.as_bytes(), &generation.to_be_bytes()];
            AuthorKey::from_seed(&derive(&*self.0, label::DEVICE_SIGN, &parts)).author_id()
        };
        (0..generation).map(author).collect()
    }

    /// The keys that seal this device's store and hide its record keys.
    pub fn rest_key(&self) -> RestKey {
        RestKey::new(
            derive(&*self.0, label::REST_SEAL, &[]),
            derive(&*self.0, label::REST_NAMES, &[]),
        )
    }
}

impl fmt::Debug for DeviceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceSecret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::space::member::MemberSecret;
    use crate::space::phrase::Phrase;
    use crate::space::recovery::Recovery;
    use crate::space::root::RootSecret;
    use mainstay_protocol::sign::purpose;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn a_device_has_other_keys_in_every_space_and_generation() {
        let secret = DeviceSecret::from_bytes(Zeroizing::new([5; 32]));
        let ids: std::collections::BTreeSet<_> = [(1, 0), (1, 1), (2, 0), (2, 1)]
            .map(|(space, generation)| secret.keys(&SpaceId([space; 32]), generation))
            .iter()
            .flat_map(|keys| [keys.author.verify_key().0.to_vec(), keys.kem.public().0.to_vec()])
            .collect();
        assert_eq!(ids.len(), 8);
        let again = secret.keys(&SpaceId([1; 32]), 0).author.author_id();
        assert_eq!(again, secret.keys(&SpaceId([1; 32]), 0).author.author_id());
    }

    #[test]
    fn what_an_author_signs_verifies_under_its_key_for_that_purpose_only() {
        // None is missing from the list.
        let source = include_str!("../../../protocol/src/sign.rs");
        assert_eq!(source.matches(": &str = ").count(), purpose::ALL.len());
        let keys = DeviceSecret::from_bytes(Zeroizing::new([5; 32])).keys(&SpaceId([1; 32]), 0);
        let key = keys.author.verify_key();
        for (at, made) in purpose::ALL.into_iter().enumerate() {
            let signature = keys.author.sign_for(made, b"hello");
            for (other, asked) in purpose::ALL.into_iter().enumerate() {
                let verified = key.verify(asked, b"hello", &signature).is_ok();
                assert_eq!(verified, at == other, "signed for {made}, asked for {asked}");
            }
        }
    }

    #[test]
    fn a_phrase_always_leads_to_the_same_space() {
        let phrase = Phrase::from_entropy(&[3; 16]);
        let (one, two) = (Recovery::derive(&phrase), Recovery::derive(&phrase));
        assert_eq!(one.space_id(), two.space_id());
        assert_eq!(one.kem().public(), two.kem().public());
        let other = Recovery::derive(&Phrase::from_entropy(&[4; 16]));
        assert_ne!(one.space_id(), other.space_id());
    }

    #[test]
    fn printing_secrets_shows_no_byte_of_them() {
        let secret = DeviceSecret::from_bytes(Zeroizing::new([0xab; 32]));
        let keys = secret.keys(&SpaceId([1; 32]), 0);
        let recovery = Recovery::derive(&Phrase::from_entropy(&[0xab; 16]));
        let member = MemberSecret::from_bytes(Zeroizing::new([0xab; 32]));
        let root = RootSecret::make(&mut ChaCha20Rng::from_seed([1; 32]));
        let shown = format!("{secret:?} {keys:?} {recovery:?} {:?}", secret.rest_key());
        assert!(shown.matches("[redacted]").count() == 6, "{shown}");
        let of_share =
            format!("{member:?} {:?} {:?} {root:?}", member.keys(), member.record_names());
        assert!(of_share.matches("[redacted]").count() == 5, "{of_share}");
        let of_root = format!("{:?}", root.keys());
        assert!(of_root.matches("[redacted]").count() == 2, "{of_root}");
        let shown = shown + &of_share + &of_root;
        assert!(!shown.contains("171") && !shown.contains("ab, "), "{shown}");
    }
}
