//! Keys, seals and membership of a space.
//!
//! Everything here is a pure function of its arguments: time comes in as Unix milliseconds and
//! randomness as `&mut dyn CryptoRng` (the trait of `rand_core` 0.10, re-exported as
//! [`CryptoRng`]), which is the one random source that the whole crate passes around.
//!
//! * [`phrase`] and [`recovery`]: twelve words and the keys that follow from them.
//! * [`device`]: a device's secret and the keys it has in each space.
//! * [`member`], [`root`]: a member's secret in a share and the keys that follow from it, and the key
//!   with which the phrase takes a share back.
//! * [`epoch`], [`wrap`], [`keyring`]: the keys that seal a space, and how members get them.
//! * [`slot`], [`seal`], [`at_rest`]: names and ciphertexts, on the wire and on the disk.
//! * [`consent`]: what the owner of a share agreed to, sealed for its members.
//! * [`change`]: the roster records that a device or a member writes.
//! * [`link`]: how a second device, or somebody to share with, is let in.

mod aead;
pub mod at_rest;
pub mod change;
pub mod consent;
pub mod device;
pub mod epoch;
mod hybrid;
mod kdf;
pub mod kem;
pub mod keyring;
pub mod link;
pub mod member;
pub mod phrase;
pub mod recovery;
pub mod root;
pub mod seal;
pub mod sign;
pub mod slot;
#[cfg(feature = "test-kit")]
pub mod test_kit;
pub mod wrap;

pub use aead::CannotOpen;
pub use rand_core::CryptoRng;
