//! The process that writes and gets cut, killed or failed: this test binary, started again.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mainstay_power_cut::shim;
use mainstay_power_cut::worker::Worker;
use mainstay_store::danger::{Options, open_redb, open_sled};
use mainstay_store::{Backend, Batch, Store, StoreError};

use crate::session::{self, Kind};

/// What a worker is to do, and with which of our rules it breaks.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) backend: Backend,
    /// Holds the store in `store`, the acknowledgements in `acks`, the record in `record`.
    pub(crate) root: PathBuf,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) skip_sync: bool,
    pub(crate) kind: Kind,
}

impl Job {
    pub(crate) fn new(backend: Backend, root: &Path, last: u64) -> Self {
        let root = root.to_path_buf();
        Self { backend, root, first: 1, last, skip_sync: false, kind: Kind::Usual }
    }

    pub(crate) fn disk(&self) -> PathBuf {
        self.root.join("disk")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.disk().join("store")
    }

    pub(crate) fn acks(&self) -> PathBuf {
        self.root.join("acks")
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            skip_sync: self.skip_sync,
            unlimited: self.kind == Kind::Big,
            ..Options::default()
        }
    }

    /// Starts the worker, watched by the shim, with more of the shim's variables.
    pub(crate) fn start(&self, shim_variables: &[(&str, String)]) -> Worker {
        let rules = format!("{} {:?}", self.skip_sync, self.kind);
        let order = format!("{} {} {} {rules}", self.backend, self.first, self.last);
        let mut variables = shim_variables.to_vec();
        variables.push(("MAINSTAY_WORKER", order));
        variables.push(("MAINSTAY_WORKER_ROOT", self.root.display().to_string()));
        let library = shim::library(Path::new(env!("CARGO_TARGET_TMPDIR")));
        let test = "worker::the_worker_of_the_other_tests";
        Worker::start(test, &self.disk(), &self.acks(), library, &variables)
    }
}

/// Not a test: the worker's side. Without its variables it does nothing.
#[test]
fn the_worker_of_the_other_tests() {
    let Ok(order) = std::env::var("MAINSTAY_WORKER") else { return };
    let words: Vec<&str> = order.split(' ').collect();
    let job = Job {
        backend: words[0].parse().unwrap(),
        root: std::env::var_os("MAINSTAY_WORKER_ROOT").unwrap().into(),
        first: words[1].parse().unwrap(),
        last: words[2].parse().unwrap(),
        skip_sync: words[3].parse().unwrap(),
        kind: Kind::named(words[4]),
    };
    work(&job);
}

/// Runs the steps; ends early, in order, at the first error, and checks that nothing is written
/// after it.
fn work(job: &Job) {
    let mut acks = OpenOptions::new().append(true).create(true).open(job.acks()).unwrap();
    let mut number = job.first;
    while number <= job.last {
        let Ok(store) = open(job, &job.store()) else { return };
        let reopen_after = number.next_multiple_of(job.kind.steps_per_open()).min(job.last);
        while number <= reopen_after {
            let step = session::step(number, job.kind);
            let done = if step.lazy {
                store.commit_lazily(&step.batch)
            } else {
                store.commit(&step.batch)
            };
            if done.is_err() {
                let mut after = Batch::default();
                after.put(*b"after an error", *b"x");
                assert!(matches!(store.commit(&after), Err(StoreError::Stopped)));
                return;
            }
            let kind = if step.lazy { "lazy" } else { "durable" };
            acks.write_all(format!("{number} {kind}\n").as_bytes()).unwrap();
            number += 1;
        }
    }
}

pub(crate) fn open(job: &Job, dir: &Path) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match job.backend {
        Backend::Sled => Arc::new(open_sled(dir, job.options())?.store),
        Backend::Redb => Arc::new(open_redb(dir, job.options())?.store),
    })
}

/// What a worker was told to be done: the last step, and the last durable one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) last: u64,
    pub(crate) durable: u64,
}

impl Acknowledged {
    /// Reads whole lines; the rest of a killed worker's last line is no acknowledgement.
    pub(crate) fn read(&mut self, lines: &str) {
        for line in lines.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let (number, kind) = line.trim_end().split_once(' ').unwrap();
            self.last = number.parse().unwrap();
            if kind == "durable" {
                self.durable = self.last;
            }
        }
    }
}
