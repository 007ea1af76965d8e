//! From one format version to the next.
//!
//! A new version adds one [`Step`] to [`STEPS`]. A step runs at open, before anyone else sees the
//! store; its version is recorded durably after it. A crash in between runs it again, so a step
//! must be safe to repeat: it commits as it goes, and skips what it finds done.

use crate::{Store, StoreError};

/// The version that the first release writes.
pub const FIRST_VERSION: u32 = 1;

/// The way from version n to n + 1, for n = [`FIRST_VERSION`] and up.
pub const STEPS: &[Step] = &[];

/// Brings a store from one version to the next.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// What it changes, for the log.
    pub what: &'static str,
    /// Changes it. May run again after a crash.
    pub run: fn(&dyn Store) -> Result<(), StoreError>,
}

/// The version that a program with these steps writes.
pub(crate) fn newest(steps: &[Step]) -> u32 {
    FIRST_VERSION.saturating_add(u32::try_from(steps.len()).unwrap_or(u32::MAX))
}

/// Runs the steps after version `found`, calling `record` with the version that each one reaches.
pub(crate) fn run(
    store: &dyn Store,
    found: u32,
    steps: &[Step],
    record: &mut dyn FnMut(u32) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for (step, from) in steps.iter().zip(FIRST_VERSION..) {
        if from < found {
            continue;
        }
        tracing::info!(from, what = step.what, "migrating the store");
        (step.run)(store)?;
        store.flush()?;
        record(from + 1)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{Batch, MemoryStore};

    fn appended(store: &dyn Store, letter: u8) -> Result<(), StoreError> {
        let mut value = store.get(b"path")?.unwrap_or_default();
        value.push(letter);
        let mut batch = Batch::default();
        batch.put(*b"path", value);
        store.commit(&batch)
    }

    const MADE_UP: &[Step] = &[
        Step { what: "to 2", run: |store| appended(store, b'2') },
        Step { what: "to 3", run: |store| appended(store, b'3') },
    ];

    #[test]
    fn the_steps_after_the_found_version_run_in_order() {
        for (found, path) in [(1, Some(&b"23"[..])), (2, Some(&b"3"[..])), (3, None)] {
            let store = MemoryStore::new();
            let mut reached = found;
            run(&store, found, MADE_UP, &mut |version| {
                reached = version;
                Ok(())
            })
            .unwrap();
            assert_eq!(store.get(b"path").unwrap().as_deref(), path);
            assert_eq!(reached, newest(MADE_UP));
        }
    }

    #[test]
    fn a_step_that_fails_is_not_recorded() {
        let store = MemoryStore::new();
        store.fail_after(1);
        let mut recorded = Vec::new();
        let result = run(&store, 1, MADE_UP, &mut |version| {
            recorded.push(version);
            Ok(())
        });
        assert!(matches!(result, Err(StoreError::Io { .. })), "{result:?}");
        assert_eq!(recorded, [2]);
    }
}
