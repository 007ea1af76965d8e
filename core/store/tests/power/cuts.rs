//! Power cuts: the recorded file operations of a session, replayed up to a point, with what the
//! disk may have kept.

use std::collections::BTreeMap;

use mainstay_power_cut::disk::{Disk, Survives};
use mainstay_power_cut::recording::{self, Event};
use mainstay_power_cut::{long, shim};
use mainstay_store::Backend;

use crate::report;
use crate::session::Kind;
use crate::verify;
use crate::worker::{Acknowledged, Job};

const STEPS: u64 = 170;
/// Where the short form cuts; each time in every way of [`Survives::ways`].
const SHORT_CUTS: usize = 70;

#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) points: usize,
    pub(crate) cuts: usize,
    pub(crate) clean: usize,
    /// How many of the cuts that kept only what was fsynced were clean.
    clean_strict: usize,
    /// What was wrong, and how often.
    pub(crate) losses: BTreeMap<String, usize>,
    pub(crate) first: Option<String>,
}

pub(crate) fn record(job: &Job) -> Vec<Event> {
    let log = job.root.join("record");
    let worker = job.start(&[(shim::LOG, log.display().to_string())]);
    assert!(worker.finish().success(), "the worker failed");
    recording::read(&log)
}

/// Replays a session and cuts at `wanted` of its write boundaries, or at every one.
fn replay(job: &Job, wanted: Option<usize>) -> Outcome {
    let events = record(job);
    let mut disk = Disk::default();
    let boundaries = events.iter().filter(|event| disk.follow(event)).count();
    let every = wanted.map_or(1, |wanted| (boundaries / wanted).max(1));

    let mut outcome = Outcome::default();
    let mut told = Acknowledged::default();
    let mut disk = Disk::default();
    let mut boundary = 0;
    for event in &events {
        if let Event::Acknowledged { lines } = event {
            told.read(lines);
        }
        if !disk.follow(event) {
            continue;
        }
        boundary += 1;
        // The last of each stretch, shifted a little each time, so that no kind is always missed.
        if boundary % every == (boundary / every) * 7 % every {
            outcome.points += 1;
            cut(job, &disk, told, boundary, &mut outcome);
        }
    }
    outcome
}

pub(crate) fn cut(
    job: &Job,
    disk: &Disk,
    told: Acknowledged,
    boundary: usize,
    outcome: &mut Outcome,
) {
    for survives in Survives::ways(boundary as u64) {
        let target = tempfile::tempdir().unwrap();
        disk.cut(survives, target.path());
        outcome.cuts += 1;
        match verify::check(job, &target.path().join("store"), told) {
            Ok(_) => {
                outcome.clean += 1;
                outcome.clean_strict += usize::from(survives == Survives::Nothing);
            }
            Err(wrong) => {
                let example = format!("boundary {boundary}, {survives:?}, {told:?}: {wrong}");
                outcome.first.get_or_insert(example);
                *outcome.losses.entry(wrong).or_default() += 1;
            }
        }
    }
}

fn job(backend: Backend, root: &tempfile::TempDir) -> Job {
    Job::new(backend, root.path(), STEPS)
}

fn nothing_is_lost(backend: Backend) {
    let root = tempfile::tempdir().unwrap();
    let outcome = replay(&job(backend, &root), (!long()).then_some(SHORT_CUTS));
    report(format!(
        "power cuts, {backend}: {} of {} clean, at {} points of a session of {STEPS} steps",
        outcome.clean, outcome.cuts, outcome.points
    ));
    assert!(outcome.points >= 60, "{outcome:?}");
    assert_eq!(outcome.clean, outcome.cuts, "{:?}; {:?}", outcome.first, outcome.losses);
}

#[test]
fn a_power_cut_loses_nothing_acknowledged_on_sled() {
    nothing_is_lost(Backend::Sled);
}

#[test]
fn a_power_cut_loses_nothing_acknowledged_on_redb() {
    nothing_is_lost(Backend::Redb);
}

/// The model finds the loss in most of the cuts that keep only what was fsynced.
fn much_is_lost(what: &str, job: &Job) {
    let outcome = replay(job, Some(SHORT_CUTS));
    report(format!(
        "{what}: {} of {} clean, {} of {} where only fsynced bytes survive",
        outcome.clean, outcome.cuts, outcome.clean_strict, outcome.points
    ));
    assert!(outcome.clean_strict * 2 < outcome.points, "{outcome:?}");
}

/// Why we fsync ourselves: sled's `flush()` does not.
#[test]
fn the_model_catches_sled_without_our_fsync() {
    let root = tempfile::tempdir().unwrap();
    let job = Job { skip_sync: true, ..job(Backend::Sled, &root) };
    much_is_lost("power cuts without our fsync, sled", &job);
}

/// Why values have a limit: beyond it they become files, which sled never fsyncs.
#[test]
fn the_model_catches_values_over_the_limit_on_sled() {
    let root = tempfile::tempdir().unwrap();
    let job = Job { kind: Kind::Big, last: 80, ..job(Backend::Sled, &root) };
    much_is_lost("power cuts with values of 25 KB, sled", &job);
}

/// Counts: since the acknowledgement before, the data file was really fsynced, and nothing has been
/// written to it after that, and no name of a file could be lost.
fn every_acknowledgement_follows_an_fsync(backend: Backend, data: &str) {
    let root = tempfile::tempdir().unwrap();
    let mut disk = Disk::default();
    let (mut dirty, mut synced, mut acknowledged) = (false, false, 0);
    for event in record(&job(backend, &root)) {
        disk.follow(&event);
        match &event {
            Event::Write { fd, .. } if disk.path(*fd).ends_with(data) => dirty = true,
            Event::Sync { fd } if disk.path(*fd).ends_with(data) => {
                (dirty, synced) = (false, true);
            }
            Event::Acknowledged { lines } if lines.ends_with("durable\n") => {
                assert!(synced && !dirty, "{lines:?} without an fsync");
                // One run in fifty lost a sled store whose newest snapshot had no durable name: its
                // log had begun to reuse what that snapshot says is free.
                assert!(!disk.has_pending_names(), "{lines:?} with a name that could be lost");
                acknowledged += 1;
                synced = false;
            }
            _ => {}
        }
    }
    report(format!("fsyncs, {backend}: one before each of {acknowledged} acknowledgements"));
    assert!(acknowledged > STEPS / 2);
}

#[test]
fn every_acknowledgement_follows_a_real_fsync_on_sled() {
    every_acknowledgement_follows_an_fsync(Backend::Sled, "/db");
}

#[test]
fn every_acknowledgement_follows_a_real_fsync_on_redb() {
    every_acknowledgement_follows_an_fsync(Backend::Redb, "/data.redb");
}
