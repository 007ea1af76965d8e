//! What somebody with the relay's disk in hand does to it.

use std::ops::ControlFlow;

use mainstay_store::{Batch, MemoryStore, Store};

use super::Tamper;

impl Tamper {
    /// Deletes, cuts, alters or swaps one record of a relay's store, whichever it is.
    ///
    /// # Panics
    /// If the store fails, which memory does not.
    pub fn spoil(&mut self, store: &MemoryStore) {
        let mut all: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let scanned = store.scan(&[], None, &mut |key, value| {
            all.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        });
        scanned.expect("memory does not fail");
        if all.is_empty() {
            return;
        }
        let (at, other) = (self.below(all.len()), self.below(all.len()));
        let (key, mut value) = all[at].clone();
        let mut batch = Batch::default();
        let which = self.below(5);
        self.lies.push(format!("{which} in the store, at {:?}", key.first().map(|b| *b as char)));
        match which {
            0 => batch.delete(key),
            1 => {
                value.truncate(self.below(value.len()));
                batch.put(key, value);
            }
            2 => {
                batch.put(key, all[other].1.clone());
                batch.put(all[other].0.clone(), value);
            }
            3 => batch.put(key, self.bytes::<40>()),
            _ => {
                self.flip(&mut value);
                batch.put(key, value);
            }
        }
        store.commit(&batch).expect("memory does not fail");
    }
}
