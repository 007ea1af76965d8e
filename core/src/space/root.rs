//! The root of a share: the key that founded it, and with which the twelve words take it back.
//!
//! The owner's devices keep only a copy sealed for the recovery key of their private space. A stolen
//! phone cannot open it.

use std::fmt;

use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::roster::KemKey;
use zeroize::Zeroizing;

use super::CryptoRng;
use super::aead::CannotOpen;
use super::hybrid;
use super::kdf::{derive, label};
use super::kem::{BadKem, KemSecret};
use super::sign::AuthorKey;

/// 32 random bytes from which a share's root keys follow. They exist while a share is founded or
/// taken back, and are dropped right after.
#[derive(Clone)]
pub struct RootSecret(Zeroizing<[u8; 32]>);

/// The keys of a share's root.
#[derive(Debug, Clone)]
pub struct RootKeys {
    /// Signs the founding record and recoveries.
    pub sign: AuthorKey,
    /// Opens the wraps made for the root.
    pub kem: KemSecret,
}

impl RootSecret {
    /// A new secret.
    pub fn make(rng: &mut dyn CryptoRng) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *secret);
        Self(secret)
    }

    /// The keys.
    pub fn keys(&self) -> RootKeys {
        RootKeys {
            sign: AuthorKey::from_seed(&derive(&*self.0, label::ROOT_SIGN, &[])),
            kem: KemSecret::derive(&derive(&*self.0, label::ROOT_KEM, &[])),
        }
    }

    /// The share that this root founds.
    pub fn share_id(&self) -> SpaceId {
        self.keys().sign.verify_key().space_id()
    }

    #[cfg(feature = "test-kit")]
    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for RootSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootSecret([redacted])")
    }
}

/// Seals a share's root for the recovery key of its owner's private space.
///
/// # Errors
/// [`BadKem`] when that key is malformed.
pub fn seal_root(
    rng: &mut dyn CryptoRng,
    root: &RootSecret,
    recovery: &KemKey,
    share: &SpaceId,
) -> Result<Vec<u8>, BadKem> {
    hybrid::seal(rng, recovery, &info(share), &*root.0)
}

/// Opens a share's root with the recovery key, and checks that it is that share's.
///
/// # Errors
/// [`CannotOpen`] for a seal that is malformed, or made for another key or another share.
pub fn open_root(
    sealed: &[u8],
    share: &SpaceId,
    recovery: &KemSecret,
) -> Result<RootSecret, CannotOpen> {
    let plain = hybrid::open(recovery, &info(share), sealed)?;
    let secret: &[u8; 32] = plain.as_slice().try_into().map_err(|_| CannotOpen)?;
    let root = RootSecret(Zeroizing::new(*secret));
    match root.share_id() == *share {
        true => Ok(root),
        false => Err(CannotOpen),
    }
}

fn info(share: &SpaceId) -> Vec<u8> {
    [b"mainstay/1 share root ", share.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::space::phrase::Phrase;
    use crate::space::recovery::Recovery;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    fn rng() -> ChaCha20Rng {
        ChaCha20Rng::from_seed([1; 32])
    }

    fn recovery(byte: u8) -> Recovery {
        Recovery::derive(&Phrase::from_entropy(&[byte; 16]))
    }

    fn sealed(root: &RootSecret) -> Vec<u8> {
        let kem = recovery(1).kem().public().clone();
        seal_root(&mut rng(), root, &kem, &root.share_id()).unwrap()
    }

    #[test]
    fn the_phrase_opens_a_shares_root_and_nothing_else_does() {
        let root = RootSecret::make(&mut rng());
        let (sealed, share) = (sealed(&root), root.share_id());
        let opened = open_root(&sealed, &share, recovery(1).kem()).unwrap();
        assert_eq!(opened.keys().sign.verify_key(), root.keys().sign.verify_key());
        assert_eq!(opened.keys().kem.public(), root.keys().kem.public());
        assert_eq!(open_root(&sealed, &share, recovery(2).kem()).unwrap_err(), CannotOpen);
        assert_eq!(open_root(&sealed, &share, &root.keys().kem).unwrap_err(), CannotOpen);
    }

    #[test]
    fn a_root_sealed_for_one_share_does_not_open_as_anothers() {
        let mut rng = rng();
        let (one, two) = (RootSecret::make(&mut rng), RootSecret::make(&mut rng));
        assert_ne!(one.share_id(), two.share_id());
        let recovery = recovery(1);
        open_root(&sealed(&one), &two.share_id(), recovery.kem()).unwrap_err();
        // Nor when whoever sealed it bound it to the other share on purpose.
        let kem = recovery.kem().public();
        let forged = seal_root(&mut rng, &one, kem, &two.share_id()).unwrap();
        assert_eq!(open_root(&forged, &two.share_id(), recovery.kem()).unwrap_err(), CannotOpen);
    }

    /// The check against the share's id would catch a moved root by itself; so must the binding.
    #[test]
    fn the_share_is_part_of_what_a_root_is_sealed_for() {
        assert_ne!(info(&SpaceId([1; 32])), info(&SpaceId([2; 32])));
        let root = RootSecret::make(&mut rng());
        let elsewhere = info(&SpaceId([2; 32]));
        hybrid::open(recovery(1).kem(), &elsewhere, &sealed(&root)).unwrap_err();
    }

    #[test]
    fn an_altered_or_cut_root_is_an_error_and_no_panic() {
        let root = RootSecret::make(&mut rng());
        let (sealed, share, recovery) = (sealed(&root), root.share_id(), recovery(1));
        for length in [0, 1, 31, 1119, 1120, 1121, 1136, sealed.len() - 1, sealed.len() + 1, 5000] {
            let mut cut = sealed.clone();
            cut.resize(length, 0);
            assert_eq!(open_root(&cut, &share, recovery.kem()).unwrap_err(), CannotOpen);
        }
        for at in (0..sealed.len()).step_by(37) {
            let mut flipped = sealed.clone();
            flipped[at] ^= 0x80;
            assert_eq!(open_root(&flipped, &share, recovery.kem()).unwrap_err(), CannotOpen);
        }
        let zeros = KemKey(vec![0; KemKey::LEN].into());
        assert_eq!(seal_root(&mut rng(), &root, &zeros, &share).unwrap_err(), BadKem);
    }
}
