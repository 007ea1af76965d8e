//! Is everything that was acknowledged to the person on their phone?

use std::path::Path;
use std::sync::Arc;

use mainstay_core::engine::{Backend, Config, Engine, EngineError};

use crate::contents::Contents;
use crate::told::Told;

/// What a phone shows.
pub(crate) struct Shown {
    pub(crate) contents: Contents,
    /// How many entries it says are on the relay.
    pub(crate) claimed: u64,
}

/// What an engine is opened with on what is left in `folder`.
pub(crate) fn config(backend: Backend, folder: &Path, told: &Told) -> Config {
    let (dir, keys) = (folder.to_path_buf(), Arc::new(told.keys()));
    Config { dir, backend, keys, device_name: "phone".into() }
}

/// Opens the journal and compares. Nothing is shown only if nobody was told yet that it is there.
pub(crate) async fn look(
    backend: Backend,
    folder: &Path,
    told: &Told,
) -> Result<Option<Shown>, String> {
    let engine = match Engine::open(config(backend, folder, told)).await {
        Ok(engine) => engine,
        Err(EngineError::NothingHere) if told.phrase.is_none() => return Ok(None),
        Err(error) => return Err(format!("the phone does not open: {error}")),
    };
    let shown = compare(&engine, told).await;
    let shown = if shown.is_ok() { verified(&engine).await.and(shown) } else { shown };
    let closed = engine.suspend().await.map_err(|error| format!("it does not close: {error}"));
    closed.and(shown).map(Some)
}

/// Compares what an engine that is open shows with what was told.
pub(crate) async fn compare(engine: &Engine, told: &Told) -> Result<Shown, String> {
    let contents = Contents::of_engine(engine).await?;
    told.phone.check(&contents).map_err(|wrong| format!("on the phone {wrong}"))?;
    let status = engine.status().await.map_err(|error| format!("no status: {error}"))?;
    match status.entries == contents.live() {
        true => Ok(Shown { contents, claimed: status.on_relay }),
        false => Err(format!("it counts {} entries of {}", status.entries, contents.live())),
    }
}

/// Whether every row is what its document says.
pub(crate) async fn verified(engine: &Engine) -> Result<(), String> {
    match engine.verify().await {
        Ok(problems) if problems.is_empty() => Ok(()),
        Ok(problems) => Err(format!("verify found {problems:?}")),
        Err(error) => Err(format!("verify failed: {error}")),
    }
}
