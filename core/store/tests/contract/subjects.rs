//! The three stores as subjects of the contract.

use std::sync::Arc;

use mainstay_store::contract::Subject;
use mainstay_store::{Backend, MemoryStore, Recovery, Store, open};
use tempfile::TempDir;

pub(crate) struct Memory(MemoryStore);

impl Memory {
    pub(crate) fn fresh() -> Self {
        Self(MemoryStore::new())
    }
}

impl Subject for Memory {
    fn store(&self) -> &dyn Store {
        &self.0
    }

    fn reopen(&mut self) {
        self.0.reopen();
    }
}

pub(crate) struct OnDisk {
    backend: Backend,
    store: Option<Arc<dyn Store>>,
    dir: TempDir,
}

impl OnDisk {
    pub(crate) fn fresh(backend: Backend) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut subject = Self { backend, store: None, dir };
        subject.reopen();
        subject
    }
}

impl Subject for OnDisk {
    fn store(&self) -> &dyn Store {
        &**self.store.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        self.store = None;
        let opened = open(self.backend, self.dir.path()).unwrap();
        assert_eq!(opened.recovery, Recovery::Clean);
        self.store = Some(opened.store);
    }
}
