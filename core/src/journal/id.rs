//! The name of an entry, which also says for ever which chapter it belongs to.

use std::fmt;
use std::str::FromStr;

use rand_core::Rng;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::Month;

/// 16 bytes that name an entry: its chapter (2 bytes, big-endian months since January 1970) and
/// 14 random or derived bytes.
///
/// The month is the UTC month in which the entry occurred *as given when it was created*. Giving
/// the entry another date later does not move it. Shown as 32 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId([u8; 16]);

const DERIVE_LABEL: &[u8] = b"mainstay entry id v1";

impl EntryId {
    /// A new random id in a chapter.
    pub fn make(month: Month, rng: &mut dyn Rng) -> Self {
        let mut tail = [0; 14];
        rng.fill_bytes(&mut tail);
        Self::join(month, tail)
    }

    /// The id that always belongs to this seed: importing the same line twice adds nothing.
    #[must_use]
    pub fn derive(month: Month, seed: &[u8]) -> Self {
        let hash = Sha256::new()
            .chain_update(DERIVE_LABEL)
            .chain_update(month.index().to_be_bytes())
            .chain_update(seed)
            .finalize();
        let mut tail = [0; 14];
        tail.copy_from_slice(&hash[..14]);
        Self::join(month, tail)
    }

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

    /// The chapter the entry belongs to, for ever.
    #[must_use]
    pub const fn month(&self) -> Month {
        Month::from_index(u16::from_be_bytes([self.0[0], self.0[1]]))
    }

    fn join(month: Month, tail: [u8; 14]) -> Self {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&month.index().to_be_bytes());
        bytes[2..].copy_from_slice(&tail);
        Self(bytes)
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryId({self})")
    }
}

pub(crate) fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// 16 bytes from 32 lowercase hexadecimal digits; anything else is `None`.
pub(crate) fn read_hex(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    if digits.len() != 32 || !digits.iter().all(|d| matches!(d, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let value = |digit: u8| if digit <= b'9' { digit - b'0' } else { digit - b'a' + 10 };
        *byte = value(pair[0]) << 4 | value(pair[1]);
    }
    Some(bytes)
}

/// A text that is no id. An id is 32 lowercase hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: an id is 32 digits out of 0-9 and a-f, as `timeline` prints it")]
pub struct ParseIdError;

impl FromStr for EntryId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read_hex(text).map(Self).ok_or(ParseIdError)
    }
}

impl Serialize for EntryId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EntryId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<C> minicbor::Encode<C> for EntryId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for EntryId {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let bytes = d.bytes()?;
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| minicbor::decode::Error::message("an entry id has 16 bytes"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn an_id_keeps_its_chapter_and_reads_back() {
        let month: Month = "2026-02".parse().unwrap();
        let id = EntryId::make(month, &mut ChaCha8Rng::seed_from_u64(7));
        assert_eq!(id.month(), month);
        assert_eq!(id.to_string().parse::<EntryId>().unwrap(), id);
        assert_eq!(id.to_string().len(), 32);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<EntryId>(&json).unwrap(), id);
    }

    #[test]
    fn the_same_seed_gives_the_same_id_and_another_month_another() {
        let month: Month = "2026-02".parse().unwrap();
        assert_eq!(EntryId::derive(month, b"x"), EntryId::derive(month, b"x"));
        assert_ne!(EntryId::derive(month, b"x"), EntryId::derive(month, b"y"));
        assert_ne!(
            EntryId::derive(month, b"x").as_bytes()[2..],
            EntryId::derive(month.next(), b"x").as_bytes()[2..]
        );
    }

    #[test]
    fn what_is_not_32_hex_digits_is_no_id() {
        for text in
            ["", "ab", "0123456789abcdef0123456789abcdeg", "0123456789ABCDEF0123456789ABCDEF"]
        {
            assert_eq!(text.parse::<EntryId>(), Err(ParseIdError));
        }
    }
}
