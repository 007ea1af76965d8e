//! A desk with phones on it and a relay under it.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used)]

pub mod proxy;

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use mainstay_core::document::Row;
use mainstay_core::engine::{
    Backend, Config, Engine, EngineError, KeyError, KeyProvider, Replica, Setup,
};
use mainstay_core::journal::{EntryBody, Note, When};
use mainstay_core::space::device::DeviceSecret;
use mainstay_core::space::link::Code;
use mainstay_core::space::phrase::Phrase;
use mainstay_protocol::codec;
use mainstay_protocol::ids::Incarnation;
use mainstay_store::{SledStore, Store};
use mainstay_sync_server::Server;
use mainstay_sync_server::config::Config as ServerConfig;
use mainstay_sync_server::feed::EmbeddedFeedStore;
use mainstay_sync_server::keys::KeyFiles;
use mainstay_sync_server::relay::{Registration, Relay, RelayConfig};
use rand_core::SeedableRng;
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

type ShowCode = Box<dyn FnOnce(&Code) + Send>;

pub struct Desk {
    pub dir: TempDir,
    pub relay: Server,
    keys: Mutex<HashMap<String, Arc<Keys>>>,
    copies: u32,
    registration: Registration,
    requests_per_second: NonZeroU32,
}

impl Desk {
    pub async fn new() -> Self {
        Self::with(Registration::Open).await
    }

    pub async fn with(registration: Registration) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = "127.0.0.1:0".parse().unwrap();
        let config = relay_config(&dir.path().join("relay"), place, registration);
        let relay = Server::bind(&config).await.unwrap();
        let requests_per_second = config.net.requests_per_second;
        let (keys, copies) = (Mutex::default(), 0);
        Self { dir, relay, keys, copies, registration, requests_per_second }
    }

    /// From now on the relay takes so many requests in a second on one connection, and ten times as many
    /// at once.
    pub async fn slow_down(&mut self, requests_per_second: u32) {
        self.requests_per_second = NonZeroU32::new(requests_per_second).unwrap();
        self.while_off(|_| ()).await;
    }

    pub fn is_for_invited(&self) -> bool {
        self.registration == Registration::Invited
    }

    /// What the operator of a relay for invited people gives to one of them.
    pub fn invitation(&self) -> Vec<u8> {
        let place = self.relay.local_addr();
        let config = relay_config(&self.dir.path().join("relay"), place, self.registration);
        codec::encode(&mainstay_sync_server::invite(&config, u64::MAX).unwrap())
    }

    /// The relay stops, something happens to its folder, and it starts again at its address.
    pub async fn while_off<T>(&mut self, meanwhile: impl FnOnce(&Path) -> T) -> T {
        let place = self.relay.local_addr();
        let aside = self.dir.path().join("another relay");
        let elsewhere = "127.0.0.1:0".parse().unwrap();
        let another = relay_config(&aside, elsewhere, self.registration);
        let another = Server::bind(&another).await.unwrap();
        std::mem::replace(&mut self.relay, another).shutdown().await;
        let folder = self.dir.path().join("relay");
        let done = meanwhile(&folder);
        let mut again = relay_config(&folder, place, self.registration);
        again.net.requests_per_second = self.requests_per_second;
        let again = Server::bind(&again).await.unwrap();
        std::mem::replace(&mut self.relay, again).shutdown().await;
        done
    }

    /// The relay loses its data and keeps its keys and its address.
    pub async fn wipe_relay(&mut self) {
        self.while_off(|relay| fs::remove_dir_all(relay.join("data")).unwrap()).await;
    }

    /// Copies everything the relay has.
    pub async fn copy_relay(&mut self) -> PathBuf {
        self.copies += 1;
        let copy = self.dir.path().join(format!("copy {}", self.copies));
        self.while_off(|relay| copy_folder(relay, &copy)).await;
        copy
    }

    /// Puts a copy of the relay back. `whole`: as an image of the machine would, so that the relay
    /// itself cannot tell; otherwise its data only.
    pub async fn put_relay_back(&mut self, copy: &Path, whole: bool) {
        let back = |relay: &Path| {
            let parts: &[&str] = if whole { &["data", "keys"] } else { &["data"] };
            for part in parts {
                fs::remove_dir_all(relay.join(part)).unwrap();
                copy_folder(&copy.join(part), &relay.join(part));
            }
        };
        self.while_off(back).await;
    }

    /// Copies the folder and the key store of a device whose engine is suspended.
    pub fn copy_device(&self, name: &str, copy: &str, backend: Backend) -> Config {
        copy_folder(&self.dir.path().join(name), &self.dir.path().join(copy));
        let keys = self.config(name, backend).keys;
        let own = Keys::default();
        for id in ["mainstay-device-secret", "mainstay-anchor"] {
            own.store(id, &keys.load(id).unwrap().unwrap()).unwrap();
        }
        self.keys.lock().unwrap().insert(copy.to_owned(), Arc::new(own));
        self.config(copy, backend)
    }

    /// The journal of an engine that is suspended, without threads and network.
    pub fn replica(&self, name: &str, backend: Backend) -> Replica {
        let config = self.config(name, backend);
        let secret = config.keys.load("mainstay-device-secret").unwrap().unwrap();
        let secret = DeviceSecret::from_bytes(Zeroizing::new(secret[..].try_into().unwrap()));
        let store = mainstay_store::open(backend, &config.dir).unwrap().store;
        let rng = Box::new(rand_chacha::ChaCha20Rng::seed_from_u64(1));
        Replica::open(Setup { store, secret, rng }).unwrap()
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
        let config = self.config(name, backend);
        with_codes(old, |text, show| async move { Engine::join(config, &text, show).await }).await
    }

    /// Lets a device in again that was removed.
    pub async fn rejoin(&self, old: &Engine, back: &Engine) {
        let back = back.clone();
        with_codes(old, |text, show| async move { back.rejoin(&text, show).await }).await;
    }
}

/// An invitation, its answer by another device, and a person who compares the codes.
async fn with_codes<T, F>(old: &Engine, answer: impl FnOnce(String, ShowCode) -> F) -> T
where
    T: Send + 'static,
    F: Future<Output = Result<T, EngineError>> + Send + 'static,
{
    let mut offer = old.invite_device(Duration::from_secs(600)).await.unwrap();
    let (tell, told) = tokio::sync::oneshot::channel();
    let show: ShowCode = Box::new(|code| {
        let _ = tell.send(code.to_string());
    });
    let answering = tokio::spawn(answer(offer.text(), show));
    let (_, code) = offer.answered().await.unwrap();
    assert_eq!(told.await.unwrap(), code.to_string());
    offer.confirm().await.unwrap();
    answering.await.unwrap().unwrap()
}

fn relay_config(folder: &Path, place: SocketAddr, registration: Registration) -> ServerConfig {
    let (data, keys) = (folder.join("data"), folder.join("keys"));
    let mut config = ServerConfig::new(data, keys, place);
    config.relay.registration = registration;
    config
}

/// A relay's rules over a copy of its folder, without a listener.
pub fn relay_at(folder: &Path) -> Relay<EmbeddedFeedStore<SledStore>> {
    let keys = KeyFiles::new(&folder.join("keys"), &folder.join("data")).unwrap().load().unwrap();
    let store = SledStore::open(&folder.join("data")).unwrap().store;
    let feed = EmbeddedFeedStore::new(store);
    Relay::new(feed, keys, RelayConfig::default(), Incarnation([9; 16])).unwrap()
}

/// Every record in a copy of a relay's folder, keys and values.
pub fn relay_records(folder: &Path) -> Vec<u8> {
    let store = SledStore::open(&folder.join("data")).unwrap().store;
    let mut all = Vec::new();
    let scanned = store.scan(&[], None, &mut |key, value| {
        all.extend_from_slice(key);
        all.extend_from_slice(value);
        ControlFlow::Continue(())
    });
    scanned.unwrap();
    all
}

/// Every byte of every file under a folder.
pub fn folder_bytes(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        all.extend(if path.is_dir() { folder_bytes(&path) } else { fs::read(path).unwrap() });
    }
    all
}

pub fn finds(all: &[u8], what: &[u8]) -> bool {
    all.windows(what.len()).any(|window| window == what)
}

pub fn now_ms() -> u64 {
    Timestamp::now().as_millisecond() as u64
}

pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
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
