//! What the owner of a share agreed to, as it lies in the roster: sealed for the members.

use mainstay_protocol::ids::{EpochId, SpaceId};
use mainstay_protocol::limits::MAX_SEALED_CONSENT_BYTES;
use mainstay_protocol::roster::ConsentState;
use zeroize::Zeroizing;

use super::CryptoRng;
use super::aead::{self, CannotOpen};
use super::epoch::EpochKey;
use super::keyring::Keyring;
use super::seal::{pad, sealed_bytes, unpad};

/// A consent that does not fit into a roster record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "what you want to share takes more room than a share's list has; name fewer single things in it"
)]
pub struct ConsentTooLong;

/// Seals a consent for its place: the share, the number of the record that holds it, and the epoch.
pub(super) fn seal_consent(
    rng: &mut dyn CryptoRng,
    (space, record): (&SpaceId, u32),
    epoch: &EpochKey,
    plain: &[u8],
) -> Result<Vec<u8>, ConsentTooLong> {
    // The first comparison keeps the second one's sums small.
    if plain.len() > MAX_SEALED_CONSENT_BYTES
        || sealed_bytes(plain.len()) > MAX_SEALED_CONSENT_BYTES
    {
        return Err(ConsentTooLong);
    }
    let aad = aad(space, record, &epoch.id());
    Ok(aead::seal(rng, &epoch.consent_key(), &aad, &pad(plain)))
}

/// Opens the consent that holds in a share.
///
/// # Errors
/// [`CannotOpen`] for a consent of an epoch whose key is not there, or that was altered or sealed for
/// another place.
pub fn open_consent(
    space: &SpaceId,
    keyring: &Keyring,
    consent: &ConsentState,
) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
    let epoch = keyring.epoch(&consent.epoch).ok_or(CannotOpen)?;
    if consent.sealed.len() > MAX_SEALED_CONSENT_BYTES {
        return Err(CannotOpen);
    }
    let aad = aad(space, consent.record, &consent.epoch);
    let padded = aead::open(&epoch.consent_key(), &aad, &consent.sealed)?;
    unpad(&padded).ok_or(CannotOpen)
}

fn aad(space: &SpaceId, record: u32, epoch: &EpochId) -> Vec<u8> {
    [space.as_bytes(), &record.to_be_bytes(), epoch.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::space::epoch::SpaceKey;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    const SPACE: SpaceId = SpaceId([1; 32]);

    fn epoch(byte: u8) -> EpochKey {
        EpochKey::from_bytes([byte; 32])
    }

    /// A member with the keys of two epochs.
    fn keyring() -> Keyring {
        let mut keyring = Keyring::new(SpaceKey::from_bytes([1; 32]), epoch(1));
        keyring.add(epoch(2));
        keyring
    }

    fn consent(plain: &[u8]) -> ConsentState {
        let rng = &mut ChaCha20Rng::from_seed([1; 32]);
        let sealed = seal_consent(rng, (&SPACE, 7), &epoch(1), plain).unwrap();
        ConsentState { record: 7, epoch: epoch(1).id(), sealed: sealed.into(), until_ms: None }
    }

    #[test]
    fn a_consent_sealed_for_one_place_does_not_open_at_another() {
        let (consent, keyring) = (consent(b"moods"), keyring());
        assert_eq!(**open_consent(&SPACE, &keyring, &consent).unwrap(), *b"moods");
        assert_eq!(open_consent(&SpaceId([2; 32]), &keyring, &consent), Err(CannotOpen));
        let moved = [
            ConsentState { record: 8, ..consent.clone() },
            ConsentState { epoch: epoch(2).id(), ..consent.clone() },
            ConsentState { epoch: epoch(3).id(), ..consent },
        ];
        for moved in moved {
            assert_eq!(open_consent(&SPACE, &keyring, &moved), Err(CannotOpen));
        }
    }

    #[test]
    fn every_part_of_a_consents_place_is_bound() {
        let one = aad(&SPACE, 7, &epoch(1).id());
        assert_ne!(one, aad(&SpaceId([2; 32]), 7, &epoch(1).id()));
        assert_ne!(one, aad(&SPACE, 8, &epoch(1).id()));
        assert_ne!(one, aad(&SPACE, 7, &epoch(2).id()));
    }

    #[test]
    fn the_size_of_a_consent_tells_little() {
        let size = |length| consent(&vec![0x61; length]).sealed.len();
        assert_eq!(size(0), size(200));
        assert_eq!(size(1000), size(1010));
    }

    #[test]
    fn a_consent_has_a_limit_and_its_longest_form_opens() {
        let rng = &mut ChaCha20Rng::from_seed([1; 32]);
        let fits = |n: &usize| sealed_bytes(*n) <= MAX_SEALED_CONSENT_BYTES;
        let longest = (0..=MAX_SEALED_CONSENT_BYTES).rev().find(fits).unwrap();
        assert!(longest > 7000, "{longest}");
        let plain = vec![0x61; longest];
        assert_eq!(**open_consent(&SPACE, &keyring(), &consent(&plain)).unwrap(), *plain);
        for length in [longest + 1, MAX_SEALED_CONSENT_BYTES, 1 << 22] {
            let error = seal_consent(rng, (&SPACE, 7), &epoch(1), &vec![0; length]).unwrap_err();
            assert_eq!(error, ConsentTooLong);
        }
    }

    #[test]
    fn an_altered_or_cut_consent_is_an_error_and_no_panic() {
        let (consent, keyring) = (consent(b"moods"), keyring());
        for cut in 0..consent.sealed.len() {
            let sealed = consent.sealed[..cut].to_vec().into();
            let cut = ConsentState { sealed, ..consent.clone() };
            assert_eq!(open_consent(&SPACE, &keyring, &cut), Err(CannotOpen));
            let mut sealed = consent.sealed.to_vec();
            sealed[cut.sealed.len()] ^= 1;
            let flipped = ConsentState { sealed: sealed.into(), ..consent.clone() };
            assert_eq!(open_consent(&SPACE, &keyring, &flipped), Err(CannotOpen));
        }
        let sealed = vec![0; MAX_SEALED_CONSENT_BYTES + 1].into();
        let long = ConsentState { sealed, ..consent };
        assert_eq!(open_consent(&SPACE, &keyring, &long), Err(CannotOpen));
    }

    /// Who holds an epoch's key could move an envelope's ciphertext here, were the keys the same.
    #[test]
    fn a_consent_has_a_key_of_its_own() {
        let rng = &mut ChaCha20Rng::from_seed([1; 32]);
        let aad = aad(&SPACE, 7, &epoch(1).id());
        let sealed = aead::seal(rng, &epoch(1).envelope_key(), &aad, &pad(b"all")).into();
        let forged = ConsentState { sealed, ..consent(b"moods") };
        assert_eq!(open_consent(&SPACE, &keyring(), &forged), Err(CannotOpen));
    }
}
