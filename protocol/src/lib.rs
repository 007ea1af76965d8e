//! What crosses Mainstay's wire: ids, envelopes, rosters, frames and limits.
//!
//! Both ends link this crate, and the relay links nothing that could open a seal: this crate
//! **verifies** (signatures, hash chains, the rules of who may act in a space) and holds no
//! decryption of any kind. Every type is CBOR with numbered fields, so that an older reader skips
//! what a newer writer added, and every signature covers the exact bytes that were received.
//!
//! Start with [`envelope`] (what devices store on the relay), [`roster`] (who may) and [`frame`]
//! (how they ask).

pub mod address;
pub mod codec;
pub mod envelope;
pub mod frame;
pub mod hash;
pub mod heads;
pub mod ids;
pub mod limits;
pub mod mailbox;
pub mod receipt;
pub mod roster;
pub mod sign;
pub mod statement;

/// The application protocol both ends name in the TLS handshake. A new major version is a new name.
pub const ALPN: &[u8] = b"mainstay/1";

/// The version of every signed object this crate writes, and the only one it reads.
pub const FORMAT_VERSION: u8 = 1;
