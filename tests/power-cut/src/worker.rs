//! The process that is watched: a test binary, started again.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::shim;

/// How long a worker may take before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(60);

/// A worker that runs.
#[derive(Debug)]
pub struct Worker {
    /// Its process.
    pub child: Child,
}

impl Worker {
    /// Starts this test binary again with one of its tests as the worker, watched by the shim.
    /// `disk` is the folder to watch, `acks` the file of its acknowledgements, `library` the shim;
    /// `variables` are the shim's others and the worker's orders.
    pub fn start(
        test: &str,
        disk: &Path,
        acks: &Path,
        library: &Path,
        variables: &[(&str, String)],
    ) -> Self {
        std::fs::create_dir_all(disk).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env("LD_PRELOAD", library)
            .env(shim::ROOT, disk)
            .env(shim::ACKS, acks)
            .envs(variables.iter().map(|(name, value)| (*name, value)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child }
    }

    /// Waits for the worker to end by itself.
    pub fn finish(mut self) -> ExitStatus {
        let give_up = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if Instant::now() > give_up {
                self.child.kill().unwrap();
                self.child.wait().unwrap();
                panic!("the worker hung");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
