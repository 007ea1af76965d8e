//! The relay and the devices' folders, and ways to compare what devices hold.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::{Timestamp, ToSpan};
use mainstay_core::engine::{Backend, Config, Engine, RelayAddress};
use mainstay_core::journal::{Patch, Value, When};
use mainstay_core::ndjson;

use super::Stopped;
use crate::keys::FileKeys;
use crate::relay::LocalRelay;

/// The zone that the person of the example lives in.
const ZONE: &str = "Europe/Berlin";

/// Everything on the table.
pub(super) struct Desk {
    dir: PathBuf,
    backend: Backend,
    pub(super) relay: LocalRelay,
    /// The relay's address, also while it is off.
    pub(super) address: RelayAddress,
}

impl Desk {
    /// A relay that is off.
    pub(super) async fn new(dir: PathBuf, backend: Backend) -> Result<Self, Stopped> {
        let mut relay = LocalRelay::start(&dir.join("relay")).await?;
        let address = relay.address().ok_or(Stopped::Story("the relay has no address"))?;
        relay.stop().await;
        Ok(Self { dir, backend, relay, address })
    }

    /// The folder of a device.
    pub(super) fn home(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// What a device's engine is opened with.
    pub(super) fn config(&self, name: &str) -> Config {
        Config {
            dir: self.home(name).join("journal"),
            backend: self.backend,
            keys: Arc::new(FileKeys::new(self.home(name).join("keys"))),
            device_name: name.to_owned(),
        }
    }
}

/// Every entry as the lines of an export.
pub(super) async fn export(engine: &Engine) -> Result<String, Stopped> {
    let mut lines = String::new();
    for month in engine.chapters().await? {
        for row in engine.chapter(month).await? {
            lines.push_str(&ndjson::to_line(&row));
            lines.push('\n');
        }
    }
    Ok(lines)
}

/// The entries of the last 30 days, as the lines of an export.
pub(super) async fn last_month(engine: &Engine) -> Result<String, Stopped> {
    let now = Timestamp::now();
    let from = now.checked_sub((30 * 24).hours()).unwrap_or(now);
    let rows = engine.timeline(from.as_millisecond(), i64::MAX).await?;
    Ok(rows.iter().map(|row| ndjson::to_line(row) + "\n").collect())
}

/// Whether two devices hold the same entries and the same plan, to the byte.
pub(super) async fn alike(one: &Engine, other: &Engine) -> Result<bool, Stopped> {
    let entries = export(one).await? == export(other).await?;
    Ok(entries && one.plan().await? == other.plan().await?)
}

/// Right now.
pub(super) fn now() -> When {
    When::exact(Timestamp::now(), ZONE)
}

/// A change of one field to a text.
pub(super) fn set(field: &str, text: &str) -> Patch {
    [(field.to_owned(), Some(Value::from(text)))].into()
}
