//! After a power cut of both, phone and relay go on together.

use std::path::Path;

use mainstay_core::engine::{Backend, Engine, EngineError};
use mainstay_sync_server::Server;

use crate::life::relay_config;
use crate::session::{AFTERWARDS, Step, body, when};
use crate::told::Told;
use crate::{phone, relay};

/// Opens what is left of both under `root`, writes one more entry and syncs over a real connection.
/// Then the relay has what the phone has.
pub(crate) async fn go_on(backend: Backend, root: &Path, told: &Told) -> Result<(), String> {
    let failed = |error: EngineError| format!("together they fail: {error}");
    let mut told = told.clone();
    let (folder, phrase) = (root.join("relay"), told.phrase());
    let server = Server::bind(&relay_config(&folder)).await;
    let server = server.map_err(|error| format!("the relay does not start: {error}"))?;
    let engine = Engine::open(phone::config(backend, &root.join("phone"), &told)).await;
    let engine = engine.map_err(failed)?;
    engine.set_relay(server.address()).await.map_err(failed)?;
    told.phone.may(&Step::Log(AFTERWARDS));
    let id = engine.log(body(AFTERWARDS), when(AFTERWARDS)).await.map_err(failed)?;
    told.phone.logged(id, AFTERWARDS, true);
    let report = engine.sync().await.map_err(failed)?;
    let status = engine.status().await.map_err(failed)?;
    let shown = phone::compare(&engine, &told).await?;
    phone::verified(&engine).await?;
    engine.suspend().await.map_err(failed)?;
    server.shutdown().await;
    if !report.complete || status.waiting > 0 || status.on_relay != status.entries {
        return Err(format!("not everything is on the relay: {status:?}, {report:?}"));
    }
    let held = relay::held(&folder, phrase.as_ref())?;
    match held.contents {
        Some(contents) if contents == shown.contents => Ok(()),
        _ => Err("the relay does not have what the phone has".into()),
    }
}
