//! What a relay gives to somebody with the phrase.

use std::ops::ControlFlow;
use std::path::Path;

use jiff::Timestamp;
use mainstay_core::engine::EngineError;
use mainstay_core::space::phrase::Phrase;
use mainstay_protocol::frame::Refusal;
use mainstay_protocol::ids::Incarnation;
use mainstay_store::{Batch, MemoryStore, SledStore, Store};
use mainstay_sync_server::Server;
use mainstay_sync_server::feed::EmbeddedFeedStore;
use mainstay_sync_server::keys::KeyFiles;
use mainstay_sync_server::relay::{Relay, RelayConfig};
use mainstay_tests::world::World;

use crate::contents::Contents;
use crate::life::relay_config;

/// What a relay holds of the one journal there is.
#[derive(Debug)]
pub(crate) struct Held {
    /// What a phone gets that is restored from it; nothing if the relay does not know the journal.
    pub(crate) contents: Option<Contents>,
    pub(crate) incarnation: Incarnation,
}

/// Starts a relay on what is left in `folder`, as its program does, and reads all that it holds.
pub(crate) async fn look(folder: &Path, phrase: Option<&Phrase>) -> Result<Held, String> {
    let started = Server::bind(&relay_config(folder)).await;
    started.map_err(|error| format!("the relay does not start: {error}"))?.shutdown().await;
    held(folder, phrase)
}

/// Restores a phone from what lies in the folder of a relay that does not run: by the relay's own
/// rules over a copy in memory, so that nothing is changed and no network is waited for.
pub(crate) fn held(folder: &Path, phrase: Option<&Phrase>) -> Result<Held, String> {
    let failed = |error: EngineError| format!("the relay gives nothing back: {error}");
    let mut world = world(folder)?;
    let incarnation = world.relay.incarnation();
    let unknown = Held { contents: None, incarnation };
    let Some(phrase) = phrase else { return Ok(unknown) };
    let mut phone = match world.restore(phrase) {
        Err(EngineError::Refused(Refusal::UnknownSpace)) => return Ok(unknown),
        restored => restored.map_err(failed)?,
    };
    world.sync(&mut phone).map_err(failed)?;
    let alarms = phone.replica.take_alarms();
    if !alarms.is_empty() {
        return Err(format!("the restored phone has alarms: {alarms:?}"));
    }
    let contents = Some(Contents::of_replica(&mut phone.replica)?);
    Ok(Held { contents, incarnation })
}

fn world(folder: &Path) -> Result<World, String> {
    let (data, keys) = (folder.join("data"), folder.join("keys"));
    let stored = copy(&data)?;
    let keys = KeyFiles::new(&keys, &data).and_then(|files| files.load());
    let keys = keys.map_err(|error| format!("the relay's keys: {error}"))?;
    let feed = EmbeddedFeedStore::new(stored.clone());
    let mut world = World::new(1);
    world.relay = Relay::new(feed, keys, RelayConfig::default(), Incarnation([9; 16])).unwrap();
    world.relay_store = stored;
    world.now_ms = Timestamp::now().as_millisecond();
    Ok(world)
}

fn copy(data: &Path) -> Result<MemoryStore, String> {
    let opened = SledStore::open(data).map_err(|error| format!("the relay's store: {error}"))?;
    let (copy, mut batch) = (MemoryStore::new(), Batch::default());
    let scanned = opened.store.scan(&[], None, &mut |key, value| {
        batch.put(key, value);
        // Well below what one batch may hold.
        if batch.size_bytes() > 1 << 20 {
            copy.commit(&std::mem::take(&mut batch)).unwrap();
        }
        ControlFlow::Continue(())
    });
    scanned.map_err(|error| format!("the relay's store: {error}"))?;
    copy.commit(&batch).unwrap();
    Ok(copy)
}
