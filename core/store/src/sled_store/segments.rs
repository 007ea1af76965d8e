//! What the headers of sled's segments say before sled opens the file, and writes to it.
//!
//! sled skips a segment whose header does not check out, and says nothing. If it is the one that
//! sled writes to, a snapshot may still open the store, which then takes more writes into that
//! segment and finds none of them at the next open. So we look first.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// sled's default, which is never changed.
const SEGMENT_BYTES: u64 = 512 * 1024;

/// The check sum (inverted CRC-32), and the places in the log of this segment and of the last byte
/// that was durable when it was begun, both masked; little-endian, as sled 0.34 writes them.
const HEADER_BYTES: usize = 20;

const MASK: u64 = 0x7FFF_FFFF_FFFF_FFFF;

/// What the headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Headers {
    /// All of those that were written check out.
    Sound,
    /// There is none. sled would take such a file for a new one and write over it; it has to be
    /// moved aside as it is.
    None,
    /// One that was written does not check out.
    Damaged,
}

/// Looks at the header of every segment, and at all of one that has none: a free one is all zeros.
pub(super) fn headers(data: &Path) -> std::io::Result<Headers> {
    let mut file = File::open(data)?;
    let length = file.metadata()?.len();
    let mut found = Headers::None;
    for start in (0..length).step_by(SEGMENT_BYTES as usize) {
        file.seek(SeekFrom::Start(start))?;
        let header = read(&mut file, HEADER_BYTES)?;
        let state = match header_state(&header) {
            Headers::None if !is_zero(&read(&mut file, SEGMENT_BYTES as usize - HEADER_BYTES)?) => {
                Headers::Damaged
            }
            state => state,
        };
        match state {
            Headers::Damaged => return Ok(Headers::Damaged),
            Headers::Sound => found = Headers::Sound,
            Headers::None => {}
        }
    }
    Ok(found)
}

fn read(file: &mut File, most: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(most);
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

fn header_state(header: &[u8]) -> Headers {
    if is_zero(header) {
        return Headers::None;
    }
    let Some((sum, masked)) = header.split_first_chunk::<4>() else { return Headers::Damaged };
    let Some(place) = masked.first_chunk::<8>() else { return Headers::Damaged };
    let place = u64::from_le_bytes(*place) ^ MASK;
    let whole = u32::from_le_bytes(*sum) == !crc32fast::hash(masked);
    if whole && place.is_multiple_of(SEGMENT_BYTES) { Headers::Sound } else { Headers::Damaged }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_flipped_bit_of_a_header_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        drop(sled::Config::new().path(dir.path()).open().unwrap());
        assert_eq!(headers(&path).unwrap(), Headers::Sound);
        let whole = std::fs::read(&path).unwrap();
        for bit in 0..HEADER_BYTES * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &flipped).unwrap();
            assert_eq!(headers(&path).unwrap(), Headers::Damaged, "bit {bit}");
        }
    }

    #[test]
    fn a_zeroed_header_is_seen_and_a_free_segment_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let db = sled::Config::new().path(dir.path()).open().unwrap();
        db.insert("key", vec![7; 100]).unwrap();
        drop(db);
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        for zeroed in [HEADER_BYTES, 64, last] {
            bytes[..zeroed].fill(0);
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(headers(&path).unwrap(), Headers::Damaged, "{zeroed} bytes");
        }
        std::fs::write(&path, vec![0; 3 * SEGMENT_BYTES as usize]).unwrap();
        assert_eq!(headers(&path).unwrap(), Headers::None);
    }
}
