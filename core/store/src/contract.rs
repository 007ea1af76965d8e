//! What every [`Store`] does, as checks that panic where one does not. Tests run all of them on
//! each store by [`store_contract!`](crate::store_contract).
#![allow(clippy::unwrap_used, missing_docs)]

use std::ops::ControlFlow;

use crate::{
    Batch, MAX_BATCH_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES, Store, StoreError, blob, prefix_end,
};

/// A store under test, which can be closed and opened again.
pub trait Subject {
    fn store(&self) -> &dyn Store;
    fn reopen(&mut self);
}

/// One test for each rule of the contract, on the subject that `$fresh` makes.
#[macro_export]
macro_rules! store_contract {
    ($($rule:ident),+ $(,)? => $fresh:expr) => {
        $(#[test]
        fn $rule() {
            $crate::contract::$rule(&mut $fresh);
        })+
    };
    ($fresh:expr) => {
        $crate::store_contract! {
            keys_come_in_byte_order_both_ways,
            a_range_includes_its_start_and_excludes_its_end,
            a_scan_stops_when_it_is_told_to,
            a_scan_lets_its_visitor_write,
            a_batch_replaces_and_deletes,
            everything_committed_is_there_after_a_reopen,
            lazy_writes_are_read_at_once_and_kept_by_a_flush,
            what_is_too_large_is_refused_and_changes_nothing,
            values_and_keys_at_the_limit_are_kept,
            a_batch_of_many_keys_is_kept,
            an_empty_batch_is_fine,
            blobs_of_any_size_are_kept_replaced_and_deleted,
            a_blob_that_lost_a_chunk_is_damaged,
            the_size_is_that_of_what_it_holds,
            many_threads_share_a_store => $fresh
        }
    };
}

/// Everything between two keys, in the order of the scan.
pub fn pairs(
    store: &dyn Store,
    from: &[u8],
    to: Option<&[u8]>,
    back: bool,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        found.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    if back {
        store.scan_back(from, to, &mut visit).unwrap();
    } else {
        store.scan(from, to, &mut visit).unwrap();
    }
    found
}

fn keys(store: &dyn Store, from: &[u8], to: Option<&[u8]>) -> Vec<Vec<u8>> {
    let forward: Vec<_> = pairs(store, from, to, false).into_iter().map(|pair| pair.0).collect();
    let mut back: Vec<_> = pairs(store, from, to, true).into_iter().map(|pair| pair.0).collect();
    back.reverse();
    assert_eq!(forward, back, "both directions find the same");
    forward
}

fn batch(pairs: &[(&[u8], &[u8])]) -> Batch {
    let mut batch = Batch::default();
    for (key, value) in pairs {
        batch.put(*key, *value);
    }
    batch
}

pub fn keys_come_in_byte_order_both_ways(subject: &mut dyn Subject) {
    let store = subject.store();
    let sorted: [&[u8]; 7] = [b"\0", b"\0\0", b"a", b"a\0", b"ab", b"b", b"\xff\xff"];
    for index in [3, 0, 6, 1, 5, 2, 4] {
        store.commit(&batch(&[(sorted[index], b"x")])).unwrap();
    }
    assert_eq!(keys(store, b"", None), sorted);
}

pub fn a_range_includes_its_start_and_excludes_its_end(subject: &mut dyn Subject) {
    let store = subject.store();
    store.commit(&batch(&[(b"a", b"1"), (b"b", b"2"), (b"c", b"3"), (b"d", b"4")])).unwrap();
    assert_eq!(keys(store, b"b", Some(b"d")), [b"b", b"c"]);
    assert_eq!(keys(store, b"bb", None), [b"c", b"d"]);
    assert_eq!(keys(store, b"b", prefix_end(b"b").as_deref()), [b"b"]);
    assert!(keys(store, b"c", Some(b"c")).is_empty());
    assert!(keys(store, b"d", Some(b"a")).is_empty());
    assert!(keys(store, b"e", None).is_empty());
}

pub fn a_scan_stops_when_it_is_told_to(subject: &mut dyn Subject) {
    let store = subject.store();
    store.commit(&batch(&[(b"a", b"1"), (b"b", b"2"), (b"c", b"3")])).unwrap();
    let mut seen = Vec::new();
    let mut visit = |key: &[u8], _: &[u8]| {
        seen.push(key.to_vec());
        if seen.len() % 2 == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    store.scan(b"", None, &mut visit).unwrap();
    store.scan_back(b"", None, &mut visit).unwrap();
    assert_eq!(seen, [b"a", b"b", b"c", b"b"]);
}

pub fn a_scan_lets_its_visitor_write(subject: &mut dyn Subject) {
    let store = subject.store();
    store.commit(&batch(&[(b"a", b"1"), (b"b", b"2")])).unwrap();
    let mut visits = 0;
    let mut visit = |key: &[u8], value: &[u8]| {
        visits += 1;
        assert_eq!(store.get(key).unwrap().unwrap(), value);
        store.commit(&batch(&[(b"0", b"written")])).unwrap();
        ControlFlow::Continue(())
    };
    store.scan(b"a", None, &mut visit).unwrap();
    assert_eq!(visits, 2);
    assert_eq!(store.get(b"0").unwrap().unwrap(), b"written");
}

pub fn a_batch_replaces_and_deletes(subject: &mut dyn Subject) {
    let store = subject.store();
    store.commit(&batch(&[(b"keep", b"1"), (b"drop", b"2"), (b"", b"empty key")])).unwrap();
    let mut change = batch(&[(b"keep", b"changed"), (b"new", b"")]);
    change.delete(*b"drop");
    change.delete(*b"never there");
    store.commit(&change).unwrap();
    subject.reopen();
    let store = subject.store();
    assert_eq!(keys(store, b"", None), [&b""[..], b"keep", b"new"]);
    assert_eq!(store.get(b"keep").unwrap().unwrap(), b"changed");
    assert_eq!(store.get(b"new").unwrap().unwrap(), b"", "an empty value is a value");
    assert_eq!(store.get(b"drop").unwrap(), None);
    let mut last = Batch::default();
    last.delete(*b"keep");
    store.commit(&last).unwrap();
    assert_eq!(store.get(b"keep").unwrap(), None);
}

pub fn everything_committed_is_there_after_a_reopen(subject: &mut dyn Subject) {
    for round in 0..4_u8 {
        for number in 0..50_u8 {
            subject.store().commit(&batch(&[(&[round, number], &[number; 300])])).unwrap();
        }
        subject.reopen();
        assert_eq!(keys(subject.store(), b"", None).len(), 50 * (usize::from(round) + 1));
    }
    for (key, value) in pairs(subject.store(), b"", None, false) {
        assert_eq!(value, vec![key[1]; 300]);
    }
}

pub fn lazy_writes_are_read_at_once_and_kept_by_a_flush(subject: &mut dyn Subject) {
    let store = subject.store();
    store.commit_lazily(&batch(&[(b"a", b"1"), (b"b", b"2")])).unwrap();
    assert_eq!(store.get(b"b").unwrap().unwrap(), b"2");
    store.flush().unwrap();
    store.flush().unwrap();
    store.commit_lazily(&batch(&[(b"c", b"3")])).unwrap();
    subject.reopen();
    assert_eq!(keys(subject.store(), b"", None), [b"a", b"b", b"c"]);
}

pub fn what_is_too_large_is_refused_and_changes_nothing(subject: &mut dyn Subject) {
    let store = subject.store();
    let long = vec![7; MAX_VALUE_BYTES + 1];
    let refusals = [
        batch(&[(b"good", b"1"), (b"bad", &long)]),
        batch(&[(b"good", b"1"), (&long[..=MAX_KEY_BYTES], b"1")]),
        batch_of_bytes(MAX_BATCH_BYTES + 1),
    ];
    let limits = [MAX_VALUE_BYTES, MAX_KEY_BYTES, MAX_BATCH_BYTES];
    for (refused, expected) in refusals.iter().zip(limits) {
        for result in [store.commit(refused), store.commit_lazily(refused)] {
            assert!(
                matches!(result, Err(StoreError::TooLarge { limit, .. }) if limit == expected),
                "{result:?}"
            );
        }
    }
    assert!(keys(store, b"", None).is_empty());
    store.commit(&batch(&[(b"good", b"1")])).unwrap();
}

pub fn values_and_keys_at_the_limit_are_kept(subject: &mut dyn Subject) {
    let value = vec![9; MAX_VALUE_BYTES];
    for number in 0..40_u8 {
        let mut key = vec![number; MAX_KEY_BYTES];
        key[MAX_KEY_BYTES / 2] = 0xff;
        subject.store().commit(&batch(&[(&key, &value)])).unwrap();
    }
    subject.reopen();
    let found = pairs(subject.store(), b"", None, false);
    assert_eq!(found.len(), 40);
    assert!(found.iter().all(|pair| pair.1 == value));
}

pub fn a_batch_of_many_keys_is_kept(subject: &mut dyn Subject) {
    let all = batch_of_bytes(MAX_BATCH_BYTES);
    subject.store().commit(&all).unwrap();
    subject.reopen();
    let found = pairs(subject.store(), b"", None, false);
    assert_eq!(found.len(), all.len());
    for ((key, value), expected) in found.iter().zip(all.iter()) {
        assert_eq!((key.as_slice(), Some(value.as_slice())), expected);
    }
    let mut none = Batch::default();
    found.into_iter().for_each(|pair| none.delete(pair.0));
    subject.store().commit(&none).unwrap();
    subject.reopen();
    assert!(keys(subject.store(), b"", None).is_empty());
}

/// Keys and values that together have exactly this size.
fn batch_of_bytes(size_bytes: usize) -> Batch {
    const KEY_BYTES: usize = 4;
    let mut batch = Batch::default();
    let mut number = 0_u32;
    while batch.size_bytes() < size_bytes {
        let left = size_bytes - batch.size_bytes() - KEY_BYTES;
        let mut take = left.min(2000);
        if left - take < KEY_BYTES {
            take = left;
        }
        batch.put(number.to_be_bytes(), vec![number as u8; take]);
        number += 1;
    }
    batch
}

pub fn an_empty_batch_is_fine(subject: &mut dyn Subject) {
    subject.store().commit(&Batch::default()).unwrap();
    subject.store().commit_lazily(&Batch::default()).unwrap();
    subject.reopen();
    assert!(keys(subject.store(), b"", None).is_empty());
}

pub fn blobs_of_any_size_are_kept_replaced_and_deleted(subject: &mut dyn Subject) {
    // Chunk 0 holds eight bytes less of the value: the edges lie there.
    let edge = MAX_VALUE_BYTES - 8;
    subject.store().commit(&batch(&[(b"blob", b"before"), (b"blobs0", b"after")])).unwrap();
    for size in [0, 1, edge - 1, edge, edge + 1, edge + MAX_VALUE_BYTES, 300_000, 5] {
        let value: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        let mut change = Batch::default();
        blob::put(subject.store(), &mut change, b"blobs/", &value).unwrap();
        subject.store().commit(&change).unwrap();
        subject.reopen();
        assert_eq!(blob::get(subject.store(), b"blobs/").unwrap().unwrap(), value);
        let chunks = keys(subject.store(), b"blobs/", prefix_end(b"blobs/").as_deref()).len();
        assert_eq!(chunks, (size + 8).div_ceil(MAX_VALUE_BYTES), "no chunk of the longer is left");
    }
    let mut change = Batch::default();
    blob::delete(subject.store(), &mut change, b"blobs/").unwrap();
    subject.store().commit(&change).unwrap();
    assert_eq!(blob::get(subject.store(), b"blobs/").unwrap(), None);
    assert_eq!(keys(subject.store(), b"", None), [&b"blob"[..], b"blobs0"]);

    let long = [0; blob::MAX_PREFIX_BYTES + 1];
    let refused = blob::put(subject.store(), &mut change, &long, b"");
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
}

pub fn a_blob_that_lost_a_chunk_is_damaged(subject: &mut dyn Subject) {
    let store = subject.store();
    for lost in 0..3_u32 {
        let mut change = Batch::default();
        blob::put(store, &mut change, b"b", &[1; 10_000]).unwrap();
        store.commit(&change).unwrap();
        let mut loss = Batch::default();
        loss.delete([&b"b"[..], &lost.to_be_bytes()].concat());
        store.commit(&loss).unwrap();
        let result = blob::get(store, b"b");
        assert!(matches!(result, Err(StoreError::Damaged { .. })), "chunk {lost}: {result:?}");
    }
}

pub fn the_size_is_that_of_what_it_holds(subject: &mut dyn Subject) {
    let store = subject.store();
    store.commit(&batch_of_bytes(1 << 20)).unwrap();
    let size = store.size_bytes().unwrap();
    assert!(((1 << 20)..(16 << 20)).contains(&size), "{size}");
}

pub fn many_threads_share_a_store(subject: &mut dyn Subject) {
    const THREADS: u8 = 4;
    const WRITES: u8 = 25;
    let store = subject.store();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for number in 0..WRITES {
                    // Two keys that are always equal: nobody sees half a batch by `get`.
                    let both = batch(&[(&[thread, number], b"x"), (&[thread], &[number])]);
                    store.commit(&both).unwrap();
                    assert_eq!(store.get(&[thread]).unwrap().unwrap(), [number]);
                }
            });
        }
    });
    subject.reopen();
    let expected = usize::from(THREADS) * (usize::from(WRITES) + 1);
    assert_eq!(keys(subject.store(), b"", None).len(), expected);
}
