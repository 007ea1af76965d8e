//! kill -9 at random moments of a writer, again and again on the same store.

use std::time::Duration;

use mainstay_store::Backend;

use crate::session::Random;
use crate::verify;
use crate::worker::{Acknowledged, Job};
use crate::{long, report};

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
        // Opening takes its time too, and is killed as well.
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
    assert!(acknowledged > kills, "the worker hardly worked");
}

#[test]
fn a_kill_loses_nothing_acknowledged_on_sled() {
    survives_kills(Backend::Sled);
}

#[test]
fn a_kill_loses_nothing_acknowledged_on_redb() {
    survives_kills(Backend::Redb);
}
