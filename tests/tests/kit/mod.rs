//! A desk with phones on it and a relay under it.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used)]

pub mod proxy;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use mainstay_core::document::Row;
use mainstay_core::engine::{Backend, Config, Engine, KeyError, KeyProvider};
use mainstay_core::journal::{EntryBody, Note, When};
use mainstay_core::space::phrase::Phrase;
use mainstay_sync_server::Server;
use tempfile::TempDir;
use zeroize::Zeroizing;

/// A key store in memory.
#[derive(Default)]
pub struct Keys(Mutex<HashMap<String, Vec<u8>>>);

impl KeyProvider for Keys {
    fn load(&self, id: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
        Ok(self.0.lock().unwrap().get(id).cloned().map(Zeroizing::new))
    }

    fn store(&self, id: &str, secret: &[u8]) -> Result<(), KeyError> {
        self.0.lock().unwrap().insert(id.to_owned(), secret.to_vec());
        Ok(())
    }

    fn delete(&self, id: &str) -> Result<(), KeyError> {
        self.0.lock().unwrap().remove(id);
        Ok(())
    }
}

pub struct Desk {
    pub dir: TempDir,
    pub relay: Server,
    keys: Mutex<HashMap<String, Arc<Keys>>>,
    wipes: u32,
}

impl Desk {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let relay = serve(&dir, 0, "127.0.0.1:0".parse().unwrap()).await;
        Self { dir, relay, keys: Mutex::default(), wipes: 0 }
    }

    /// The relay loses its data and keeps its keys and its address.
    pub async fn wipe_relay(&mut self) {
        self.wipes += 1;
        let place = self.relay.local_addr();
        let elsewhere = serve(&self.dir, 1000, "127.0.0.1:0".parse().unwrap()).await;
        std::mem::replace(&mut self.relay, elsewhere).shutdown().await;
        let again = serve(&self.dir, self.wipes, place).await;
        std::mem::replace(&mut self.relay, again).shutdown().await;
    }

    pub fn config(&self, name: &str, backend: Backend) -> Config {
        let keys = self.keys.lock().unwrap().entry(name.to_owned()).or_default().clone();
        Config { dir: self.dir.path().join(name), backend, keys, device_name: name.to_owned() }
    }

    pub async fn phone(&self, name: &str, backend: Backend) -> (Engine, Phrase) {
        let (engine, phrase) = Engine::create(self.config(name, backend)).await.unwrap();
        engine.set_relay(self.relay.address()).await.unwrap();
        (engine, phrase)
    }

    pub async fn link(&self, old: &Engine, name: &str, backend: Backend) -> Engine {
        let mut offer = old.invite_device(Duration::from_secs(600)).await.unwrap();
        let (text, config) = (offer.text(), self.config(name, backend));
        let (tell, told) = tokio::sync::oneshot::channel();
        let joining = tokio::spawn(async move {
            Engine::join(config, &text, |code| {
                let _ = tell.send(code.to_string());
            })
            .await
        });
        let (_, code) = offer.answered().await.unwrap();
        assert_eq!(told.await.unwrap(), code.to_string());
        offer.confirm().await.unwrap();
        joining.await.unwrap().unwrap()
    }
}

async fn serve(dir: &TempDir, life: u32, place: SocketAddr) -> Server {
    let data = dir.path().join(format!("relay-data-{life}"));
    let keys = dir.path().join("relay-keys");
    let config = mainstay_sync_server::config::Config::new(data, keys, place);
    Server::bind(&config).await.unwrap()
}

pub fn note(text: &str) -> EntryBody {
    EntryBody::Note(Note { note: Some(text.to_owned()) })
}

pub fn days_ago(days: i64) -> When {
    let then = Timestamp::now().as_millisecond() - days * 24 * 3600 * 1000;
    When::exact(Timestamp::from_millisecond(then).unwrap(), "Europe/Berlin")
}

pub async fn everything(engine: &Engine) -> Vec<Row> {
    engine.timeline(i64::MIN, i64::MAX).await.unwrap()
}
