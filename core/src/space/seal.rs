//! Sealing what goes into an envelope, and opening it.

use mainstay_protocol::envelope::{Envelope, Header};
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::limits;
use zeroize::Zeroizing;

use super::CryptoRng;
use super::aead::{self, CannotOpen};
use super::epoch::EpochKey;
use super::sign::AuthorKey;

/// The payload's length in front of it, little-endian.
const LENGTH_BYTES: usize = 4;

/// Why an envelope could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The payload is too large; it must be cut into chunks.
    #[error("a payload has at most {} bytes", limits::MAX_PAYLOAD_BYTES)]
    TooLarge,
    /// The header names another epoch or author than the keys at hand. A mistake of the caller.
    #[error("the envelope's header names another epoch or author than its keys")]
    WrongKeys,
}

/// Makes an envelope: pads, seals under the epoch's key, signs.
///
/// # Errors
/// [`SealError`].
pub fn seal(
    rng: &mut dyn CryptoRng,
    space: &SpaceId,
    header: Header,
    (epoch, author): (&EpochKey, &AuthorKey),
    payload: &[u8],
) -> Result<Envelope, SealError> {
    if payload.len() > limits::MAX_PAYLOAD_BYTES {
        return Err(SealError::TooLarge);
    }
    if header.epoch != epoch.id() || header.author != author.author_id() {
        return Err(SealError::WrongKeys);
    }
    let padded = pad(payload);
    let seal = |aad: &[u8]| aead::seal(rng, &epoch.envelope_key(), aad, &padded);
    Ok(Envelope::make(space, header, seal, |input| author.sign(input)))
}

/// Opens an envelope whose signature was verified.
///
/// # Errors
/// [`CannotOpen`], whatever the reason: another epoch's key, another space, a header or ciphertext
/// that was altered, or padding that is not what [`seal`] makes.
pub fn open(
    space: &SpaceId,
    envelope: &Envelope,
    epoch: &EpochKey,
) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
    if envelope.header().epoch != epoch.id() {
        return Err(CannotOpen);
    }
    let aad = envelope.additional_data(space);
    let padded = aead::open(&epoch.envelope_key(), &aad, envelope.ciphertext())?;
    unpad(&padded).ok_or(CannotOpen)
}

/// What a payload of this length has on the wire, nonce, padding and tag included.
pub fn sealed_bytes(payload_bytes: usize) -> usize {
    padme(LENGTH_BYTES + payload_bytes).max(limits::MIN_PADDED_BYTES) + aead::OVERHEAD_BYTES
}

/// Padmé: the length is rounded up so that only its highest bits tell anything, 1 + log2(log2(length))
/// of them after the first. At most 12 % are added. (Nikitin et al., "Reducing Metadata Leakage from Encrypted
/// Files and Communication with PURBs", PoPETs 2019(4), §4.)
fn padme(length: usize) -> usize {
    if length < 2 {
        return length;
    }
    let exponent = length.ilog2();
    let kept = exponent.ilog2() + 1;
    let mask = (1usize << exponent.saturating_sub(kept)) - 1;
    (length + mask) & !mask
}

pub(super) fn pad(payload: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = LENGTH_BYTES + payload.len();
    let size = padme(length).max(limits::MIN_PADDED_BYTES);
    let mut padded = Zeroizing::new(Vec::with_capacity(size));
    padded.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    padded.extend_from_slice(payload);
    padded.resize(size, 0);
    padded
}

/// The payload in exactly what [`pad`] makes; a payload has one padded form only.
pub(super) fn unpad(padded: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (length, rest) = padded.split_first_chunk::<LENGTH_BYTES>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let (payload, fill) = rest.split_at_checked(length)?;
    let size = padme(LENGTH_BYTES + length).max(limits::MIN_PADDED_BYTES);
    let regular = padded.len() == size && fill.iter().all(|byte| *byte == 0);
    (regular && length <= limits::MAX_PAYLOAD_BYTES).then(|| Zeroizing::new(payload.to_vec()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use mainstay_protocol::envelope::{Chunk, Kind};
    use mainstay_protocol::hash::Hash;
    use mainstay_protocol::heads::{AuthorHead, Head};
    use mainstay_protocol::ids::{AuthorId, EpochId, SlotId};
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    const SPACE: SpaceId = SpaceId([1; 32]);

    fn author() -> AuthorKey {
        AuthorKey::from_seed(&[2; 32])
    }

    fn epoch() -> EpochKey {
        EpochKey::from_bytes([3; 32])
    }

    fn header() -> Header {
        let head = Head { seq: 1, hash: Hash([4; 32]) };
        Header {
            version: 1,
            roster: Hash([5; 32]),
            epoch: epoch().id(),
            slot: SlotId([6; 16]),
            author: author().author_id(),
            seq: 7,
            previous: Hash([8; 32]),
            kind: Kind::Snapshot,
            chunk: Chunk { index: 0, count: 3 },
            covers: vec![AuthorHead { author: AuthorId([9; 16]), head }],
            destroys: false,
            forgets: 0,
            contents: None,
            news: false,
        }
    }

    fn sealed(payload: &[u8]) -> Envelope {
        let rng = &mut ChaCha20Rng::from_seed([1; 32]);
        seal(rng, &SPACE, header(), (&epoch(), &author()), payload).unwrap()
    }

    /// The same ciphertext under another header, as who cannot sign would have to present it.
    fn moved(change: impl FnOnce(&mut Header)) -> Envelope {
        let mut header = header();
        change(&mut header);
        let ciphertext = sealed(b"a day").ciphertext().to_vec();
        Envelope::make(&SPACE, header, |_| ciphertext, |input| author().sign(input))
    }

    #[test]
    fn a_payload_comes_back_from_its_envelope() {
        for length in [0, 1, 251, 252, 253, 5000, limits::MAX_PAYLOAD_BYTES] {
            let payload = vec![0x61; length];
            let envelope = Envelope::from_bytes(&sealed(&payload).to_bytes()).unwrap();
            envelope.verify(&SPACE, &author().verify_key()).unwrap();
            assert_eq!(*open(&SPACE, &envelope, &epoch()).unwrap(), payload);
            assert_eq!(envelope.ciphertext().len(), sealed_bytes(length));
            assert!(envelope.ciphertext().len() <= limits::MAX_CIPHERTEXT_BYTES);
        }
    }

    #[test]
    fn an_envelope_does_not_open_under_another_key_or_in_another_space() {
        let envelope = sealed(b"a day");
        open(&SPACE, &envelope, &EpochKey::from_bytes([4; 32])).unwrap_err();
        open(&SpaceId([2; 32]), &envelope, &epoch()).unwrap_err();
    }

    #[test]
    fn an_envelope_sealed_under_another_key_than_it_names_does_not_open() {
        // What a malicious member would do: name one epoch, and seal under the key of another over that
        // very header.
        let rng = &mut ChaCha20Rng::from_seed([1; 32]);
        let other = EpochKey::from_bytes([4; 32]);
        let seal = |aad: &[u8]| aead::seal(rng, &other.envelope_key(), aad, &pad(b"a day"));
        let envelope = Envelope::make(&SPACE, header(), seal, |input| author().sign(input));
        // The cipher has nothing against it: only the id commits to the key.
        let aad = envelope.additional_data(&SPACE);
        aead::open(&other.envelope_key(), &aad, envelope.ciphertext()).unwrap();
        assert_eq!(open(&SPACE, &envelope, &other).unwrap_err(), CannotOpen);
        assert_eq!(open(&SPACE, &envelope, &epoch()).unwrap_err(), CannotOpen);
    }

    #[test]
    fn a_ciphertext_does_not_open_under_any_other_header() {
        assert!(open(&SPACE, &moved(|_| ()), &epoch()).is_ok());
        let changes: [fn(&mut Header); 15] = [
            |h| h.version = 2,
            |h| h.roster = Hash([0; 32]),
            |h| h.epoch = EpochId([0; 32]),
            |h| h.slot = SlotId([0; 16]),
            |h| h.author = AuthorId([0; 16]),
            |h| h.seq = 8,
            |h| h.previous = Hash([0; 32]),
            |h| h.kind = Kind::Change,
            |h| h.chunk.index = 1,
            |h| h.chunk.count = 4,
            |h| h.covers.clear(),
            |h| h.destroys = true,
            |h| h.forgets = 1,
            |h| h.contents = Some(Hash([0; 32])),
            |h| h.news = true,
        ];
        for (at, change) in changes.into_iter().enumerate() {
            let opened = open(&SPACE, &moved(change), &epoch());
            assert_eq!(opened.err(), Some(CannotOpen), "change {at}");
        }
    }

    #[test]
    fn an_envelope_is_not_made_with_keys_that_its_header_does_not_name() {
        let rng = &mut ChaCha20Rng::from_seed([1; 32]);
        let other = EpochKey::from_bytes([4; 32]);
        let error = seal(rng, &SPACE, header(), (&other, &author()), b"").unwrap_err();
        assert_eq!(error, SealError::WrongKeys);
        let other = AuthorKey::from_seed(&[4; 32]);
        let error = seal(rng, &SPACE, header(), (&epoch(), &other), b"").unwrap_err();
        assert_eq!(error, SealError::WrongKeys);
        let large = vec![0; limits::MAX_PAYLOAD_BYTES + 1];
        let error = seal(rng, &SPACE, header(), (&epoch(), &author()), &large).unwrap_err();
        assert_eq!(error, SealError::TooLarge);
    }

    #[test]
    fn sizes_fall_in_padding_steps_of_at_most_twelve_percent() {
        let sizes: std::collections::BTreeSet<_> =
            (0..=limits::MAX_PAYLOAD_BYTES).map(sealed_bytes).collect();
        assert!(sizes.len() < 200, "{} sizes", sizes.len());
        assert_eq!(sealed_bytes(1), sealed_bytes(252));
        for length in limits::MIN_PADDED_BYTES..=limits::MAX_PAYLOAD_BYTES {
            let padded = padme(length);
            assert!(padded >= length && (padded - length) * 100 <= length * 12, "{length}");
        }
        // By hand: of 1000 the 4 highest bits count (steps of 32), of 100 000 the 5 highest (2048),
        // and 8 has too few bits to round.
        assert_eq!((padme(8), padme(1000), padme(100_000)), (8, 1024, 100_352));
    }

    #[test]
    fn irregular_padding_is_refused() {
        let mut padded = pad(b"a day").to_vec();
        assert!(unpad(&padded).is_some());
        padded.push(0);
        assert!(unpad(&padded).is_none(), "longer than it has to be");
        padded.pop();
        *padded.last_mut().unwrap() = 1;
        assert!(unpad(&padded).is_none(), "not zero");
        assert!(unpad(&[0xff; 256]).is_none());
        assert!(unpad(&[]).is_none());
    }
}
