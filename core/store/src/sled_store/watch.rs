//! Wakes a flush that sled left waiting for ever.
//!
//! When the disk fails while one of sled's threads writes, it notes the error, but on one path
//! (`exit_reservation` in sled 0.34's `logger.rs`) tells nobody, and a `flush()` that waits for
//! that write waits on. Any later call of `flush()` sees the error and wakes the others; so a
//! thread of ours makes one when a flush takes long and an error has been noted.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::error::sled_error;
use crate::StoreError;
use crate::guard::caught;

/// How long a flush may take before we look for an error. A flush that is merely slow goes on.
const PATIENCE: Duration = Duration::from_millis(500);

/// A thread that sleeps until a flush begins, and at most looks twice a second while they go on.
pub(super) struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    flushing: bool,
    awake: bool,
    stopping: bool,
}

impl Watch {
    pub(super) fn start(db: sled::Db) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared::default());
        let watched = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("mainstay-sled".into())
            .spawn(move || watched.watch(&db))
            .map_err(|source| StoreError::io("starting a thread", source))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Flushes `db`, and returns when that is done or has failed.
    pub(super) fn flush(&self, db: &sled::Db) -> Result<(), StoreError> {
        self.flushing(true);
        let flushed =
            caught("flushing", || db.flush().map_err(|error| sled_error("flushing", error)));
        self.flushing(false);
        flushed.map(drop)
    }

    fn flushing(&self, now: bool) {
        let mut state = self.shared.lock();
        state.flushing = now;
        if now && !state.awake {
            self.shared.wake.notify_one();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, db: &sled::Db) {
        let mut state = self.lock();
        while !state.stopping {
            if !state.flushing {
                state.awake = false;
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.awake = true;
            state = match self.wake.wait_timeout(state, PATIENCE) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
            if state.flushing && db.context.global_error().is_err() {
                drop(state);
                // It fails with that error, which the waiting flush then returns.
                let _ = caught("waking a flush", || {
                    db.flush().map_err(|error| sled_error("waking a flush", error))
                });
                state = self.lock();
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            // It has nothing to return, and its panics are caught.
            let _ = thread.join();
        }
    }
}
