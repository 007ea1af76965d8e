//! Power cuts while a store is closed that gives room back: redb moves what is left to the front of
//! its file, transaction by transaction, and cuts the file short.

use mainstay_power_cut::disk::Disk;
use mainstay_power_cut::long;
use mainstay_power_cut::recording::Event;
use mainstay_store::Backend;

use crate::cuts::{Outcome, cut, record};
use crate::report;
use crate::session::{Kind, SHED_UPTO};
use crate::worker::{Acknowledged, Job};

/// The store is opened again after the closing, and a little more is written.
const STEPS: u64 = SHED_UPTO + 6;
/// Where the short form cuts, between the last step before the closing and the first after it.
const SHORT_CUTS: usize = 40;

/// What may be left of the file: what is in it, twice over, and far less than half of what it was.
const MOST_LEFT_BYTES: usize = 1 << 20;

/// The events of a session, and which of them belong to the closing and the opening after it.
struct Closing {
    events: Vec<Event>,
    within: std::ops::Range<usize>,
}

impl Closing {
    fn of(job: &Job) -> Self {
        let events = record(job);
        let mut told = Acknowledged::default();
        let mut acknowledged = events.iter().enumerate().filter_map(|(at, event)| {
            let Event::Acknowledged { lines } = event else { return None };
            told.read(lines);
            Some((at, told.last))
        });
        let mut after = |step| acknowledged.find(|(_, last)| *last == step).unwrap().0;
        let within = after(SHED_UPTO) + 1..after(SHED_UPTO + 1);
        Self { events, within }
    }

    /// The least length to which a file was cut short.
    fn shortest(&self) -> Option<usize> {
        let lengths = self.events[self.within.clone()].iter().filter_map(|event| match event {
            Event::Truncate { length, .. } => Some(*length),
            _ => None,
        });
        lengths.min()
    }

    /// Cuts at `wanted` write boundaries of the closing, or at every one. `syncs`: whether its fsyncs
    /// do anything.
    fn replay(&self, job: &Job, wanted: Option<usize>, syncs: bool) -> Outcome {
        let mut disk = Disk::default();
        let mut told = Acknowledged::default();
        let mut outcome = Outcome::default();
        let boundaries = self.within.len();
        let every = wanted.map_or(1, |wanted| (boundaries / wanted).max(1));
        for (at, event) in self.events[..self.within.end].iter().enumerate() {
            let within = self.within.contains(&at);
            if let Event::Acknowledged { lines } = event {
                told.read(lines);
            }
            let counts = syncs || !within || !matches!(event, Event::Sync { .. });
            if counts && disk.follow(event) && within && at % every == 0 {
                outcome.points += 1;
                cut(job, &disk, told, at, &mut outcome);
            }
        }
        outcome
    }
}

fn job(root: &tempfile::TempDir) -> Job {
    Job { kind: Kind::Shedding, ..Job::new(Backend::Redb, root.path(), STEPS) }
}

#[test]
fn a_power_cut_while_redb_gives_room_back_loses_nothing_acknowledged() {
    let root = tempfile::tempdir().unwrap();
    let job = job(&root);
    let closing = Closing::of(&job);
    let shortest = closing.shortest().unwrap();
    assert!(shortest < MOST_LEFT_BYTES, "it gave no room back: {shortest} bytes left");
    let outcome = closing.replay(&job, (!long()).then_some(SHORT_CUTS), true);
    report(format!(
        "power cuts while redb gives room back: {} of {} clean, at {} points",
        outcome.clean, outcome.cuts, outcome.points
    ));
    assert!(outcome.points >= 20, "{outcome:?}");
    assert_eq!(outcome.clean, outcome.cuts, "{:?}; {:?}", outcome.first, outcome.losses);
}

/// The model finds a loss if the fsyncs of the closing do nothing.
#[test]
fn the_model_catches_room_given_back_without_fsyncs() {
    let root = tempfile::tempdir().unwrap();
    let job = job(&root);
    let outcome = Closing::of(&job).replay(&job, Some(SHORT_CUTS), false);
    report(format!(
        "power cuts while redb gives room back without fsyncs: {} of {} clean",
        outcome.clean, outcome.cuts
    ));
    assert!(outcome.clean < outcome.cuts * 9 / 10, "{outcome:?}");
}
