//! A phone and its relay, closed in order after a short session: what damage is done to.

use std::path::Path;

use mainstay_core::engine::Backend;
use mainstay_power_cut::damage::{Damage, copy, files};
use mainstay_power_cut::{folder, long};
use mainstay_sync_server::{ServeError, Server};
use tempfile::TempDir;

use crate::life::{bind, relay_config};
use crate::session::Session;
use crate::told::Told;
use crate::worker::Job;

/// The short form does every so-many-th damage.
const SHORT_EVERY: usize = 3;

pub(crate) struct Example {
    pub(crate) backend: Backend,
    pub(crate) told: Told,
    job: Job,
}

impl Example {
    pub(crate) fn new(backend: Backend) -> Self {
        let job = Job::new(backend, Session::Short);
        job.run(&[]).unwrap();
        let told = job.told();
        assert!(told.synced && !told.may_have_synced, "the session ends with a complete sync");
        Self { backend, told, job }
    }

    /// A copy of both, in `phone` and `relay`.
    pub(crate) fn copy(&self) -> TempDir {
        let target = folder::for_a_cut();
        copy(&self.job.disk(), target.path());
        target
    }

    /// Every file of one of the two that is not empty, by its path under the copy's folder, with each
    /// damage.
    pub(crate) fn damages(&self, part: &str) -> Vec<(String, Damage)> {
        let disk = self.job.disk();
        let mut all = Vec::new();
        for file in files(&disk.join(part)) {
            if std::fs::metadata(&file).unwrap().len() > 0 {
                let name = file.strip_prefix(&disk).unwrap().display().to_string();
                all.extend(Damage::ALL.map(|damage| (name.clone(), damage)));
            }
        }
        let every = if long() { 1 } else { SHORT_EVERY };
        all.into_iter().step_by(every).collect()
    }

    /// Puts a file of a copy back as it was.
    pub(crate) fn mend(&self, copy: &Path, name: &str) {
        std::fs::copy(self.job.disk().join(name), copy.join(name)).unwrap();
    }

    /// The relay of a copy, where the phone knows it.
    pub(crate) async fn relay(&self, copy: &Path) -> Result<Server, ServeError> {
        let mut config = relay_config(&copy.join("relay"));
        config.listen.set_port(self.told.relay_port);
        bind(&config).await
    }
}
