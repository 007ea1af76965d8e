//! Files that were truncated, zeroed or flipped: a store opens, or says what is damaged; nothing
//! panics out of it, and the damaged files are kept.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use mainstay_power_cut::damage::{Damage, copy, files};
use mainstay_store::{Backend, Opened, Recovery, Store, StoreError, open};

use crate::report;
use crate::session::{Contents, Kind, apply, contents_after, step};

const STEPS: u64 = 120;

/// What a reader saw of a damaged store.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Seen {
    Whole,
    Repaired,
    MovedAside,
    /// An error, at open or at a read, that names the damage, or a loss that opening noticed.
    Told,
    /// Another value than was written, without a word.
    Altered,
    /// Fewer or other keys than were written, without a word.
    Silent,
}

fn look(backend: Backend, dir: &Path, expected: &Contents) -> Seen {
    let opened = match open(backend, dir) {
        Ok(opened) => opened,
        Err(StoreError::Damaged { .. }) => return Seen::Told,
        Err(error) => panic!("damage is no {error:?}"),
    };
    if let Recovery::MovedAside { path, why } = &opened.recovery {
        assert!(!why.is_empty());
        assert!(path.starts_with(dir.join("aside")), "{path:?}");
        opened.store.commit(&step(1, Kind::Usual).batch).unwrap();
        return Seen::MovedAside;
    }
    if let Recovery::Incomplete { path, .. } = &opened.recovery {
        assert!(path.starts_with(dir.join("aside")) && path.exists(), "{path:?}");
        goes_on(backend, dir, opened);
        return Seen::Told;
    }
    let mut found = Contents::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        found.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    };
    match opened.store.scan(b"", None, &mut visit) {
        Ok(()) if !found.keys().eq(expected.keys()) => Seen::Silent,
        Ok(()) if found != *expected => Seen::Altered,
        Ok(()) if opened.recovery == Recovery::Clean => Seen::Whole,
        Ok(()) => Seen::Repaired,
        Err(StoreError::Damaged { .. }) => Seen::Told,
        Err(error) => panic!("damage is no {error:?}"),
    }
}

/// What was there, and what is written now, is there at the next open; the loss is told until somebody
/// says that they have dealt with it.
fn goes_on(backend: Backend, dir: &Path, opened: Opened<Arc<dyn Store>>) {
    let mut expected = contents(&*opened.store);
    let next = step(STEPS + 1, Kind::Usual).batch;
    apply(&mut expected, &next);
    opened.store.commit(&next).unwrap();
    let told = opened.recovery.clone();
    drop(opened);
    let again = open(backend, dir).unwrap();
    assert_eq!(again.recovery, told, "nobody has dealt with it yet");
    again.store.mended().unwrap();
    drop(again);
    let again = open(backend, dir).unwrap();
    assert_eq!(again.recovery, Recovery::Clean);
    assert!(contents(&*again.store) == expected, "what is written after a repair is lost");
}

fn contents(store: &dyn Store) -> Contents {
    let mut found = Contents::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        found.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    };
    store.scan(b"", None, &mut visit).unwrap();
    found
}

/// A store that was closed in order a few times, and what it holds.
fn example(backend: Backend, dir: &Path) -> Contents {
    for session in 0..3 {
        let store = open(backend, dir).unwrap().store;
        for number in session * STEPS / 3 + 1..=(session + 1) * STEPS / 3 {
            store.commit(&step(number, Kind::Usual).batch).unwrap();
        }
    }
    contents_after(STEPS, Kind::Usual)
}

fn every_damage(backend: Backend) {
    mainstay_power_cut::quiet_backends();
    let original = tempfile::tempdir().unwrap();
    let expected = example(backend, original.path());
    let mut seen = Vec::new();
    for file in files(original.path()) {
        let name = file.strip_prefix(original.path()).unwrap();
        if fs::metadata(&file).unwrap().len() == 0 {
            continue;
        }
        for damage in Damage::ALL {
            let dir = tempfile::tempdir().unwrap();
            copy(original.path(), dir.path());
            damage.apply(&dir.path().join(name));
            let damaged = fs::read(dir.path().join(name)).ok();
            let result = look(backend, dir.path(), &expected);
            if matches!(result, Seen::MovedAside | Seen::Repaired) && damaged.is_some() {
                assert!(is_kept(dir.path(), &damaged), "{name:?} {damage:?}: not kept");
            }
            // redb reads its pages without looking at their checksums: a bit flipped inside a value
            // is for whoever sealed the value to notice, as the engine does.
            let inside_a_value = matches!(damage, Damage::Flipped(_) | Damage::Zeroed(_));
            let altered = result == Seen::Altered && backend == Backend::Redb && inside_a_value;
            let noticed = !matches!(result, Seen::Altered | Seen::Silent);
            assert!(noticed || altered, "{name:?} {damage:?} went unnoticed: {result:?}");
            seen.push(result);
        }
    }
    let count = |kind| seen.iter().filter(|result| **result == kind).count();
    report(format!(
        "damage, {backend}: of {} damaged files {} opened whole, {} after a repair, {} were moved \
         aside, {} named by an error, {} gave another value unnoticed",
        seen.len(),
        count(Seen::Whole),
        count(Seen::Repaired),
        count(Seen::MovedAside),
        count(Seen::Told),
        count(Seen::Altered),
    ));
}

/// Whether these bytes are still somewhere in the store's directory.
fn is_kept(dir: &Path, damaged: &Option<Vec<u8>>) -> bool {
    files(dir).iter().any(|path| fs::read(path).ok() == *damaged)
}

#[test]
fn damage_to_any_file_of_a_sled_store_is_survived() {
    every_damage(Backend::Sled);
}

#[test]
fn damage_to_any_file_of_a_redb_store_is_survived() {
    every_damage(Backend::Redb);
}

/// sled writes a snapshot as it opens, and a kill may leave the beginning of one.
#[test]
fn a_snapshot_that_sled_was_killed_over_does_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    let expected = example(Backend::Sled, dir.path());
    let unfinished = dir.path().join("sled/snap.FFFFFFFFFFFFFFF0.generating");
    for length in [0, 12, 100] {
        fs::write(&unfinished, vec![7; length]).unwrap();
        assert_eq!(look(Backend::Sled, dir.path(), &expected), Seen::Whole, "{length} bytes");
        assert!(!dir.path().join("aside").exists(), "{length} bytes");
    }
}

/// One bit in the header of the segment that sled writes to: it opens by its snapshot, takes more
/// writes, and reads none of them at the next open.
#[test]
fn what_is_written_after_a_lost_end_is_there_at_the_next_open() {
    let dir = tempfile::tempdir().unwrap();
    for number in 1..=3 {
        let store = open(Backend::Sled, dir.path()).unwrap().store;
        store.commit(&step(number, Kind::Usual).batch).unwrap();
    }
    Damage::Flipped(0).apply(&dir.path().join("sled/db"));
    let damaged = fs::read(dir.path().join("sled/db")).ok();
    let opened = open(Backend::Sled, dir.path()).unwrap();
    assert!(is_kept(dir.path(), &damaged), "it is not kept as it was found");
    let mut batch = mainstay_store::Batch::default();
    batch.put(*b"written afterwards", *b"and acknowledged");
    opened.store.commit(&batch).unwrap();
    let first = opened.recovery.clone();
    drop(opened);
    let again = open(Backend::Sled, dir.path()).unwrap();
    let found = again.store.get(b"written afterwards").unwrap();
    assert!(found.is_some(), "first {first:?}, then {:?}", again.recovery);
}

/// The same where nothing tells of a loss but the header: the store was not closed in order.
#[test]
fn what_is_written_after_a_damaged_header_is_there_at_the_next_open_of_a_store_that_was_cut_off() {
    let (dir, cut) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(open(Backend::Sled, dir.path()).unwrap());
    let store = open(Backend::Sled, dir.path()).unwrap().store;
    store.commit(&step(1, Kind::Usual).batch).unwrap();
    drop(store);
    let store = open(Backend::Sled, dir.path()).unwrap().store;
    store.commit(&step(2, Kind::Usual).batch).unwrap();
    copy(dir.path(), cut.path());
    drop(store);
    Damage::Flipped(0).apply(&cut.path().join("sled/db"));
    let mut batch = mainstay_store::Batch::default();
    batch.put(*b"written afterwards", *b"and acknowledged");
    let opened = open(Backend::Sled, cut.path()).unwrap();
    opened.store.commit(&batch).unwrap();
    let first = opened.recovery.clone();
    drop(opened);
    let again = open(Backend::Sled, cut.path()).unwrap();
    let found = again.store.get(b"written afterwards").unwrap();
    assert!(found.is_some(), "first {first:?}, then {:?}", again.recovery);
    assert!(matches!(first, Recovery::Incomplete { .. }), "{first:?}");
}
