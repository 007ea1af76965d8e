//! Is everything that was acknowledged there?

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use mainstay_store::danger::{open_redb, open_sled};
use mainstay_store::{Backend, Opened, Recovery, Store, StoreError};

use crate::session::{Contents, Kind, apply, contents_after, step};
use crate::worker::{Acknowledged, Job};

/// Opens what a cut left in `store` and compares. Returns the step whose state it holds, or what
/// is wrong; the store is then one step further. A state between two steps is as wrong as a
/// missing one.
pub(crate) fn check(job: &Job, store: &Path, told: Acknowledged) -> Result<u64, String> {
    mainstay_power_cut::quiet_backends();
    let checked = catch_unwind(AssertUnwindSafe(|| {
        let found = contents(job, store)?;
        let number = matching_step(&found, told, job.kind)?;
        goes_on(job, store, found, number + 1)?;
        Ok(number)
    }));
    checked.unwrap_or_else(|_| Err("a panic came out of the store".into()))
}

/// A store that came through takes the next step, and keeps it.
fn goes_on(job: &Job, dir: &Path, mut expected: Contents, next: u64) -> Result<(), String> {
    let next = step(next, job.kind).batch;
    apply(&mut expected, &next);
    let store = reopen(job, dir).map_err(|error| format!("does not open again: {error}"))?.store;
    store.commit(&next).map_err(|error| format!("does not go on: {error}"))?;
    drop(store);
    if contents(job, dir)? == expected { Ok(()) } else { Err("changes by opening".into()) }
}

fn contents(job: &Job, dir: &Path) -> Result<Contents, String> {
    let opened = reopen(job, dir).map_err(|error| format!("does not open: {error}"))?;
    match opened.recovery {
        Recovery::Clean | Recovery::Repaired { .. } => {}
        Recovery::MovedAside { why, .. } => return Err(format!("moved aside: {why}")),
        other => return Err(format!("{other:?}")),
    }
    let mut found = Contents::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        found.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    };
    let scanned = opened.store.scan(b"", None, &mut visit);
    scanned.map_err(|error| format!("does not read: {error}"))?;
    Ok(found)
}

fn reopen(job: &Job, dir: &Path) -> Result<Opened<Arc<dyn Store>>, StoreError> {
    fn shared(opened: Opened<impl Store + 'static>) -> Opened<Arc<dyn Store>> {
        Opened { store: Arc::new(opened.store), recovery: opened.recovery }
    }
    match job.backend {
        Backend::Sled => open_sled(dir, job.options()).map(shared),
        Backend::Redb => open_redb(dir, job.options()).map(shared),
    }
}

/// The steps after the last durable one may be there or not, but in order, each as a whole; the
/// one under way at the cut included.
fn matching_step(found: &Contents, told: Acknowledged, kind: Kind) -> Result<u64, String> {
    let mut expected = contents_after(told.durable, kind);
    for number in told.durable..=told.last + 1 {
        if number > told.durable {
            apply(&mut expected, &step(number, kind).batch);
        }
        if *found == expected {
            return Ok(number);
        }
    }
    let expected = contents_after(told.durable, kind);
    let wrong = expected.iter().filter(|(key, value)| found.get(*key) != Some(value)).count();
    Err(format!("{wrong} of {} acknowledged values differ", expected.len()))
}
