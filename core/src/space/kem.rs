//! X-Wing key pairs (draft-connolly-cfrg-xwing-kem-10), for which epoch keys are wrapped.

use std::fmt;

use hpke::kem::XWing;
use hpke::{Deserializable, Kem, Serializable};
use mainstay_protocol::roster::KemKey;

/// The secret half of an X-Wing key pair.
#[derive(Clone)]
pub struct KemSecret {
    secret: <XWing as Kem>::PrivateKey,
    public: KemKey,
}

/// A public key or an encapsulation that no honest device makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key-exchange key is malformed; the device that it belongs to must be linked anew")]
pub struct BadKem;

impl KemSecret {
    /// The key pair that follows from 32 secret bytes (`DeriveKeyPair` of HPKE).
    pub(super) fn derive(secret: &[u8; 32]) -> Self {
        let (secret, public) = XWing::derive_keypair(secret);
        Self { secret, public: KemKey(public.to_bytes().to_vec().into()) }
    }

    /// The public half.
    pub fn public(&self) -> &KemKey {
        &self.public
    }

    pub(super) fn secret(&self) -> &<XWing as Kem>::PrivateKey {
        &self.secret
    }
}

impl fmt::Debug for KemSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KemSecret([redacted])")
    }
}

/// Reads a public key.
pub(super) fn public(key: &KemKey) -> Result<<XWing as Kem>::PublicKey, BadKem> {
    contributory(&key.0)?;
    <XWing as Kem>::PublicKey::from_bytes(&key.0).map_err(|_| BadKem)
}

/// Reads an encapsulation.
pub(super) fn encapsulation(bytes: &[u8]) -> Result<<XWing as Kem>::EncappedKey, BadKem> {
    contributory(bytes)?;
    <XWing as Kem>::EncappedKey::from_bytes(bytes).map_err(|_| BadKem)
}

/// Refuses an X25519 half of small order, with which the shared secret would not depend on the
/// other side's key. X-Wing leaves that check to its users; both its public keys and its
/// encapsulations end with the X25519 half.
///
/// The list is the one of <https://cr.yp.to/ecdh.html#validate>, with the top bit ignored as X25519
/// ignores it (RFC 7748 §5).
fn contributory(bytes: &[u8]) -> Result<(), BadKem> {
    let (_, point) = bytes.split_last_chunk::<32>().ok_or(BadKem)?;
    let mut point = *point;
    point[31] &= 0x7f;
    match SMALL_ORDER.contains(&point) {
        true => Err(BadKem),
        false => Ok(()),
    }
}

const fn near_p(lowest: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = lowest;
    bytes[31] = 0x7f;
    bytes
}

const fn small(lowest: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = lowest;
    bytes
}

/// 0, 1, two points of order 8, p - 1, p and p + 1, little-endian.
const SMALL_ORDER: [[u8; 32]; 7] = [
    small(0),
    small(1),
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ],
    near_p(0xec),
    near_p(0xed),
    near_p(0xee),
];
