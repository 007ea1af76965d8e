//! Telling subscriptions that something changed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mainstay_protocol::ids::SpaceId;
use tokio::sync::watch;

/// One channel for each space that somebody listens to.
#[derive(Default)]
pub(super) struct News {
    channels: Mutex<HashMap<SpaceId, watch::Sender<()>>>,
}

impl News {
    /// Hears of every change from now on.
    pub(super) fn listen(&self, space: &SpaceId) -> watch::Receiver<()> {
        let mut channels = self.channels();
        if channels.len() > 1024 && channels.len().is_power_of_two() {
            channels.retain(|_, channel| !channel.is_closed());
        }
        channels.entry(*space).or_insert_with(|| watch::Sender::new(())).subscribe()
    }

    /// Tells whoever listens.
    pub(super) fn tell(&self, space: &SpaceId) {
        let mut channels = self.channels();
        if let Some(channel) = channels.get(space)
            && channel.send(()).is_err()
        {
            channels.remove(space);
        }
    }

    fn channels(&self) -> MutexGuard<'_, HashMap<SpaceId, watch::Sender<()>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
