//! An epoch's key, wrapped for one member.

use mainstay_protocol::frame::Signer;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::{EpochId, SpaceId};
use mainstay_protocol::roster::{KemKey, Wrap};
use zeroize::Zeroizing;

use super::CryptoRng;
use super::aead::CannotOpen;
use super::epoch::{EpochKey, SpaceKey};
use super::hybrid;
use super::kem::{BadKem, KemSecret};

/// What a wrap is bound to. Moved to another space, epoch, recipient or parent record, it does not
/// open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// The space.
    pub space: SpaceId,
    /// The epoch whose key it holds.
    pub epoch: EpochId,
    /// Whom it is for.
    pub to: Signer,
    /// The parent of the record that names it.
    pub parent: Option<Hash>,
}

impl Binding {
    /// Every part has a fixed length or a byte in front that tells it.
    fn info(&self) -> Vec<u8> {
        let mut info = b"mainstay/1 wrap ".to_vec();
        info.extend_from_slice(self.space.as_bytes());
        info.extend_from_slice(self.epoch.as_bytes());
        match &self.to {
            Signer::Recovery => info.push(0),
            Signer::Device(author) => {
                info.push(1);
                info.extend_from_slice(author.as_bytes());
            }
            Signer::Member(member) => {
                info.push(2);
                info.extend_from_slice(member.as_bytes());
            }
        }
        match &self.parent {
            None => info.push(0),
            Some(parent) => {
                info.push(1);
                info.extend_from_slice(parent.as_bytes());
            }
        }
        info
    }
}

/// Wraps an epoch's key and the space's key for the owner of `kem`.
///
/// # Errors
/// [`BadKem`] when that public key is malformed or its X25519 half is of small order.
pub fn wrap(
    rng: &mut dyn CryptoRng,
    space: &SpaceId,
    to: Signer,
    kem: &KemKey,
    parent: Option<Hash>,
    (epoch, key): (&EpochKey, &SpaceKey),
) -> Result<Wrap, BadKem> {
    let binding = Binding { space: *space, epoch: epoch.id(), to, parent };
    let mut plain = Zeroizing::new([0; 64]);
    plain[..32].copy_from_slice(epoch.bytes());
    plain[32..].copy_from_slice(key.bytes());
    let sealed = hybrid::seal(rng, kem, &binding.info(), &*plain)?;
    Ok(Wrap { to, epoch: binding.epoch, parent, sealed: sealed.into() })
}

/// Opens a wrap, and checks that the key in it is the one that the epoch's id commits to.
///
/// # Errors
/// [`CannotOpen`] for a wrap that is malformed, or made for another key or another place.
pub fn unwrap(
    space: &SpaceId,
    wrap: &Wrap,
    kem: &KemSecret,
) -> Result<(EpochKey, SpaceKey), CannotOpen> {
    let binding = Binding { space: *space, epoch: wrap.epoch, to: wrap.to, parent: wrap.parent };
    let plain = hybrid::open(kem, &binding.info(), &wrap.sealed)?;
    let plain: &[u8; 64] = plain.as_slice().try_into().map_err(|_| CannotOpen)?;
    let (epoch, key) = (plain.first_chunk::<32>(), plain.last_chunk::<32>());
    let epoch = EpochKey::from_bytes(*epoch.ok_or(CannotOpen)?);
    let key = SpaceKey::from_bytes(*key.ok_or(CannotOpen)?);
    match epoch.id() == wrap.epoch {
        true => Ok((epoch, key)),
        false => Err(CannotOpen),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use mainstay_protocol::ids::{AuthorId, MemberId};
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    const SPACE: SpaceId = SpaceId([1; 32]);
    const PARENT: Option<Hash> = Some(Hash([2; 32]));

    fn wrapped() -> (Wrap, KemSecret, EpochKey) {
        let rng = &mut ChaCha20Rng::from_seed([1; 32]);
        let (epoch, key) = (EpochKey::make(rng), SpaceKey::make(rng));
        let kem = KemSecret::derive(&[3; 32]);
        let to = Signer::Device(AuthorId([4; 16]));
        let wrap = wrap(rng, &SPACE, to, kem.public(), PARENT, (&epoch, &key)).unwrap();
        (wrap, kem, epoch)
    }

    #[test]
    fn a_wrap_opens_for_its_recipient() {
        let (wrap, kem, epoch) = wrapped();
        assert_eq!(wrap.sealed.len(), 1200);
        assert_eq!(unwrap(&SPACE, &wrap, &kem).unwrap().0.id(), epoch.id());
        unwrap(&SPACE, &wrap, &KemSecret::derive(&[5; 32])).unwrap_err();
    }

    #[test]
    fn a_wrap_moved_to_another_space_epoch_recipient_or_parent_does_not_open() {
        let (wrap, kem, _) = wrapped();
        unwrap(&SpaceId([9; 32]), &wrap, &kem).unwrap_err();
        let moved = [
            Wrap { epoch: EpochId([9; 32]), ..wrap.clone() },
            Wrap { to: Signer::Recovery, ..wrap.clone() },
            Wrap { to: Signer::Device(AuthorId([9; 16])), ..wrap.clone() },
            Wrap { to: Signer::Member(MemberId([4; 16])), ..wrap.clone() },
            Wrap { parent: None, ..wrap.clone() },
            Wrap { parent: Some(Hash([9; 32])), ..wrap.clone() },
        ];
        for moved in moved {
            assert_eq!(unwrap(&SPACE, &moved, &kem).unwrap_err(), CannotOpen);
        }
    }

    /// Moving a wrap to another epoch is also caught by the epoch's commitment; the binding must
    /// tell by itself.
    #[test]
    fn every_part_of_a_binding_is_in_its_info() {
        let to = Signer::Device(AuthorId([4; 16]));
        let one = Binding { space: SPACE, epoch: EpochId([3; 32]), to, parent: PARENT };
        let others = [
            Binding { space: SpaceId([9; 32]), ..one },
            Binding { epoch: EpochId([9; 32]), ..one },
            Binding { to: Signer::Recovery, ..one },
            Binding { to: Signer::Device(AuthorId([9; 16])), ..one },
            Binding { to: Signer::Member(MemberId([4; 16])), ..one },
            Binding { parent: None, ..one },
            Binding { parent: Some(Hash([9; 32])), ..one },
        ];
        assert!(others.iter().all(|other| other.info() != one.info()));
        let member = |byte| Binding { to: Signer::Member(MemberId([byte; 16])), ..one };
        assert_ne!(member(1).info(), member(2).info());
    }

    #[test]
    fn an_altered_or_cut_wrap_is_an_error_and_no_panic() {
        let (wrap, kem, _) = wrapped();
        for length in [0, 1, 31, 32, 1119, 1120, 1135, 1199, 1400, 1401] {
            let mut sealed = wrap.sealed.to_vec();
            sealed.resize(length, 0);
            let cut = Wrap { sealed: sealed.into(), ..wrap.clone() };
            assert_eq!(unwrap(&SPACE, &cut, &kem).unwrap_err(), CannotOpen);
        }
        for at in (0..wrap.sealed.len()).step_by(61) {
            let mut sealed = wrap.sealed.to_vec();
            sealed[at] ^= 0x80;
            let flipped = Wrap { sealed: sealed.into(), ..wrap.clone() };
            // The top bit of the X25519 half is ignored by X25519 and caught by X-Wing's combiner.
            assert_eq!(unwrap(&SPACE, &flipped, &kem).unwrap_err(), CannotOpen);
        }
    }

    #[test]
    fn all_zero_and_small_order_key_exchange_input_is_an_error_and_no_panic() {
        let (wrap_, kem, epoch) = wrapped();
        let rng = &mut ChaCha20Rng::from_seed([6; 32]);
        let key = SpaceKey::make(rng);
        let zeros = KemKey(vec![0; KemKey::LEN].into());
        let wrap_to = |rng: &mut ChaCha20Rng, kem: &KemKey| {
            wrap(rng, &SPACE, Signer::Recovery, kem, None, (&epoch, &key))
        };
        assert_eq!(wrap_to(rng, &zeros).unwrap_err(), BadKem);
        // A good ML-KEM half does not make up for an X25519 half of small order.
        let mut half = kem.public().0.to_vec();
        half[KemKey::LEN - 32..].fill(0);
        half[KemKey::LEN - 1] = 0x80;
        assert_eq!(wrap_to(rng, &KemKey(half.into())).unwrap_err(), BadKem);
        // An ML-KEM half with coefficients beyond its modulus is no key (FIPS 203 §7.2).
        let mut big = kem.public().0.to_vec();
        big[..1152].fill(0xff);
        assert_eq!(wrap_to(rng, &KemKey(big.into())).unwrap_err(), BadKem);
        for length in [0, 31, 1215, 1217] {
            assert_eq!(wrap_to(rng, &KemKey(vec![1; length].into())).unwrap_err(), BadKem);
        }
        let sealed = Wrap { sealed: vec![0; 1200].into(), ..wrap_ };
        assert_eq!(unwrap(&SPACE, &sealed, &kem).unwrap_err(), CannotOpen);
    }

    #[test]
    fn a_wrap_whose_key_is_not_the_one_its_epoch_commits_to_is_refused() {
        let (honest, kem, epoch) = wrapped();
        let rng = &mut ChaCha20Rng::from_seed([7; 32]);
        // What a malicious member would do: wrap another key under the right epoch's name.
        let (other, key) = (EpochKey::make(rng), SpaceKey::make(rng));
        let binding =
            Binding { space: SPACE, epoch: epoch.id(), to: honest.to, parent: honest.parent };
        let plain = [&other.bytes()[..], key.bytes()].concat();
        let sealed = hybrid::seal(rng, kem.public(), &binding.info(), &plain).unwrap();
        let forged = Wrap { sealed: sealed.into(), ..honest };
        assert_eq!(unwrap(&SPACE, &forged, &kem).unwrap_err(), CannotOpen);
    }
}
