//! Sealing for the owner of a key-exchange key: HPKE (RFC 9180, base mode) with X-Wing, HKDF-SHA256
//! and ChaCha20-Poly1305.

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{OpModeR, OpModeS, Serializable};
use mainstay_protocol::limits;
use mainstay_protocol::roster::KemKey;
use zeroize::Zeroizing;

use super::CryptoRng;
use super::aead::CannotOpen;
use super::kem::{self, BadKem, KemSecret};

/// The bytes of an X-Wing encapsulation.
const ENCAPSULATION_BYTES: usize = 1120;

/// Encapsulated key and ciphertext. `info` says what it is for and where it belongs.
pub(super) fn seal(
    mut rng: &mut dyn CryptoRng,
    to: &KemKey,
    info: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, BadKem> {
    let public = kem::public(to)?;
    let (encapsulated, sealed) = hpke::single_shot_seal_with_rng::<
        ChaCha20Poly1305,
        HkdfSha256,
        XWing,
    >(&OpModeS::Base, &public, info, plain, &[], &mut rng)
    .map_err(|_| BadKem)?;
    Ok([&encapsulated.to_bytes()[..], &sealed].concat())
}

/// The plaintext of [`seal`]'s output.
pub(super) fn open(
    kem: &KemSecret,
    info: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
    if sealed.len() > limits::MAX_WRAP_BYTES {
        return Err(CannotOpen);
    }
    let (encapsulated, sealed) = sealed.split_at_checked(ENCAPSULATION_BYTES).ok_or(CannotOpen)?;
    let encapsulated = kem::encapsulation(encapsulated).map_err(|_| CannotOpen)?;
    hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &OpModeR::Base,
        kem.secret(),
        &encapsulated,
        info,
        sealed,
        &[],
    )
    .map(Zeroizing::new)
    .map_err(|_| CannotOpen)
}
