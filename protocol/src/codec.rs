//! CBOR (RFC 8949) in and out, with nothing left over and nothing unbounded.

use minicbor::{Decode, Encode};

/// Bytes that are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The bytes do not follow the format.
    #[error("malformed data: {0}")]
    Malformed(String),
    /// The bytes go on after the end of what was read.
    #[error("malformed data: {0} bytes after the end")]
    Trailing(usize),
    /// A newer version wrote this.
    #[error("written in format version {0}, which this version cannot read; update the app")]
    Newer(u8),
    /// A named limit is exceeded.
    #[error("{what}: more than the limit of {limit}")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// The limit it exceeds, from [`crate::limits`].
        limit: usize,
    },
}

/// Encodes a value. Encoding into memory cannot fail for the types of this crate.
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    minicbor::encode(value, &mut out).expect("writing CBOR into a vector has no way to fail");
    out
}

/// Decodes a value that must fill `bytes` exactly.
///
/// # Errors
/// [`CodecError::Malformed`] or [`CodecError::Trailing`].
pub fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, CodecError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let value = decoder.decode().map_err(|error| CodecError::Malformed(error.to_string()))?;
    match bytes.len() - decoder.position() {
        0 => Ok(value),
        left => Err(CodecError::Trailing(left)),
    }
}
