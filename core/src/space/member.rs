//! A member's secret in one share, and the keys that follow from it.

use std::fmt;

use mainstay_protocol::frame::Signer;
use mainstay_protocol::ids::MemberId;
use zeroize::Zeroizing;

use super::CryptoRng;
use super::aead;
use super::kdf::{self, derive, label};
use super::kem::KemSecret;
use super::sign::AuthorKey;

/// The step to which a version's name is padded: eight heads of a document, as CBOR.
const VERSION_STEP_BYTES: usize = 8 * 34 + 8;

/// 32 random bytes for one member of one share. Random anew in every share, so that nobody can tell
/// from their keys that two shares are one person's. They lie in the member's private space, where
/// their other devices and their phrase find them.
#[derive(Clone)]
pub struct MemberSecret(Zeroizing<[u8; 32]>);

/// The keys that a member has in one share, whichever of their devices they use.
#[derive(Debug, Clone)]
pub struct MemberKeys {
    /// Signs records for them, and certifies their devices.
    pub sign: AuthorKey,
    /// Opens the wraps made for them.
    pub kem: KemSecret,
}

/// Names the records that an owner shares, under a key that only the owner's devices have: who reads
/// the share cannot tell which entry a record is of, nor recognise it in another share.
#[derive(Clone)]
pub struct RecordNamer(Zeroizing<[u8; 32]>);

impl MemberSecret {
    /// A new secret.
    pub fn make(rng: &mut dyn CryptoRng) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *secret);
        Self(secret)
    }

    /// A secret that was stored.
    pub fn from_bytes(secret: Zeroizing<[u8; 32]>) -> Self {
        Self(secret)
    }

    /// The secret, to be stored in the private space and nowhere else.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The keys.
    pub fn keys(&self) -> MemberKeys {
        MemberKeys {
            sign: AuthorKey::from_seed(&derive(&*self.0, label::MEMBER_SIGN, &[])),
            kem: KemSecret::derive(&derive(&*self.0, label::MEMBER_KEM, &[])),
        }
    }

    /// The names of this member's records. An owner who goes on under other keys keeps the namer of
    /// their first secret, as every record would get another name otherwise.
    pub fn record_names(&self) -> RecordNamer {
        RecordNamer(derive(&*self.0, label::RECORD_NAMES, &[]))
    }
}

impl MemberKeys {
    /// The member's id in the share.
    pub fn member_id(&self) -> MemberId {
        self.sign.verify_key().member_id()
    }

    /// The member as who signs, and as whom epochs are wrapped for.
    pub fn signer(&self) -> Signer {
        Signer::Member(self.member_id())
    }
}

impl RecordNamer {
    /// The record of an entry.
    pub fn record_id(&self, entry: &[u8; 16]) -> [u8; 16] {
        kdf::prf(&self.0, label::RECORD, &[b"entry", entry])
    }

    /// A name for a version of the plan, which only the owner's devices can read. Padded to steps of
    /// eight heads, so that its length tells little of how many devices changed the plan.
    pub fn seal_version(&self, rng: &mut dyn CryptoRng, heads: &[u8]) -> Vec<u8> {
        let mut plain = (heads.len() as u32).to_be_bytes().to_vec();
        plain.extend_from_slice(heads);
        plain.resize(plain.len().next_multiple_of(VERSION_STEP_BYTES), 0);
        aead::seal(rng, &self.version_key(), b"plan version", &plain)
    }

    /// What [`RecordNamer::seal_version`] sealed; `None` if it is not this owner's.
    pub fn open_version(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let plain = aead::open(&self.version_key(), b"plan version", sealed).ok()?;
        let (length, rest) = plain.split_first_chunk::<4>()?;
        rest.get(..u32::from_be_bytes(*length) as usize).map(<[u8]>::to_vec)
    }

    fn version_key(&self) -> Zeroizing<[u8; 32]> {
        derive(&*self.0, label::PLAN_VERSION, &[])
    }

    /// The record of the plan.
    pub fn plan_record_id(&self) -> [u8; 16] {
        kdf::prf(&self.0, label::RECORD, &[b"plan"])
    }
}

impl fmt::Debug for MemberSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemberSecret([redacted])")
    }
}

impl fmt::Debug for RecordNamer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordNamer([redacted])")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::space::device::DeviceSecret;
    use mainstay_protocol::ids::SpaceId;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;
    use std::collections::BTreeSet;

    fn secret(byte: u8) -> MemberSecret {
        MemberSecret::from_bytes(Zeroizing::new([byte; 32]))
    }

    #[test]
    fn two_shares_of_one_person_have_unrelated_keys() {
        let rng = &mut ChaCha20Rng::from_seed([1; 32]);
        let (one, two) = (MemberSecret::make(rng), MemberSecret::make(rng));
        let entry = [9; 16];
        let seen = |secret: &MemberSecret| {
            let (keys, names) = (secret.keys(), secret.record_names());
            [
                secret.expose().to_vec(),
                keys.sign.verify_key().0.to_vec(),
                keys.member_id().0.to_vec(),
                keys.kem.public().0.to_vec(),
                names.record_id(&entry).to_vec(),
                names.plan_record_id().to_vec(),
            ]
        };
        let all: BTreeSet<_> = seen(&one).into_iter().chain(seen(&two)).collect();
        assert_eq!(all.len(), 12);
        // The device's own keys are other ones in each share, too.
        let device = DeviceSecret::make(rng);
        let author = |byte| device.keys(&SpaceId([byte; 32]), 0).author.author_id();
        assert_ne!(author(1), author(2));
    }

    #[test]
    fn a_stored_secret_leads_to_the_same_keys_and_names() {
        let one = secret(3);
        let again = MemberSecret::from_bytes(Zeroizing::new(*one.expose()));
        assert_eq!(one.keys().member_id(), again.keys().member_id());
        assert_eq!(one.keys().kem.public(), again.keys().kem.public());
        let (a, b) = (one.record_names(), again.record_names());
        assert_eq!(a.record_id(&[1; 16]), b.record_id(&[1; 16]));
    }

    #[test]
    fn the_name_of_a_record_tells_its_entry_to_nobody_without_the_owners_key() {
        let names = secret(3).record_names();
        let entries = (0..=255).map(|byte| names.record_id(&[byte; 16]));
        let all: BTreeSet<_> = entries.chain([names.plan_record_id()]).collect();
        assert_eq!(all.len(), 257);
        // The same secret bytes under another purpose give other names.
        let other = RecordNamer(Zeroizing::new([3; 32]));
        assert!(!all.contains(&other.record_id(&[1; 16])));
        assert!(!all.contains(&secret(4).record_names().record_id(&[1; 16])));
    }

    /// The same 32 bytes used as a device's secret by mistake still give other keys.
    #[test]
    fn a_members_keys_are_no_devices_keys() {
        let device = DeviceSecret::from_bytes(Zeroizing::new([3; 32]));
        let device = device.keys(&SpaceId([1; 32]), 0);
        let member = secret(3).keys();
        assert_ne!(device.author.verify_key(), member.sign.verify_key());
        assert_ne!(device.kem.public(), member.kem.public());
    }
}
