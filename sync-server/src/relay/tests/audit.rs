use std::ops::ControlFlow;

use mainstay_protocol::frame::Request;
use mainstay_store::{Batch, MemoryStore, Store};

use super::kit::*;
use crate::feed::EmbeddedFeedStore;

type Rows = Vec<(Vec<u8>, Vec<u8>)>;

fn rows(store: &MemoryStore) -> Rows {
    let mut rows = Vec::new();
    store
        .scan(&[], None, &mut |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
    rows
}

fn feed_of(rows: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> EmbeddedFeedStore<MemoryStore> {
    let (store, mut batch) = (MemoryStore::new(), Batch::default());
    rows.into_iter().for_each(|(key, value)| batch.put(key, value));
    store.commit(&batch).unwrap();
    EmbeddedFeedStore::new(store)
}

/// Items alone and replaced, snapshots in parts, receipts.
fn example() -> (Two, Rows) {
    let mut t = two();
    let (mut a, mut b) = (t.world.chain(&t.a), t.world.chain(&t.b));
    let of_a = [a.change(&t.world, b"1"), a.change(&t.world, b"2")];
    push(&t.relay, &mut t.of_a, &t.world, &of_a);
    let of_b = [b.change(&t.world, b"3")];
    push(&t.relay, &mut t.of_b, &t.world, &of_b);
    let parts = a.snapshot(&t.world, &[a.head()], 2, false);
    push(&t.relay, &mut t.of_a, &t.world, &parts);
    let later = [a.change(&t.world, b"4")];
    push(&t.relay, &mut t.of_a, &t.world, &later);
    let receipt = t.world.receipt(&t.b, 1);
    ask(&t.relay, &mut t.of_b, Request::PutReceipt { space: t.world.id, receipt });
    let all = rows(t.relay.store().store());
    (t, all)
}

/// What the space can do without: receipts are given anew, and a running hash in the middle of the feed
/// tells only whether a cursor is known.
fn may_lack(key: &[u8]) -> bool {
    matches!(key[33], b'p' | b'n')
}

#[test]
fn a_space_that_lacks_any_row_is_not_whole_and_is_taken_out_with_all_that_speaks_of_it() {
    let (t, all) = example();
    assert!(feed_of(all.clone()).is_whole(&t.world.id).unwrap());
    assert_eq!(feed_of(all.clone()).take_out_damaged().unwrap(), 0);
    let mut tried = 0;
    for (key, _) in all.iter().filter(|(key, _)| key[0] == b'S' && !may_lack(key)) {
        let feed = feed_of(all.iter().filter(|(other, _)| other != key).cloned());
        let table = key[33] as char;
        assert!(!feed.is_whole(&t.world.id).unwrap(), "without a row of {table:?}");
        assert_eq!(feed.take_out_damaged().unwrap(), 1);
        let left = rows(feed.store());
        assert!(left.iter().all(|(key, _)| key[0] == b'G'), "{table:?}: {left:?}");
        tried += 1;
    }
    assert!(tried > 30, "{tried} rows");
}

#[test]
fn what_was_replaced_and_is_found_by_time_alone_is_forgotten() {
    let (t, all) = example();
    let only = |first: u8| all.iter().filter(move |(key, _)| key[0] == first).cloned();
    assert!(only(b'D').count() > 0);
    let feed = feed_of(only(b'D').chain(only(b'G')));
    assert_eq!(feed.take_out_damaged().unwrap(), 0);
    assert_eq!(rows(feed.store()).len(), only(b'G').count());
    let _ = t;
}
