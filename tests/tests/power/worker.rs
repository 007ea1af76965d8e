//! The process that lives a session and is watched: this test binary, started again.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use mainstay_core::engine::Backend;
use mainstay_power_cut::folder;
use mainstay_power_cut::shim;
use mainstay_power_cut::worker::Worker;
use tempfile::TempDir;

use crate::life;
use crate::session::Session;
use crate::told::Told;

/// What a worker is to do, and where.
pub(crate) struct Job {
    pub(crate) backend: Backend,
    pub(crate) session: Session,
    /// Holds the disk, the acknowledgements, the record, and what panicked.
    root: PathBuf,
    /// Removed with the job; the worker's own side has none.
    _folder: Option<TempDir>,
}

impl Job {
    pub(crate) fn new(backend: Backend, session: Session) -> Self {
        let folder = folder::for_a_cut();
        let root = folder.path().canonicalize().unwrap();
        Self { backend, session, root, _folder: Some(folder) }
    }

    pub(crate) fn disk(&self) -> PathBuf {
        self.root.join("disk")
    }

    pub(crate) fn acks(&self) -> PathBuf {
        self.root.join("acks")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("record")
    }

    fn panics(&self) -> PathBuf {
        self.root.join("panics")
    }

    /// Lives the session to its end, with more of the shim's variables. Tells what went wrong in a
    /// way that no disk excuses.
    pub(crate) fn run(&self, shim_variables: &[(&str, String)]) -> Result<(), String> {
        // An operator makes the relay's two folders before its first start: docs/relay.md.
        for folder in ["relay/data", "relay/keys"] {
            std::fs::create_dir_all(self.disk().join(folder)).unwrap();
        }
        let mut variables = shim_variables.to_vec();
        variables.push(("MAINSTAY_WORKER", format!("{} {:?}", self.backend, self.session)));
        variables.push(("MAINSTAY_WORKER_ROOT", self.root.display().to_string()));
        variables.push((shim::LOG, self.log().display().to_string()));
        let library = shim::library(Path::new(env!("CARGO_TARGET_TMPDIR")));
        let test = "worker::the_worker_of_the_other_tests";
        let status = Worker::start(test, &self.disk(), &self.acks(), library, &variables).finish();
        match std::fs::read_to_string(self.panics()) {
            Ok(panics) => Err(format!("the worker panicked: {panics}")),
            Err(_) if !status.success() => Err(format!("the worker ended with {status}")),
            Err(_) => Ok(()),
        }
    }

    /// Everything that the worker said.
    pub(crate) fn told(&self) -> Told {
        let mut told = Told::default();
        told.read(&std::fs::read_to_string(self.acks()).unwrap_or_default());
        told
    }
}

/// Not a test: the worker's side. Without its variables it does nothing.
#[test]
fn the_worker_of_the_other_tests() {
    let Ok(order) = std::env::var("MAINSTAY_WORKER") else { return };
    let (backend, session) = order.split_once(' ').unwrap();
    let root: PathBuf = std::env::var_os("MAINSTAY_WORKER_ROOT").unwrap().into();
    let (backend, session) = (backend.parse().unwrap(), Session::named(session));
    let job = Job { backend, session, root, _folder: None };
    note_panics(job.panics());
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(life::live(&job));
}

/// The engine's thread goes on after a panic, and a relay's task ends with it alone: a panic of
/// ours has to be written down to be seen. Those inside the backends are caught by the store.
fn note_panics(path: PathBuf) {
    std::panic::set_hook(Box::new(move |panic| {
        if panic.location().is_some_and(|at| at.file().contains("registry")) {
            return;
        }
        let mut file = OpenOptions::new().append(true).create(true).open(&path).unwrap();
        writeln!(file, "{panic}").unwrap();
    }));
}
