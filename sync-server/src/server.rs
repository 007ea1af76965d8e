//! A relay with its keys, its store and its listener.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use mainstay_protocol::address::{Pin, RelayAddress};
use mainstay_protocol::frame::Invitation;
use mainstay_protocol::ids::Incarnation;
use mainstay_protocol::sign::Signed;
use mainstay_store::{Recovery, SledStore, Store, StoreError};

use crate::config::Config;
use crate::feed::{Change, EmbeddedFeedStore, FeedError, FeedStore};
use crate::keys::{KeyError, KeyFiles, Witness};
use crate::net::{self, Listener};
use crate::relay::{Relay, RelayKeys};

type SledRelay = Relay<EmbeddedFeedStore<SledStore>>;

/// A running relay. Dropping it stops it at once; [`Server::shutdown`] lets requests finish.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    address: RelayAddress,
}

/// Why a relay cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store cannot be read or written.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The witness file cannot be read or written.
    #[error("{path}: {source}; check that it belongs to the user that runs the relay")]
    Witness {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The UDP port cannot be used.
    #[error("cannot listen on {listen}: {source}; is another relay running there?")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// The TLS library refuses the relay's key or settings.
    #[error("the TLS library refuses the relay's settings: {0}")]
    Tls(String),
    /// The address has no port yet.
    #[error("the address has port 0, which the system replaces when the relay runs; name a port")]
    NoPort,
}

impl Server {
    /// Opens keys and store and listens.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn bind(config: &Config) -> Result<Self, ServeError> {
        let relay = Arc::new(open(config)?);
        let pin = Pin::of(&relay.keys().relay());
        let listener = net::listen(relay, config.listen, &config.net)?;
        let address = address(config, listener.local_addr(), pin);
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// What devices are given.
    pub fn address(&self) -> RelayAddress {
        self.address.clone()
    }

    /// Takes no more requests, lets those at work finish, and closes; within 10 seconds.
    pub async fn shutdown(self) {
        self.listener.shutdown().await;
    }
}

/// Invites one person to register until `expires_ms`, in Unix milliseconds.
///
/// # Errors
/// [`KeyError`].
pub fn invite(config: &Config, expires_ms: u64) -> Result<Signed<Invitation>, KeyError> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(KeyError::Random)?;
    Ok(load_keys(config)?.invite(nonce, expires_ms))
}

/// Reads the keys (making them at the first start), without opening the store.
fn load_keys(config: &Config) -> Result<RelayKeys, KeyError> {
    KeyFiles::new(&config.keys, &config.data)?.load()
}

/// The address of a relay that runs, or would run, with this configuration.
///
/// # Errors
/// [`ServeError::NoPort`] and [`ServeError::Key`].
pub fn url(config: &Config) -> Result<RelayAddress, ServeError> {
    match config.listen.port() {
        0 => Err(ServeError::NoPort),
        _ => Ok(address(config, config.listen, Pin::of(&load_keys(config)?.relay()))),
    }
}

/// What [`check`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// How many spaces there are.
    pub spaces: u64,
    /// What was wrong with the data and has been dealt with, in words; `None` when nothing was.
    pub damage: Option<&'static str>,
}

/// Opens keys and store and closes them again, changing nothing but what a start would repair.
///
/// # Errors
/// [`ServeError`].
pub fn check(config: &Config) -> Result<Checked, ServeError> {
    load_keys(config)?;
    let opened = SledStore::open(&config.data)?;
    let damage = damage(&opened.recovery);
    Ok(Checked { spaces: EmbeddedFeedStore::new(opened.store).count_spaces()?, damage })
}

fn damage(recovery: &Recovery) -> Option<&'static str> {
    match recovery {
        Recovery::Clean => None,
        Recovery::MovedAside { .. } => {
            Some("the store was damaged and has been moved aside; the devices will fill a new one")
        }
        Recovery::Incomplete { .. } => Some(
            "the store was damaged and has been written anew without what could not be read; a start takes out what is not whole",
        ),
        _ => Some("the store was damaged and has been repaired; nothing is lost"),
    }
}

fn open(config: &Config) -> Result<SledRelay, ServeError> {
    let files = KeyFiles::new(&config.keys, &config.data)?;
    let keys = files.load()?;
    let opened = SledStore::open(&config.data)?;
    let is_incomplete = matches!(opened.recovery, Recovery::Incomplete { .. });
    if let Some(damage) = damage(&opened.recovery) {
        tracing::warn!("{damage}");
    }
    let witness = Witness::new(files.dir());
    let failed = |source| ServeError::Witness { path: witness.path().into(), source };
    let store = EmbeddedFeedStore::new(opened.store);
    if is_incomplete {
        let out = store.take_out_damaged()?;
        tracing::warn!(
            spaces = out,
            "spaces that lack something were taken out; the devices fill them again"
        );
    }
    let (known, beside_keys) = (store.witness()?, witness.read().map_err(failed)?);
    let exchanged = known.is_some_and(|known| !beside_keys.contains(&known));
    let mut relay = Relay::new(store, keys, config.relay, Incarnation(random()?))?;
    if is_incomplete {
        relay.restored(Incarnation(random()?))?;
        relay.store().store().mended()?;
    } else if exchanged || config.new_incarnation {
        tracing::warn!("the data are not those that were used last: a new incarnation begins");
        relay.restored(Incarnation(random()?))?;
    }
    // First beside the keys, with the old one: a start that is cut off in between is no exchange.
    let value = random()?;
    let both: Vec<[u8; 16]> = [value].into_iter().chain(known).collect();
    witness.write(&both).map_err(failed)?;
    relay.store().commit(&[Change::Witness(value)])?;
    witness.write(&[value]).map_err(failed)?;
    Ok(relay)
}

fn random() -> Result<[u8; 16], KeyError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(KeyError::Random)?;
    Ok(bytes)
}

/// A wildcard address is none that a device could reach; on the same machine, `localhost` is.
fn address(config: &Config, local: SocketAddr, pin: Pin) -> RelayAddress {
    let host = config.host.clone().unwrap_or_else(|| match local.ip() {
        ip if ip.is_unspecified() => "localhost".into(),
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => ip.to_string(),
    });
    RelayAddress { host, port: local.port(), pins: vec![pin] }
}
