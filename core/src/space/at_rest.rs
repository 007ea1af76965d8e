//! What a device's own store holds: sealed values under opaque keys.

use std::fmt;

use zeroize::Zeroizing;

use super::CryptoRng;
use super::aead::{self, CannotOpen};
use super::kdf::{self, label};

/// What a sealed value is longer than its plaintext.
pub const OVERHEAD_BYTES: usize = aead::OVERHEAD_BYTES;

/// The bytes that each part of a record key takes.
pub const PART_BYTES: usize = 16;

/// Seals values for the store and hides the keys they are stored under.
#[derive(Clone)]
pub struct RestKey {
    seal: Zeroizing<[u8; 32]>,
    names: Zeroizing<[u8; 32]>,
}

impl RestKey {
    pub(super) fn new(seal: Zeroizing<[u8; 32]>, names: Zeroizing<[u8; 32]>) -> Self {
        Self { seal, names }
    }

    /// Seals a value for its place: moved to another record key, it does not open.
    pub fn seal(&self, rng: &mut dyn CryptoRng, record_key: &[u8], value: &[u8]) -> Vec<u8> {
        aead::seal(rng, &self.seal, record_key, value)
    }

    /// Opens a value that was read from `record_key`.
    ///
    /// # Errors
    /// [`CannotOpen`] when it was damaged, moved, or written by another device.
    pub fn open(&self, record_key: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        aead::open(&self.seal, record_key, sealed)
    }

    /// The record key of `parts` in a table: the table's byte, then [`PART_BYTES`] for each part
    /// that depend on the table and on all parts up to it. So a list of parts is a prefix of every
    /// longer list, and a scan over a prefix works, while who has the file reads no part.
    pub fn opaque(&self, table: u8, parts: &[&[u8]]) -> Vec<u8> {
        let mut key = Vec::with_capacity(1 + parts.len() * PART_BYTES);
        key.push(table);
        for part in parts {
            let name: [u8; PART_BYTES] = kdf::prf(&self.names, label::REST_NAMES, &[&key, part]);
            key.extend_from_slice(&name);
        }
        key
    }

    /// Like [`Self::opaque`], with a number at the end that sorts and scans as a number. The number
    /// is readable in the file: use it for counters, never for anything about the person.
    pub fn ordinal(&self, table: u8, parts: &[&[u8]], ordinal: u64) -> Vec<u8> {
        let mut key = self.opaque(table, parts);
        key.extend_from_slice(&ordinal.to_be_bytes());
        key
    }

    /// The number at the end of a key that [`Self::ordinal`] made; `None` for a shorter one.
    pub fn ordinal_of(record_key: &[u8]) -> Option<u64> {
        record_key.split_last_chunk::<8>().map(|(_, tail)| u64::from_be_bytes(*tail))
    }
}

impl fmt::Debug for RestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RestKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    fn rest(byte: u8) -> RestKey {
        RestKey::new(Zeroizing::new([byte; 32]), Zeroizing::new([byte + 1; 32]))
    }

    #[test]
    fn a_value_opens_only_where_it_was_put_and_on_the_device_that_put_it() {
        let rng = &mut ChaCha20Rng::from_seed([1; 32]);
        let sealed = rest(1).seal(rng, b"here", b"a day");
        assert_eq!(sealed.len(), 5 + OVERHEAD_BYTES);
        assert_eq!(**rest(1).open(b"here", &sealed).unwrap(), *b"a day");
        assert_eq!(rest(1).open(b"there", &sealed), Err(CannotOpen));
        assert_eq!(rest(2).open(b"here", &sealed), Err(CannotOpen));
        for cut in 0..sealed.len() {
            assert_eq!(rest(1).open(b"here", &sealed[..cut]), Err(CannotOpen));
        }
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            assert_eq!(rest(1).open(b"here", &flipped), Err(CannotOpen));
        }
    }

    #[test]
    fn the_same_value_never_looks_the_same() {
        let rng = &mut ChaCha20Rng::from_seed([1; 32]);
        assert_ne!(rest(1).seal(rng, b"k", b"v"), rest(1).seal(rng, b"k", b"v"));
    }

    #[test]
    fn record_keys_scan_by_prefix_and_count_in_order() {
        let rest = rest(1);
        let prefix = rest.opaque(7, &[b"slot"]);
        assert!(rest.opaque(7, &[b"slot", b"author"]).starts_with(&prefix));
        assert!(!rest.opaque(7, &[b"slos", b"author"]).starts_with(&prefix));
        let keys: Vec<_> =
            [0, 1, 255, 256, u64::MAX].map(|n| rest.ordinal(7, &[b"slot"], n)).into();
        assert!(keys.is_sorted());
        assert!(keys.iter().all(|key| key.starts_with(&prefix)));
        assert_eq!(RestKey::ordinal_of(&keys[3]), Some(256));
    }

    #[test]
    fn record_keys_show_nothing_and_differ_between_tables_and_devices() {
        let key = rest(1).opaque(7, &[b"2026-03 relapse"]);
        assert!(!key.windows(7).any(|window| window == b"relapse"));
        assert_ne!(key[1..], rest(1).opaque(8, &[b"2026-03 relapse"])[1..]);
        assert_ne!(key, rest(3).opaque(7, &[b"2026-03 relapse"]));
    }
}
