//! What the headers of sled's segments say before sled opens the file, and writes to it.
//!
//! sled skips a segment whose header does not check out, and says nothing. If it is the one that
//! sled writes to, a snapshot may still open the store, which then takes more writes into that
//! segment and finds none of them at the next open. So we look first.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// sled's default, which is never changed.
pub(super) const SEGMENT_BYTES: u64 = 512 * 1024;

/// The check sum (inverted CRC-32), and the places in the log of this segment and of the last byte
/// that was durable when it was begun, both masked; little-endian, as sled 0.34 writes them.
pub(super) const HEADER_BYTES: usize = 20;

const MASK: u64 = 0x7FFF_FFFF_FFFF_FFFF;

/// What the headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Headers {
    /// All of those that were written check out.
    Sound,
    /// There is none. sled would take such a file for a new one and write over it; it has to be
    /// moved aside as it is.
    None,
    /// One that does not check out looks as a power cut leaves a segment that was being begun or cleared,
    /// and the log goes without a gap from the snapshot to its newest segment. Unless rows cannot be read,
    /// nothing was in it.
    Torn,
    /// One that was written does not check out.
    Damaged,
}

/// What one segment looks like.
enum Segment {
    Free,
    /// At this place in the log.
    Used(u64),
    Torn,
    Damaged,
}

/// Looks at the header of every segment in sled's data file, and at all of one that has none: a free one is
/// all zeros. `folder` holds the snapshots.
pub(super) fn headers(file: &mut File, folder: &Path) -> std::io::Result<Headers> {
    let length = file.metadata()?.len();
    let (mut places, mut torn) = (BTreeSet::new(), false);
    for start in (0..length).step_by(SEGMENT_BYTES as usize) {
        file.seek(SeekFrom::Start(start))?;
        // What the medium does not give is as good as damaged.
        match segment(file).unwrap_or(Segment::Damaged) {
            Segment::Free => {}
            Segment::Used(place) => _ = places.insert(place),
            Segment::Torn => torn = true,
            Segment::Damaged => return Ok(Headers::Damaged),
        }
    }
    Ok(match (torn, places.is_empty()) {
        (true, _) if has_gap(&places, snapshot(folder)?) => Headers::Damaged,
        (true, _) => Headers::Torn,
        (false, true) => Headers::None,
        (false, false) => Headers::Sound,
    })
}

/// Whether a segment is missing between the place up to which the snapshot knows the log and its end.
fn has_gap(places: &BTreeSet<u64>, from: u64) -> bool {
    let first = from / SEGMENT_BYTES * SEGMENT_BYTES;
    let mut tail = places.range(first..).copied().peekable();
    if tail.peek().is_none() {
        // At the very beginning of a segment it may not have been begun.
        return from != first;
    }
    (first..).step_by(SEGMENT_BYTES as usize).zip(tail).any(|(expected, found)| expected != found)
}

/// The files of sled's snapshots, also of one that it was killed over.
pub(super) fn snapshots(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if hex_of(&path).is_some() {
            found.push(path);
        }
    }
    Ok(found)
}

/// The place up to which the newest snapshot knows the log: its name.
pub(super) fn snapshot(folder: &Path) -> std::io::Result<u64> {
    let places = snapshots(folder)?;
    let places = places.iter().filter_map(|path| u64::from_str_radix(hex_of(path)?, 16).ok());
    Ok(places.max().unwrap_or(0))
}

/// What follows in the name of a snapshot.
fn hex_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.strip_prefix("snap.")
}

fn segment(file: &mut File) -> std::io::Result<Segment> {
    let header = read(file, HEADER_BYTES)?;
    if let Some(place) = place_of(&header) {
        return Ok(Segment::Used(place));
    }
    let rest = read(file, SEGMENT_BYTES as usize - HEADER_BYTES)?;
    Ok(match (is_zero(&header), is_zero(&rest)) {
        (true, true) => Segment::Free,
        // Its beginning was cleared first, or its end written first; or nothing but a part of the header.
        (true, false) | (false, true) => Segment::Torn,
        (false, false) => Segment::Damaged,
    })
}

fn read(file: &mut File, most: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(most);
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// The place in the log of a segment with this header, if it checks out.
pub(super) fn place_of(header: &[u8]) -> Option<u64> {
    let (sum, masked) = header.split_first_chunk::<4>()?;
    let place = u64::from_le_bytes(*masked.first_chunk()?) ^ MASK;
    let whole = header.len() == HEADER_BYTES
        && u32::from_le_bytes(*sum) == !crc32fast::hash(masked)
        && place.is_multiple_of(SEGMENT_BYTES);
    whole.then_some(place)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::release;
    use super::*;

    /// The data file of a store with one segment in use, and one row in it, which has been opened again:
    /// sled writes a snapshot then.
    fn example(dir: &Path) -> Vec<u8> {
        let db = sled::Config::new().path(dir).open().unwrap();
        db.insert("key", vec![7; 100]).unwrap();
        drop(db);
        drop(release::data_file(dir).unwrap());
        let bytes = fs::read(dir.join("db")).unwrap();
        drop(sled::Config::new().path(dir).open().unwrap());
        drop(release::data_file(dir).unwrap());
        bytes
    }

    fn headers_of(dir: &Path, bytes: &[u8]) -> Headers {
        fs::write(dir.join("db"), bytes).unwrap();
        headers(&mut File::open(dir.join("db")).unwrap(), dir).unwrap()
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let whole = example(dir.path());
        assert_eq!(headers_of(dir.path(), &whole), Headers::Sound);
        for bit in 0..HEADER_BYTES * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(headers_of(dir.path(), &flipped), Headers::Damaged, "bit {bit}");
        }
    }

    #[test]
    fn a_zeroed_header_is_seen_and_a_free_segment_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = example(dir.path());
        let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        for zeroed in [HEADER_BYTES, 64, last] {
            bytes[..zeroed].fill(0);
            assert_eq!(headers_of(dir.path(), &bytes), Headers::Damaged, "{zeroed} bytes");
        }
        let free = vec![0; 3 * SEGMENT_BYTES as usize];
        assert_eq!(headers_of(dir.path(), &free), Headers::None);
    }

    #[test]
    fn a_segment_that_was_only_begun_is_torn_and_one_that_is_missed_is_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = example(dir.path());
        bytes.resize(2 * SEGMENT_BYTES as usize, 0);
        bytes.extend([0; 4096]);
        bytes.extend([7; 100]);
        assert_eq!(headers_of(dir.path(), &bytes), Headers::Torn);
        let far = format!("snap.{:016X}", SEGMENT_BYTES + 100);
        fs::write(dir.path().join(far), []).unwrap();
        assert_eq!(headers_of(dir.path(), &bytes), Headers::Damaged);
    }

    #[test]
    fn a_gap_is_a_missing_segment_after_the_snapshot() {
        let at = |segments: &[u64]| segments.iter().map(|n| n * SEGMENT_BYTES).collect();
        assert!(!has_gap(&at(&[0, 1, 2]), 5));
        assert!(has_gap(&at(&[0, 2]), 5));
        assert!(!has_gap(&at(&[0, 2, 3]), 2 * SEGMENT_BYTES + 5));
        assert!(has_gap(&at(&[0, 1, 3]), 2 * SEGMENT_BYTES + 5));
        assert!(has_gap(&at(&[0, 1]), 2 * SEGMENT_BYTES + 5));
        assert!(!has_gap(&at(&[0, 1]), 2 * SEGMENT_BYTES));
    }
}
