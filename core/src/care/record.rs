//! Registers of a share: each record takes the place of the one before it.

use std::fmt;
use std::str::FromStr;

use minicbor::{Decode, Encode};

use super::{CareLimits, InvalidRecord, SharedBody, body};
use crate::chapter::{PackError, pack, unpack};
use crate::journal::ParseIdError;
use crate::journal::id::{read_hex, write_hex};

/// 16 bytes that name a record in a share, shown as 32 lowercase hexadecimal digits. Whoever makes
/// one takes random bytes, or a keyed hash under a key that readers do not have: never the bytes of
/// an entry's id, whose beginning is a month.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId([u8; 16]);

impl RecordId {
    /// The id with exactly these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes of the id.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordId({self})")
    }
}

impl FromStr for RecordId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read_hex(text).map(Self).ok_or(ParseIdError)
    }
}

impl<C> Encode<C> for RecordId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for RecordId {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let bytes = d.bytes()?.try_into();
        bytes.map(Self).map_err(|_| minicbor::decode::Error::message("a record's id has 16 bytes"))
    }
}

/// One record of a share: a register that holds what its member said last under this id.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct SharedRecord {
    /// Its name.
    #[n(0)]
    pub id: RecordId,
    /// Of two records with this id by one member, the higher counter is shown; at most
    /// [`CareLimits::COUNTER_MAX`].
    #[n(1)]
    pub counter: u64,
    /// What it says.
    #[cbor(n(2), decode_with = "body::decode")]
    pub body: SharedBody,
}

/// A record that cannot be read or written. Never its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The bytes are not what they should be.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// A field exceeds its limit.
    #[error(transparent)]
    Invalid(#[from] InvalidRecord),
    /// It does not fit into one envelope.
    #[error("too long to be shared at once: more than {max} bytes; shorten its longest texts")]
    TooLarge {
        /// Most bytes allowed.
        max: usize,
    },
}

impl SharedRecord {
    /// The bytes to seal: at most [`CareLimits::RECORD_MAX_BYTES`]. One member wrote all of it, so
    /// compressing it tells nobody about another's words.
    ///
    /// # Errors
    /// [`RecordError`] if it exceeds a limit.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RecordError> {
        self.validate()?;
        let bytes = pack(self);
        match bytes.len() <= CareLimits::RECORD_MAX_BYTES {
            true => Ok(bytes),
            false => Err(RecordError::TooLarge { max: CareLimits::RECORD_MAX_BYTES }),
        }
    }

    /// Reads what [`SharedRecord::to_bytes`] wrote, holding no more than
    /// [`CareLimits::RECORD_MAX_UNPACKED_BYTES`] of it.
    ///
    /// # Errors
    /// [`RecordError`] if it cannot be read, or exceeds a limit.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > CareLimits::RECORD_MAX_BYTES {
            return Err(RecordError::TooLarge { max: CareLimits::RECORD_MAX_BYTES });
        }
        let record: Self = unpack(bytes, CareLimits::RECORD_MAX_UNPACKED_BYTES)?;
        record.validate()?;
        Ok(record)
    }

    /// What it is sorted by in a timeline, in Unix milliseconds: an entry as in the person's own
    /// timeline, anything else by the time at which it was written. `None` if it has no time.
    #[must_use]
    pub fn sort_key_ms(&self) -> Option<i64> {
        match &self.body {
            SharedBody::Entry(entry) => entry.sort_key_ms(),
            SharedBody::Comment { written_at_ms: at, .. }
            | SharedBody::Proposal { written_at_ms: at, .. }
            | SharedBody::Decision { at_ms: at, .. }
            | SharedBody::Opened { at_ms: at, .. } => Some(*at),
            SharedBody::Gone
            | SharedBody::Plan(_)
            | SharedBody::Edits(_)
            | SharedBody::Unreadable => None,
        }
    }
}
