//! A full disk, and an I/O error, at the n-th call, for every n of a short session.

use mainstay_power_cut::long;
use mainstay_power_cut::recording::{self, Event};
use mainstay_power_cut::shim::{self, IO_ERROR, NO_SPACE};
use mainstay_store::Backend;

use crate::report;
use crate::verify;
use crate::worker::{Acknowledged, Job};

/// Creation, two openings and a few steps; the long form has more of them.
fn steps() -> u64 {
    if long() { 60 } else { 12 }
}

/// Runs the session with its n-th call failing, and returns whether there was an n-th call.
fn fails_at(backend: Backend, number: u64, errno: i32) -> bool {
    let root = tempfile::tempdir().unwrap();
    let job = Job::new(backend, root.path(), steps());
    let log = root.path().join("record");
    let worker = job.start(&[
        (shim::LOG, log.display().to_string()),
        (shim::FAIL_AT, number.to_string()),
        (shim::ERRNO, errno.to_string()),
    ]);
    let status = worker.finish();
    let case = format!("{backend}, error {errno} at call {number}");
    assert!(status.success(), "{case}: the worker ended with {status}");

    let mut told = Acknowledged::default();
    told.read(&std::fs::read_to_string(job.acks()).unwrap_or_default());
    let checked = verify::check(&job, &job.store(), told);
    assert!(checked.is_ok(), "{case}: {told:?}: {}", checked.unwrap_err());
    recording::read(&log).iter().any(|event| matches!(event, Event::Failed))
}

fn every_fault(backend: Backend, errno: i32, name: &str) {
    let calls = (1..).take_while(|number| fails_at(backend, *number, errno)).count();
    report(format!("{name}, {backend}: at each of {calls} calls, nothing lost"));
    assert!(calls > 20, "the session has only {calls} calls");
}

#[test]
fn a_full_disk_loses_nothing_acknowledged_on_sled() {
    every_fault(Backend::Sled, NO_SPACE, "full disk");
}

#[test]
fn a_full_disk_loses_nothing_acknowledged_on_redb() {
    every_fault(Backend::Redb, NO_SPACE, "full disk");
}

#[test]
fn an_io_error_loses_nothing_acknowledged_on_sled() {
    every_fault(Backend::Sled, IO_ERROR, "I/O error");
}

#[test]
fn an_io_error_loses_nothing_acknowledged_on_redb() {
    every_fault(Backend::Redb, IO_ERROR, "I/O error");
}
