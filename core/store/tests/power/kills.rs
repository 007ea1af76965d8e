//! kill -9 at random moments of a writer, again and again on the same store.

use std::time::{Duration, Instant};

use mainstay_power_cut::long;
use mainstay_power_cut::random::Random;
use mainstay_store::Backend;

use crate::report;
use crate::verify;
use crate::worker::{Acknowledged, Job};

/// More steps than a worker gets to do.
const MANY: u64 = 1_000_000;

fn survives_kills(backend: Backend) {
    let kills = if long() { 100 } else { 10 };
    let root = tempfile::tempdir().unwrap();
    let mut job = Job::new(backend, root.path(), MANY);
    let mut random = Random::new(kills);
    let mut acknowledged = 0;
    for kill in 1..=kills {
        let _ = std::fs::remove_file(job.acks());
        let mut worker = job.start(&[]);
        // Every other kill may also fall into the opening; the rest wait until it is over, however
        // slow the machine.
        let give_up = Instant::now() + Duration::from_secs(30);
        let has_acks = || std::fs::metadata(job.acks()).is_ok_and(|acks| acks.len() > 0);
        while kill % 2 == 0 && !has_acks() && Instant::now() < give_up {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(20 + random.below(200)));
        worker.child.kill().unwrap();
        worker.child.wait().unwrap();

        let mut told = Acknowledged { last: job.first - 1, durable: job.first - 1 };
        told.read(&std::fs::read_to_string(job.acks()).unwrap_or_default());
        acknowledged += told.last + 1 - job.first;
        // A kill loses nothing that the system has taken, but lazy steps may still be in memory.
        let found = verify::check(&job, &job.store(), told)
            .unwrap_or_else(|wrong| panic!("{backend}, kill {kill}: {wrong}"));
        job.first = found + 1;
    }
    report(format!(
        "kill -9, {backend}: {kills} of {kills} clean, {acknowledged} steps acknowledged"
    ));
    assert!(acknowledged >= kills / 2, "the worker hardly worked");
}

#[test]
fn a_kill_loses_nothing_acknowledged_on_sled() {
    survives_kills(Backend::Sled);
}

#[test]
fn a_kill_loses_nothing_acknowledged_on_redb() {
    survives_kills(Backend::Redb);
}
