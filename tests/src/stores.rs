//! Copies of stores in memory: backups, clones, rollbacks.

use std::ops::ControlFlow;

use mainstay_store::{Batch, MemoryStore, Store};

/// Well below what one batch may hold.
const BATCH_BYTES: usize = 1 << 20;

/// A second store with the same content, which goes its own way from now on.
pub fn copy(store: &MemoryStore) -> MemoryStore {
    let copy = MemoryStore::new();
    let mut batch = Batch::default();
    let scanned = store.scan(&[], None, &mut |key, value| {
        batch.put(key, value);
        if batch.size_bytes() > BATCH_BYTES {
            copy.commit(&std::mem::take(&mut batch)).expect("memory does not fail");
        }
        ControlFlow::Continue(())
    });
    scanned.expect("memory does not fail");
    copy.commit(&batch).expect("memory does not fail");
    copy
}

/// Every byte that a store holds, keys and values, one after the other.
pub fn bytes(store: &MemoryStore) -> Vec<u8> {
    let mut all = Vec::new();
    let scanned = store.scan(&[], None, &mut |key, value| {
        all.extend_from_slice(key);
        all.extend_from_slice(value);
        ControlFlow::Continue(())
    });
    scanned.expect("memory does not fail");
    all
}

/// Deletes every record whose key starts with a byte.
pub fn wipe_table(store: &MemoryStore, table: u8) {
    let mut batch = Batch::default();
    let scanned = store.scan(&[table], Some(&[table + 1]), &mut |key, _| {
        batch.delete(key);
        ControlFlow::Continue(())
    });
    scanned.expect("memory does not fail");
    store.commit(&batch).expect("memory does not fail");
}
