//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) with a random nonce in front.
//!
//! 24 random bytes per message: even after 2^64 messages under one key, two equal nonces are as
//! unlikely as 2^-64.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use zeroize::Zeroizing;

use super::CryptoRng;

/// The bytes of the nonce in front.
const NONCE_BYTES: usize = 24;

/// Nonce and tag.
pub(crate) const OVERHEAD_BYTES: usize = NONCE_BYTES + 16;

/// A seal that does not open. It says no more on purpose: who altered something learns nothing
/// from how it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed bytes were altered, or sealed under another key")]
pub struct CannotOpen;

/// Nonce, ciphertext and tag.
pub(crate) fn seal(rng: &mut dyn CryptoRng, key: &[u8; 32], aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut nonce = [0; NONCE_BYTES];
    rng.fill_bytes(&mut nonce);
    let sealed = XChaCha20Poly1305::new(key.into())
        .encrypt(&nonce.into(), Payload { msg: plain, aad })
        .expect("the cipher seals up to 256 GiB, and every caller bounds its plaintext first");
    [&nonce[..], &sealed].concat()
}

/// The plaintext of [`seal`]'s output.
pub(crate) fn open(
    key: &[u8; 32],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(CannotOpen)?;
    XChaCha20Poly1305::new(key.into())
        .decrypt(nonce.into(), Payload { msg: rest, aad })
        .map(Zeroizing::new)
        .map_err(|_| CannotOpen)
}
