//! What the shim wrote down.

use std::path::Path;

/// One thing that a worker did to its disk, or said.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Open {
        fd: i32,
        path: String,
        truncate: bool,
    },
    Close {
        fd: i32,
    },
    Write {
        fd: i32,
        offset: usize,
        data: Vec<u8>,
    },
    Truncate {
        fd: i32,
        length: usize,
    },
    /// fsync or fdatasync, which had succeeded.
    Sync {
        fd: i32,
    },
    /// `sync_file_range`, which promises nothing.
    RangeSync,
    Rename {
        from: String,
        to: String,
    },
    Remove {
        path: String,
    },
    MakeFolder {
        path: String,
    },
    Acknowledged {
        lines: String,
    },
    Failed,
}

pub(crate) fn read(path: &Path) -> Vec<Event> {
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
