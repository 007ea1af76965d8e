//! The thread that owns a replica.
//!
//! Everything that touches the store happens there, one thing after the other. A call that is
//! dropped half-way is carried out all the same: cancelling a future never leaves half a write.

use std::sync::mpsc;
use std::thread;

use tokio::sync::{oneshot, watch};

use super::error::EngineError;
use super::replica::Replica;

type Job = Box<dyn FnOnce(&mut Option<Replica>) + Send>;

/// A handle to the thread.
#[derive(Clone)]
pub(super) struct Worker {
    jobs: mpsc::Sender<Job>,
    revisions: watch::Receiver<u64>,
}

impl Worker {
    /// Starts a thread with no replica in it.
    pub(super) fn start() -> Result<Self, EngineError> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (revised, revisions) = watch::channel(0);
        let run = move || {
            let mut replica = None;
            while let Ok(job) = queue.recv() {
                // A panic in one call must not take the journal from the next one; the replica is
                // dropped and opened again, because nobody knows what state it was left in.
                let ran =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(&mut replica)));
                if ran.is_err() {
                    replica = None;
                    continue;
                }
                if let Some(replica) = &mut replica
                    && let Err(error) = replica.fold()
                {
                    tracing::warn!(%error, "what was logged is safe, and is put in its place later");
                }
                if let Some(revision) = replica.as_ref().map(Replica::revision) {
                    revised.send_if_modified(|last| std::mem::replace(last, revision) != revision);
                }
            }
        };
        let name = "mainstay-journal".to_owned();
        thread::Builder::new().name(name).stack_size(4 << 20).spawn(run).map_err(|source| {
            mainstay_store::StoreError::Io { what: "starting a thread", source }
        })?;
        Ok(Self { jobs, revisions })
    }

    /// The newest revision of the replica.
    pub(super) fn revisions(&self) -> watch::Receiver<u64> {
        self.revisions.clone()
    }

    /// Runs a call on the thread, with whatever replica is there.
    pub(super) async fn with<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Option<Replica>) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |replica| {
            let _ = answer.send(call(replica));
        });
        self.jobs.send(job).map_err(|_| EngineError::Closed)?;
        answered.await.map_err(|_| EngineError::Closed)?
    }

    /// Runs a call on the replica.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Replica) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        self.with(|replica| call(replica.as_mut().ok_or(EngineError::Closed)?)).await
    }
}
