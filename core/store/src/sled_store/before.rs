//! What sled's files held before sled opened them.
//!
//! sled takes an error of the disk in reading its log for the log's end, as if the last writer had been cut off
//! there, and clears what comes after: of a store that lay in one segment, one such error left nothing. So
//! what sled is going to read is read before. Then the medium's lasting errors are met where nothing is lost yet,
//! the system has the bytes in memory as sled asks for them, and what sled cleared can be put back.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::release;
use super::segments::{self, SEGMENT_BYTES};
use crate::durable;

/// The log since the newest snapshot, which is what came since the store was opened last.
pub(super) struct Before {
    folder: PathBuf,
    length: u64,
    segments: Vec<Segment>,
    snapshots: Vec<(PathBuf, Vec<u8>)>,
}

/// One segment, by where it starts in the file: all of it, or its header if sled does not read it as it opens.
struct Segment {
    start: u64,
    bytes: Vec<u8>,
}

impl Before {
    /// Reads what sled is going to read in `folder`.
    pub(super) fn read(folder: &Path) -> std::io::Result<Self> {
        let mut data = release::data_file(folder)?;
        let length = data.metadata()?.len();
        let from = segments::snapshot(folder)? / SEGMENT_BYTES * SEGMENT_BYTES;
        let mut kept = Vec::new();
        for start in (0..length).step_by(SEGMENT_BYTES as usize) {
            let header = read(&mut data, start, segments::HEADER_BYTES as u64)?;
            let older = segments::place_of(&header).is_some_and(|place| place < from);
            let bytes = match older || segments::is_zero(&header) {
                true => header,
                false => read(&mut data, start, SEGMENT_BYTES)?,
            };
            kept.push(Segment { start, bytes });
        }
        let snapshots = segments::snapshots(folder)?
            .into_iter()
            .map(|path| fs::read(&path).map(|bytes| (path, bytes)))
            .collect::<std::io::Result<_>>()?;
        Ok(Self { folder: folder.into(), length, segments: kept, snapshots })
    }

    /// Makes the files what they were, durably. sled must not have them open.
    pub(super) fn put_back(&self) -> std::io::Result<()> {
        let mut data = release::data_file(&self.folder)?;
        data.set_len(self.length)?;
        for Segment { start, bytes } in &self.segments {
            if read(&mut data, *start, bytes.len() as u64)? == *bytes {
                continue;
            }
            // Of a segment that nothing refers to, only that it was begun anew matters.
            let mut whole = match bytes.len() > segments::HEADER_BYTES {
                true => bytes.clone(),
                false => Vec::new(),
            };
            whole.resize(SEGMENT_BYTES.min(self.length - start) as usize, 0);
            data.seek(SeekFrom::Start(*start))?;
            data.write_all(&whole)?;
        }
        data.sync_all()?;
        for (path, bytes) in &self.snapshots {
            if !path.exists() {
                let mut file = File::create(path)?;
                file.write_all(bytes)?;
                file.sync_all()?;
            }
        }
        for path in segments::snapshots(&self.folder)? {
            if !self.snapshots.iter().any(|(kept, _)| *kept == path) {
                fs::remove_file(path)?;
            }
        }
        durable::sync_directory(&self.folder).map_err(std::io::Error::other)
    }
}

fn read(data: &mut File, start: u64, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    data.seek(SeekFrom::Start(start))?;
    data.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{Batch, Recovery, SledStore, Store};

    // Broken on purpose: `put_back` leaving the segments, or the snapshots, as they were made it fail.
    /// As sled does where the disk fails under it: the log ends early, and what comes after is cleared.
    #[test]
    fn what_sled_cleared_is_put_back() {
        let dir = tempfile::tempdir().unwrap();
        for round in 0..2_u8 {
            let store = SledStore::open(dir.path()).unwrap().store;
            for n in 0..200_u8 {
                let mut batch = Batch::default();
                batch.put([round, n], [n; 4000]);
                store.commit(&batch).unwrap();
            }
        }
        let folder = dir.path().join("sled");
        let before = Before::read(&folder).unwrap();
        let data = fs::read(folder.join("db")).unwrap();
        let names = segments::snapshots(&folder).unwrap();
        assert!(data.len() > 3 * SEGMENT_BYTES as usize && names.len() == 1, "{names:?}");
        // In the middle of what came after the snapshot.
        let cut = before.segments.iter().rfind(|s| s.bytes.len() > 20).unwrap().start as usize;
        let mut cleared = data.clone();
        cleared[cut + 5000..].fill(0);
        fs::write(folder.join("db"), &cleared).unwrap();
        let db = sled::Config::new().path(&folder).open().unwrap();
        db.insert([9], vec![9; 9000]).unwrap();
        drop(db);
        before.put_back().unwrap();
        assert_eq!(segments::snapshots(&folder).unwrap(), names);
        assert!(fs::read(folder.join("db")).unwrap() == data);
        let opened = SledStore::open(dir.path()).unwrap();
        assert_eq!(opened.recovery, Recovery::Clean);
        for n in 0..200_u8 {
            assert_eq!(opened.store.get(&[1, n]).unwrap(), Some(vec![n; 4000]));
        }
        assert_eq!(opened.store.get(&[9]).unwrap(), None);
    }
}
