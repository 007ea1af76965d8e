//! What the shim wrote down.

use std::collections::HashSet;
use std::path::Path;

/// One thing that a worker did to its disk, or said. Paths begin at the watched folder.
#[derive(Debug, Clone)]
pub enum Event {
    /// A file or a folder was opened, or made.
    Open {
        /// Its descriptor.
        fd: i32,
        /// Where it lies.
        path: String,
        /// Whether what it held is gone.
        truncate: bool,
    },
    /// A descriptor was closed.
    Close {
        /// Which.
        fd: i32,
    },
    /// Bytes were written.
    Write {
        /// To which file.
        fd: i32,
        /// From which byte on.
        offset: usize,
        /// What.
        data: Vec<u8>,
    },
    /// A file was given another length.
    Truncate {
        /// Which.
        fd: i32,
        /// Bytes.
        length: usize,
    },
    /// fsync or fdatasync, which had succeeded.
    Sync {
        /// Of which file or folder.
        fd: i32,
    },
    /// `sync_file_range`, which promises nothing.
    RangeSync,
    /// A file or a folder got another name.
    Rename {
        /// The name it had.
        from: String,
        /// The name it has.
        to: String,
    },
    /// A name was removed.
    Remove {
        /// Which.
        path: String,
    },
    /// A folder was made.
    MakeFolder {
        /// Where.
        path: String,
    },
    /// The worker acknowledged something.
    Acknowledged {
        /// What it said, in whole lines.
        lines: String,
    },
    /// A call failed on request.
    Failed,
}

/// Reads a record.
pub fn read(path: &Path) -> Vec<Event> {
    let bytes = std::fs::read(path).unwrap();
    let mut rest = bytes.as_slice();
    let mut events = Vec::new();
    while let Some((head, after)) = rest.split_first_chunk::<17>() {
        let length = u32::from_le_bytes(head[13..17].try_into().unwrap()) as usize;
        events.push(event(head, &after[..length]));
        rest = &after[length..];
    }
    assert!(rest.is_empty(), "the record ends in the middle");
    events
}

/// The events of one folder of the disk, and every acknowledgement: as if the folder were on a disk
/// of its own. The others leave [`Event::RangeSync`], so that events keep their places.
pub fn part(events: &[Event], folder: &str) -> Vec<Event> {
    let inside = |path: &str| {
        path.is_empty()
            || path.strip_prefix(folder).is_some_and(|p| p.is_empty() || p.starts_with('/'))
    };
    let mut open = HashSet::new();
    let mut ours = |event: &Event| match event {
        Event::Open { fd, path, .. } => {
            open.remove(fd);
            inside(path) && open.insert(*fd)
        }
        Event::Close { fd } => open.remove(fd),
        Event::Write { fd, .. } | Event::Truncate { fd, .. } | Event::Sync { fd } => {
            open.contains(fd)
        }
        Event::Rename { to: path, .. } | Event::Remove { path } | Event::MakeFolder { path } => {
            inside(path)
        }
        Event::RangeSync | Event::Acknowledged { .. } | Event::Failed => true,
    };
    let mut kept = |event: &Event| if ours(event) { event.clone() } else { Event::RangeSync };
    events.iter().map(&mut kept).collect()
}

fn event(head: &[u8; 17], data: &[u8]) -> Event {
    let fd = i32::from_le_bytes(head[1..5].try_into().unwrap());
    let number = u64::from_le_bytes(head[5..13].try_into().unwrap()) as usize;
    let text = || String::from_utf8(data.to_vec()).unwrap();
    match head[0] {
        b'O' => Event::Open { fd, path: text(), truncate: number == 1 },
        b'C' => Event::Close { fd },
        b'W' => Event::Write { fd, offset: number, data: data.to_vec() },
        b'T' => Event::Truncate { fd, length: number },
        b'F' => Event::Sync { fd },
        b'S' => Event::RangeSync,
        b'R' => {
            let both = text();
            let (from, to) = both.split_once('\n').unwrap();
            Event::Rename { from: from.into(), to: to.into() }
        }
        b'U' => Event::Remove { path: text() },
        b'M' => Event::MakeFolder { path: text() },
        b'A' => Event::Acknowledged { lines: text() },
        b'X' => Event::Failed,
        _ => panic!("the worker wrote in a way that the model does not know: {}", text()),
    }
}
