//! The keys that seal a space.

use std::fmt;

use mainstay_protocol::ids::{AuthorId, EpochId, MemberId, SpaceId};
use mainstay_protocol::roster::SealedKey;
use zeroize::Zeroizing;

use super::CryptoRng;
use super::aead::{self, CannotOpen};
use super::kdf::{derive, label, prf};

/// The longest name that a device, or a member of a share, may have, in UTF-8.
pub const MAX_DEVICE_NAME_BYTES: usize = 200;

/// A name and its length in front, filled with zeros: all sealed names have one size.
const PADDED_NAME_BYTES: usize = 2 + MAX_DEVICE_NAME_BYTES;

/// The name of a device or a member that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name has at most {MAX_DEVICE_NAME_BYTES} bytes; choose a shorter one")]
pub struct NameTooLong;

/// One generation of a space's key.
#[derive(Clone)]
pub struct EpochKey(Zeroizing<[u8; 32]>);

/// A space's own key, the same in all its epochs. It names slots and seals nothing.
#[derive(Clone)]
pub struct SpaceKey(Zeroizing<[u8; 32]>);

impl EpochKey {
    /// A new key.
    pub fn make(rng: &mut dyn CryptoRng) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *key);
        Self(key)
    }

    /// A key that was stored or unwrapped.
    pub fn from_bytes(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// A commitment to the key. Nobody finds two keys of one id (that would be a collision of
    /// SHA-256), so what names an epoch opens under one key only.
    pub fn id(&self) -> EpochId {
        EpochId(prf(&self.0, label::EPOCH_ID, &[]))
    }

    /// The key that seals a share's consents of this epoch.
    pub(super) fn consent_key(&self) -> Zeroizing<[u8; 32]> {
        derive(&*self.0, label::EPOCH_CONSENT, &[])
    }

    /// The key that seals envelopes of this epoch.
    pub(super) fn envelope_key(&self) -> Zeroizing<[u8; 32]> {
        derive(&*self.0, label::EPOCH_ENVELOPE, &[])
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Seals an earlier key under this one, for members who come later.
    pub fn seal_previous(&self, rng: &mut dyn CryptoRng, previous: &Self) -> SealedKey {
        let epoch = previous.id();
        let key = derive(&*self.0, label::EPOCH_PREVIOUS, &[]);
        let sealed = aead::seal(rng, &key, epoch.as_bytes(), &*previous.0);
        SealedKey { epoch, sealed: sealed.into() }
    }

    /// Opens an earlier key and checks that it is the one it is said to be.
    ///
    /// # Errors
    /// [`CannotOpen`].
    pub fn open_previous(&self, sealed: &SealedKey) -> Result<Self, CannotOpen> {
        let key = derive(&*self.0, label::EPOCH_PREVIOUS, &[]);
        let plain = aead::open(&key, sealed.epoch.as_bytes(), &sealed.sealed)?;
        let previous = Self::from_bytes(plain.as_slice().try_into().map_err(|_| CannotOpen)?);
        match previous.id() == sealed.epoch {
            true => Ok(previous),
            false => Err(CannotOpen),
        }
    }

    /// Seals a device's name for the members of this epoch.
    ///
    /// # Errors
    /// [`NameTooLong`].
    pub fn seal_name(
        &self,
        rng: &mut dyn CryptoRng,
        space: &SpaceId,
        author: &AuthorId,
        name: &str,
    ) -> Result<Vec<u8>, NameTooLong> {
        self.seal_named(rng, label::EPOCH_NAME, &name_aad(space, &author.0), name)
    }

    /// Opens a name that [`Self::seal_name`] sealed.
    ///
    /// # Errors
    /// [`CannotOpen`].
    pub fn open_name(
        &self,
        space: &SpaceId,
        author: &AuthorId,
        sealed: &[u8],
    ) -> Result<String, CannotOpen> {
        self.open_named(label::EPOCH_NAME, &name_aad(space, &author.0), sealed)
    }

    /// Seals the name of a share's member for the members of this epoch.
    ///
    /// # Errors
    /// [`NameTooLong`].
    pub fn seal_member_name(
        &self,
        rng: &mut dyn CryptoRng,
        space: &SpaceId,
        member: &MemberId,
        name: &str,
    ) -> Result<Vec<u8>, NameTooLong> {
        self.seal_named(rng, label::EPOCH_MEMBER, &name_aad(space, &member.0), name)
    }

    /// Opens a name that [`Self::seal_member_name`] sealed.
    ///
    /// # Errors
    /// [`CannotOpen`].
    pub fn open_member_name(
        &self,
        space: &SpaceId,
        member: &MemberId,
        sealed: &[u8],
    ) -> Result<String, CannotOpen> {
        self.open_named(label::EPOCH_MEMBER, &name_aad(space, &member.0), sealed)
    }

    fn seal_named(
        &self,
        rng: &mut dyn CryptoRng,
        label: &str,
        aad: &[u8],
        name: &str,
    ) -> Result<Vec<u8>, NameTooLong> {
        if name.len() > MAX_DEVICE_NAME_BYTES {
            return Err(NameTooLong);
        }
        let mut padded = Zeroizing::new([0; PADDED_NAME_BYTES]);
        padded[..2].copy_from_slice(&(name.len() as u16).to_be_bytes());
        padded[2..][..name.len()].copy_from_slice(name.as_bytes());
        let sealed = aead::seal(rng, &derive(&*self.0, label, &[]), aad, &*padded);
        Ok([self.id().as_bytes(), &sealed].concat())
    }

    fn open_named(&self, label: &str, aad: &[u8], sealed: &[u8]) -> Result<String, CannotOpen> {
        let sealed = sealed.strip_prefix(self.id().as_bytes()).ok_or(CannotOpen)?;
        let padded = aead::open(&derive(&*self.0, label, &[]), aad, sealed)?;
        let (length, rest) = padded.split_first_chunk::<2>().ok_or(CannotOpen)?;
        let name = rest.get(..usize::from(u16::from_be_bytes(*length))).ok_or(CannotOpen)?;
        String::from_utf8(name.to_vec()).map_err(|_| CannotOpen)
    }

    /// The epoch under which a sealed name was sealed; `None` when it is too short to tell.
    pub fn epoch_of_name(sealed: &[u8]) -> Option<EpochId> {
        sealed.first_chunk::<32>().map(|id| EpochId(*id))
    }
}

fn name_aad(space: &SpaceId, whose: &[u8; 16]) -> Vec<u8> {
    [space.as_bytes(), whose].concat()
}

impl SpaceKey {
    /// A new key.
    pub fn make(rng: &mut dyn CryptoRng) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *key);
        Self(key)
    }

    /// A key that was stored or unwrapped.
    pub fn from_bytes(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for SpaceKey {
    fn eq(&self, other: &Self) -> bool {
        // Compares names that follow from the keys, so that timing tells nothing about the keys.
        prf::<32>(&self.0, label::SLOT, &[b"="]) == prf::<32>(&other.0, label::SLOT, &[b"="])
    }
}

impl fmt::Debug for EpochKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EpochKey([redacted])")
    }
}

impl fmt::Debug for SpaceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpaceKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use mainstay_protocol::limits::MAX_SEALED_NAME_BYTES;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn an_earlier_key_opens_under_the_key_that_sealed_it_only() {
        let rng = &mut ChaCha20Rng::from_seed([1; 32]);
        let (old, new, other) = (EpochKey::make(rng), EpochKey::make(rng), EpochKey::make(rng));
        let sealed = new.seal_previous(rng, &old);
        assert_eq!(new.open_previous(&sealed).unwrap().id(), old.id());
        assert_eq!(other.open_previous(&sealed).unwrap_err(), CannotOpen);
        let renamed = SealedKey { epoch: other.id(), ..sealed };
        assert_eq!(new.open_previous(&renamed).unwrap_err(), CannotOpen);
    }

    #[test]
    fn a_sealed_key_that_is_not_the_one_it_claims_is_refused() {
        let rng = &mut ChaCha20Rng::from_seed([1; 32]);
        let (old, new, claimed) = (EpochKey::make(rng), EpochKey::make(rng), EpochKey::make(rng));
        // What a malicious member would do: seal one key under the id of another.
        let key = derive(&*new.0, label::EPOCH_PREVIOUS, &[]);
        let sealed = aead::seal(rng, &key, claimed.id().as_bytes(), &*old.0);
        let forged = SealedKey { epoch: claimed.id(), sealed: sealed.into() };
        assert_eq!(new.open_previous(&forged).unwrap_err(), CannotOpen);
    }

    #[test]
    fn names_have_one_size_and_open_for_their_device_and_space_only() {
        let rng = &mut ChaCha20Rng::from_seed([1; 32]);
        let (key, other) = (EpochKey::make(rng), EpochKey::make(rng));
        let (space, author) = (SpaceId([1; 32]), AuthorId([2; 16]));
        let sealed = key.seal_name(rng, &space, &author, "Zoë’s phone").unwrap();
        assert_eq!(sealed.len(), key.seal_name(rng, &space, &author, "").unwrap().len());
        assert!(sealed.len() <= MAX_SEALED_NAME_BYTES);
        assert_eq!(key.open_name(&space, &author, &sealed).unwrap(), "Zoë’s phone");
        assert_eq!(EpochKey::epoch_of_name(&sealed), Some(key.id()));
        key.open_name(&SpaceId([3; 32]), &author, &sealed).unwrap_err();
        key.open_name(&space, &AuthorId([3; 16]), &sealed).unwrap_err();
        other.open_name(&space, &author, &sealed).unwrap_err();
        // A member's name does not pass for a device's, nor the other way round.
        let member = MemberId(author.0);
        let named = key.seal_member_name(rng, &space, &member, "Zoë").unwrap();
        assert_eq!(key.open_member_name(&space, &member, &named).unwrap(), "Zoë");
        key.open_name(&space, &author, &named).unwrap_err();
        key.open_member_name(&space, &member, &sealed).unwrap_err();
        key.open_member_name(&space, &MemberId([3; 16]), &named).unwrap_err();
        let long = "x".repeat(MAX_DEVICE_NAME_BYTES + 1);
        assert_eq!(key.seal_name(rng, &space, &author, &long), Err(NameTooLong));
    }

    #[test]
    fn printing_a_key_shows_no_byte_of_it() {
        let keys = (EpochKey::from_bytes([0xab; 32]), SpaceKey::from_bytes([0xab; 32]));
        assert_eq!(format!("{keys:?}"), "(EpochKey([redacted]), SpaceKey([redacted]))");
    }
}
