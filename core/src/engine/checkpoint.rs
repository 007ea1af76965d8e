//! A witness for a restore: what another device, or a piece of paper, knows of the journal.
//!
//! Twelve words alone cannot show that a relay gave everything: it may serve an old copy of the
//! journal. A checkpoint, taken on any device and kept beside the words or shown on another screen,
//! can: while nothing else was written since, everything came if and only if it is the same.

use std::fmt;
use std::str::FromStr;

use mainstay_protocol::hash::Hash;

use super::error::EngineError;
use super::handle::Engine;

/// The version of the text, its first byte.
const VERSION: u8 = 1;
/// Bytes of each hash: nobody finds another one that begins alike.
const HASH_BYTES: usize = 10;
/// Bytes before the check value: version, number, total (6 bytes are enough for any chain), hashes.
const BODY_BYTES: usize = 1 + 4 + 6 + 2 * HASH_BYTES;
/// Bytes that catch mistakes in writing it down.
const CHECK_BYTES: usize = 4;
/// Base 32 without letters that look like digits (Crockford's).
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters in one group.
const GROUP: usize = 5;
/// The label of the check value.
const CHECK: &str = "mainstay: checkpoint";

/// Where a journal stands on one device. It tells nobody anything about what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many records the list of devices has, less one.
    pub(super) number: u32,
    /// The beginning of the hash of the last one.
    pub(super) roster: [u8; HASH_BYTES],
    /// How many envelopes the journal has had.
    pub(super) total: u64,
    /// The beginning of the digest of the heads of all chains.
    pub(super) heads: [u8; HASH_BYTES],
}

/// What a checkpoint says about the journal on this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Witness {
    /// This device holds exactly what the other one did.
    Same,
    /// Nothing can be told: this device has had other changes, and as many. Whoever wants to know takes a new
    /// checkpoint on the other device.
    Unclear,
    /// Something is missing here that the other device had: sync, and if it stays so, the relay
    /// shows an old copy of the journal.
    Older,
}

/// The text is no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Letters are missing, wrong or exchanged.
    #[error("this checkpoint was not written down correctly; compare it letter by letter")]
    Misspelt,
    /// A newer app wrote it.
    #[error("this checkpoint is of a newer version of the app; update this one")]
    Newer,
}

impl Checkpoint {
    pub(super) fn new(number: u32, roster: &Hash, total: u64, heads: &Hash) -> Self {
        let short = |hash: &Hash| {
            let mut bytes = [0; HASH_BYTES];
            bytes.copy_from_slice(&hash.0[..HASH_BYTES]);
            bytes
        };
        Self { number, roster: short(roster), total, heads: short(heads) }
    }

    /// Whether it names this record of a list of devices.
    pub(super) fn names(&self, roster: &Hash) -> bool {
        roster.0.starts_with(&self.roster)
    }

    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(self.number.to_be_bytes());
        bytes.extend(&self.total.to_be_bytes()[2..]);
        bytes.extend(self.roster);
        bytes.extend(self.heads);
        let check = Hash::of(CHECK, &[&bytes]);
        bytes.extend(&check.0[..CHECK_BYTES]);
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (number, rest) = bytes.get(1..BODY_BYTES)?.split_first_chunk::<4>()?;
        let (total, rest) = rest.split_first_chunk::<6>()?;
        let (roster, heads) = rest.split_first_chunk::<HASH_BYTES>()?;
        let mut wide = [0; 8];
        wide[2..].copy_from_slice(total);
        Some(Self {
            number: u32::from_be_bytes(*number),
            roster: *roster,
            total: u64::from_be_bytes(wide),
            heads: heads.try_into().ok()?,
        })
    }
}

fn is_checked(bytes: &[u8]) -> bool {
    let split = bytes.split_last_chunk::<CHECK_BYTES>();
    split.is_some_and(|(body, check)| Hash::of(CHECK, &[body]).0.starts_with(check))
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.to_bytes();
        let bits = bytes.len() * 8;
        for (index, at) in (0..bits).step_by(5).enumerate() {
            let bit = |bit: usize| match bytes.get(bit / 8) {
                Some(byte) => usize::from(byte >> (7 - bit % 8) & 1),
                None => 0,
            };
            let value = (at..at + 5).fold(0, |value, at| value << 1 | bit(at));
            if index > 0 && index % GROUP == 0 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(LETTERS[value]))?;
        }
        Ok(())
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
        for letter in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let letter = match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let value = LETTERS.iter().position(|l| char::from(*l) == letter);
            let value = value.ok_or(CheckpointError::Misspelt)?;
            held = (held << 5 | value as u32) & 0xfff;
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                bytes.push((held >> bits) as u8);
            }
            if bytes.len() > BODY_BYTES + CHECK_BYTES {
                return Err(CheckpointError::Misspelt);
            }
        }
        let read = match bytes.first() {
            Some(&VERSION) => Self::from_bytes(&bytes),
            // Every version ends with the check value.
            Some(version) if *version > VERSION && is_checked(&bytes) => {
                return Err(CheckpointError::Newer);
            }
            _ => None,
        };
        read.filter(|read| read.to_bytes() == bytes).ok_or(CheckpointError::Misspelt)
    }
}

impl Engine {
    /// Where the journal stands on this device: a short text to print beside the twelve words, or to
    /// compare on another device.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn checkpoint(&self) -> Result<Checkpoint, EngineError> {
        self.worker.call(|replica| replica.checkpoint()).await
    }

    /// How new the journal on this device is; after a restore, how new a copy the relay showed.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn as_of(&self) -> Result<super::AsOf, EngineError> {
        self.worker.call(|replica| replica.as_of()).await
    }

    /// Whether this device holds what another one did when it made a checkpoint. To be asked when a
    /// restore is complete.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn check_against(&self, checkpoint: Checkpoint) -> Result<Witness, EngineError> {
        self.worker.call(move |replica| replica.check_against(&checkpoint)).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sample() -> Checkpoint {
        Checkpoint::new(7, &Hash([0xa5; 32]), 36_500, &Hash([0x3c; 32]))
    }

    #[test]
    fn a_checkpoint_is_read_as_it_was_written_down() {
        let text = sample().to_string();
        assert_eq!(text.len(), 56 + 11, "{text}");
        assert_eq!(text.parse(), Ok(sample()));
        assert_eq!(text.to_lowercase().replace('-', " ").replace('0', "o").parse(), Ok(sample()));
    }

    #[test]
    fn every_wrong_letter_is_noticed() {
        let text = sample().to_string();
        for (at, letter) in text.char_indices().filter(|(_, letter)| *letter != '-') {
            let other = if letter == 'Z' { "Y" } else { "Z" };
            let mut wrong = text.clone();
            wrong.replace_range(at..at + 1, other);
            assert_eq!(wrong.parse::<Checkpoint>(), Err(CheckpointError::Misspelt), "{wrong}");
        }
        assert_eq!(text[1..].parse::<Checkpoint>(), Err(CheckpointError::Misspelt));
        assert_eq!("".parse::<Checkpoint>(), Err(CheckpointError::Misspelt));
        assert_eq!("Ü".parse::<Checkpoint>(), Err(CheckpointError::Misspelt));
    }
}
