//! Requests and replies.
//!
//! A client opens a bidirectional stream, writes a **batch** of requests, and closes its side. The
//! relay works through them in order and writes the replies in the same order on the same stream,
//! so that one batch is one round trip. After a refusal the rest of a batch is not carried out (its
//! requests may rest on the one that was refused), and the relay closes the stream.
//!
//! Each frame is a length (four bytes, big-endian) and that many bytes of CBOR.

mod reply;
mod request;

pub use reply::{Attached, Grant, Item, ItemBody, Refusal, Reply, Rules};
pub use request::{Admission, Attach, Invitation, Proof, Pull, Request, Signer};

use crate::codec::CodecError;
use crate::limits::MAX_FRAME_BYTES;

/// The bytes of a frame's length prefix.
pub const PREFIX_BYTES: usize = 4;

/// Puts a frame's length in front of its bytes.
///
/// # Errors
/// [`CodecError::Limit`] when the frame exceeds [`MAX_FRAME_BYTES`].
pub fn prefix(frame: &[u8]) -> Result<[u8; PREFIX_BYTES], CodecError> {
    checked(frame.len()).map(|length| (length as u32).to_be_bytes())
}

/// Reads a length prefix.
///
/// # Errors
/// [`CodecError::Limit`] when it announces more than [`MAX_FRAME_BYTES`].
pub fn length(prefix: [u8; PREFIX_BYTES]) -> Result<usize, CodecError> {
    checked(u32::from_be_bytes(prefix) as usize)
}

fn checked(length: usize) -> Result<usize, CodecError> {
    match length {
        0..=MAX_FRAME_BYTES => Ok(length),
        _ => Err(CodecError::Limit { what: "frame bytes", limit: MAX_FRAME_BYTES }),
    }
}
