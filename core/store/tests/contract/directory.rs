//! The lock, the format file, migrations, and setting a store aside.

use std::fs;
use std::path::Path;

use mainstay_store::danger::{Options, open_redb, open_sled};
use mainstay_store::migrate::Step;
use mainstay_store::{Backend, Batch, Recovery, Store, StoreError, open, set_aside};

const BOTH: [Backend; 2] = [Backend::Sled, Backend::Redb];

fn one(key: &str, value: &str) -> Batch {
    let mut batch = Batch::default();
    batch.put(key, value);
    batch
}

fn with_one_entry(backend: Backend) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    open(backend, dir.path()).unwrap().store.commit(&one("key", "value")).unwrap();
    dir
}

fn value(backend: Backend, dir: &Path) -> (Option<Vec<u8>>, Recovery) {
    let opened = open(backend, dir).unwrap();
    (opened.store.get(b"key").unwrap(), opened.recovery)
}

#[test]
fn a_store_that_is_open_is_locked() {
    for backend in BOTH {
        let dir = tempfile::tempdir().unwrap();
        let first = open(backend, dir.path()).unwrap();
        let second = open(backend, dir.path()).err();
        assert!(matches!(second, Some(StoreError::Locked { .. })), "{second:?}");
        assert!(matches!(set_aside(dir.path()), Err(StoreError::Locked { .. })));
        drop(first);
        open(backend, dir.path()).unwrap();
    }
}

#[test]
fn the_other_backend_is_refused_and_nothing_changes() {
    for (backend, other) in [(Backend::Sled, Backend::Redb), (Backend::Redb, Backend::Sled)] {
        let dir = with_one_entry(backend);
        let refused = open(other, dir.path()).err();
        assert!(
            matches!(refused, Some(StoreError::WrongBackend { found, .. }) if found == backend)
        );
        assert!(!dir.path().join(other.to_string()).exists());
        assert_eq!(value(backend, dir.path()), (Some(b"value".to_vec()), Recovery::Clean));
    }
}

const MADE_UP: &[Step] = &[Step {
    what: "the value is doubled",
    run: |store| {
        let value = store.get(b"key")?.unwrap_or_default();
        let mut batch = Batch::default();
        batch.put(*b"key", [value.clone(), value].concat());
        store.commit(&batch)
    },
}];

fn open_at_version_2(backend: Backend, dir: &Path) -> Box<dyn Store> {
    let options = Options { steps: MADE_UP, ..Options::default() };
    match backend {
        Backend::Sled => Box::new(open_sled(dir, options).unwrap().store),
        Backend::Redb => Box::new(open_redb(dir, options).unwrap().store),
    }
}

#[test]
fn a_store_is_migrated_once_and_then_refused_by_the_older_program() {
    for backend in BOTH {
        let dir = with_one_entry(backend);
        for _ in 0..2 {
            let store = open_at_version_2(backend, dir.path());
            assert_eq!(store.get(b"key").unwrap().unwrap(), b"valuevalue");
        }
        let refused = open(backend, dir.path()).err();
        assert!(matches!(refused, Some(StoreError::Newer { found: 2, known: 1 })), "{refused:?}");
        let store = open_at_version_2(backend, dir.path());
        assert_eq!(store.get(b"key").unwrap().unwrap(), b"valuevalue");
    }
}

#[test]
fn a_damaged_format_file_is_replaced_by_its_copy() {
    for backend in BOTH {
        for name in ["format", "format.copy"] {
            let dir = with_one_entry(backend);
            fs::write(dir.path().join(name), "mainstay-").unwrap();
            let (value, recovery) = value(backend, dir.path());
            assert_eq!(value.unwrap(), b"value");
            assert!(matches!(recovery, Recovery::Repaired { .. }), "{recovery:?}");
            let kept = fs::read(dir.path().join("aside").join(format!("1-{name}"))).unwrap();
            assert_eq!(kept, b"mainstay-");
            assert_eq!(self::value(backend, dir.path()).1, Recovery::Clean);
        }
    }
}

#[test]
fn without_any_format_file_nothing_is_touched_until_it_is_set_aside() {
    for backend in BOTH {
        let dir = with_one_entry(backend);
        fs::remove_file(dir.path().join("format")).unwrap();
        fs::write(dir.path().join("format.copy"), "").unwrap();
        let refused = open(backend, dir.path()).err();
        assert!(matches!(refused, Some(StoreError::Damaged { .. })), "{refused:?}");

        let aside = set_aside(dir.path()).unwrap();
        assert!(aside.join(format!("1-{backend}")).is_dir());
        assert_eq!(value(backend, dir.path()), (None, Recovery::Clean));
    }
}

#[test]
fn sled_still_writes_the_conf_file_that_we_know() {
    let dir = tempfile::tempdir().unwrap();
    drop(sled::open(dir.path().join("bare")).unwrap());
    drop(open(Backend::Sled, dir.path()).unwrap());
    let theirs = fs::read(dir.path().join("bare/conf")).unwrap();
    let ours = fs::read(dir.path().join("sled/conf")).unwrap();
    assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&theirs));
    assert_eq!(ours, theirs);
}
