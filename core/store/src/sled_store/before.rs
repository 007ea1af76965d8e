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

/// As much of the log is kept in memory at most, in bytes. A journal of ten years takes a tenth of it.
const MOST_BYTES: usize = 64 * 1024 * 1024;

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
    /// Reads what sled is going to read in `folder`. `None` where that is more than [`MOST_BYTES`]: it was read,
    /// so that the system has it in memory, and is not kept.
    pub(super) fn read(folder: &Path) -> std::io::Result<Option<Self>> {
        let mut data = release::data_file(folder)?;
        let length = data.metadata()?.len();
        let from = segments::snapshot(folder)? / SEGMENT_BYTES * SEGMENT_BYTES;
        let (mut kept, mut all) = (Vec::new(), 0);
        for start in (0..length).step_by(SEGMENT_BYTES as usize) {
            let header = read(&mut data, start, segments::HEADER_BYTES as u64)?;
            let older = segments::place_of(&header).is_some_and(|place| place < from);
            let bytes = match older || segments::is_zero(&header) {
                true => header,
                false => read(&mut data, start, SEGMENT_BYTES)?,
            };
            all += bytes.len();
            match all > MOST_BYTES {
                true => kept.clear(),
                false => kept.push(Segment { start, bytes }),
            }
        }
        if all > MOST_BYTES {
            return Ok(None);
        }
        let snapshots = segments::snapshots(folder)?
            .into_iter()
            .map(|path| fs::read(&path).map(|bytes| (path, bytes)))
            .collect::<std::io::Result<_>>()?;
        Ok(Some(Self { folder: folder.into(), length, segments: kept, snapshots }))
    }

    /// Makes the files what they were, durably; done again, it does no harm. sled must not have them open.
    pub(super) fn put_back(&self) -> std::io::Result<()> {
        // The older snapshot first: beside the newer one sled passes over it, and without either it may take
        // the log for an empty one.
        for (path, bytes) in &self.snapshots {
            if !path.exists() {
                let mut file = File::create(path)?;
                file.write_all(bytes)?;
                file.sync_all()?;
            }
        }
        self.sync_names()?;
        let mut data = release::data_file(&self.folder)?;
        data.set_len(self.length)?;
        for Segment { start, bytes } in &self.segments {
            let is_kept = bytes.len() > segments::HEADER_BYTES;
            match read(&mut data, *start, bytes.len() as u64) {
                Ok(found) if found == *bytes => continue,
                // What is in the others may be in use.
                Err(_) if !is_kept => continue,
                _ => {}
            }
            // Of a segment that nothing refers to, only that it was begun anew matters. So nothing may be written
            // to the files between the opening and this.
            let mut whole = if is_kept { bytes.clone() } else { Vec::new() };
            whole.resize(SEGMENT_BYTES.min(self.length - start) as usize, 0);
            data.seek(SeekFrom::Start(*start))?;
            data.write_all(&whole)?;
        }
        data.sync_all()?;
        for path in segments::snapshots(&self.folder)? {
            if !self.snapshots.iter().any(|(kept, _)| *kept == path) {
                fs::remove_file(path)?;
            }
        }
        self.sync_names()
    }

    fn sync_names(&self) -> std::io::Result<()> {
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

    use super::super::{broken, open};
    use super::*;
    use crate::home::Home;
    use crate::{Backend, Batch, Recovery, SledStore, Store};

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
        let before = Before::read(&folder).unwrap().unwrap();
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

    // Broken on purpose: `open::put_back` without its note made it fail.
    /// The log with a hole in it, as a cut in the middle leaves it, opens without a word of sled's.
    #[test]
    fn what_was_cut_off_as_it_was_put_back_is_told_at_the_next_opening() {
        let dir = tempfile::tempdir().unwrap();
        let store = SledStore::open(dir.path()).unwrap().store;
        for n in 0..200_u8 {
            let mut batch = Batch::default();
            batch.put([n], [n; 4000]);
            store.commit(&batch).unwrap();
        }
        drop(store);
        let home = Home::open(dir.path(), Backend::Sled, 1).unwrap();
        let folder = home.folder();
        let before = Before::read(&folder).unwrap().unwrap();
        let away = dir.path().join("away");
        fs::rename(folder.join("db"), &away).unwrap();
        assert!(open::put_back(&home, &before).is_err());
        fs::rename(&away, folder.join("db")).unwrap();
        drop(home);
        let recovery = SledStore::open(dir.path()).unwrap().recovery;
        assert!(matches!(recovery, Recovery::Incomplete { .. }), "{recovery:?}");
        // Through to its end, it leaves no word.
        let home = Home::open(dir.path(), Backend::Sled, 1).unwrap();
        let before = Before::read(&home.folder()).unwrap().unwrap();
        assert!(!broken::is_noted(dir.path()));
        open::put_back(&home, &before).unwrap();
        assert!(!broken::is_noted(dir.path()));
    }

    // Broken on purpose: `Before::read` keeping whatever there is made it fail.
    #[test]
    fn a_log_that_is_too_long_to_keep_is_read_and_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        drop(SledStore::open(dir.path()).unwrap());
        let folder = dir.path().join("sled");
        let _ = release::data_file(&folder).unwrap();
        let data = fs::read(folder.join("db")).unwrap();
        let whole = [&data[..], &[0; SEGMENT_BYTES as usize]].concat();
        let segment = whole[..SEGMENT_BYTES as usize].to_vec();
        let times = MOST_BYTES / segment.len();
        fs::write(folder.join("db"), segment.repeat(times)).unwrap();
        assert!(Before::read(&folder).unwrap().is_some());
        fs::write(folder.join("db"), segment.repeat(times + 1)).unwrap();
        assert!(Before::read(&folder).unwrap().is_none());
    }
}
