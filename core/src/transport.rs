//! QUIC to the relay.
//!
//! One connection to one relay, kept for several syncs. Its key is checked against the pins of the
//! relay's address; the key exchange is X25519MLKEM768 and nothing else; there is no 0-RTT, so a
//! replayed flight changes nothing.

mod tls;
mod wire;

pub(crate) use wire::{Exchange, Wire};

/// Why a relay could not be talked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// It cannot be reached, or the connection broke.
    #[error("the relay cannot be reached: {0}")]
    Offline(String),
    /// It has another key than its address says.
    #[error("the relay has another key than its address says")]
    WrongKey,
    /// It sent something that is no frame.
    #[error("the relay sent something that cannot be read")]
    Malformed,
}
