//! Vectors that others have published for the algorithms we rest on. See `tests/vectors/README.md`.
#![allow(clippy::unwrap_used)]

mod bip39;
mod hpke;
mod wycheproof;

/// Reads hexadecimal digits.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}
