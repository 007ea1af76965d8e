//! Settings: a flag wins over the environment, the environment over the file, the file over the
//! default.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use mainstay_sync_server::config::Config;
use mainstay_sync_server::relay::Registration;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// The UDP port that is listened on by default.
const DEFAULT_PORT: u16 = 4433;

/// Each setting as a flag, as an environment variable, and by the flag's name (with underscores)
/// in the file.
#[derive(Args, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// A TOML file with settings.
    #[arg(long, global = true, env = "MAINSTAY_CONFIG")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// Where envelopes are kept. May be wiped at any time: the devices fill it again.
    #[arg(long, global = true, env = "MAINSTAY_DATA")]
    data: Option<PathBuf>,
    /// Where the relay's keys are kept, outside the data. Back it up.
    #[arg(long, global = true, env = "MAINSTAY_KEYS")]
    keys: Option<PathBuf>,
    /// The UDP address to listen on [default: 127.0.0.1:4433].
    #[arg(long, global = true, env = "MAINSTAY_LISTEN", value_parser = socket_address)]
    #[serde(deserialize_with = "listen_in_file")]
    listen: Option<SocketAddr>,
    /// The name or address that devices reach the relay under [default: the listening address].
    #[arg(long, global = true, env = "MAINSTAY_HOST")]
    host: Option<String>,
    /// Who may register [default: open].
    #[arg(long, global = true, env = "MAINSTAY_REGISTRATION")]
    registration: Option<WhoMayRegister>,
    /// Bytes that one space may occupy [default: 1 GiB].
    #[arg(long, global = true, env = "MAINSTAY_QUOTA_BYTES")]
    quota_bytes: Option<u64>,
    /// For how many days replaced envelopes stay retrievable [default: 30].
    #[arg(long, global = true, env = "MAINSTAY_RETENTION_DAYS")]
    retention_days: Option<u32>,
    /// Spaces on this relay [default: 100000].
    #[arg(long, global = true, env = "MAINSTAY_MAX_SPACES")]
    max_spaces: Option<u64>,
    /// Connections at one time [default: 12000].
    #[arg(long, global = true, env = "MAINSTAY_MAX_CONNECTIONS")]
    max_connections: Option<usize>,
    /// Connections at one time from one address: an IPv4 address or an IPv6 /64 [default: 200].
    #[arg(long, global = true, env = "MAINSTAY_CONNECTIONS_PER_ADDRESS")]
    connections_per_address: Option<usize>,
    /// New connections per second from one address [default: 20; ten seconds' worth at once].
    #[arg(long, global = true, env = "MAINSTAY_CONNECTIONS_PER_SECOND")]
    connections_per_second: Option<NonZeroU32>,
    /// Requests per second on one connection [default: 200; ten seconds' worth at once].
    #[arg(long, global = true, env = "MAINSTAY_REQUESTS_PER_SECOND")]
    requests_per_second: Option<NonZeroU32>,
    /// Registrations and letters per second from one address [default: 10; ten seconds' worth at
    /// once].
    #[arg(long, global = true, env = "MAINSTAY_ANONYMOUS_PER_SECOND")]
    anonymous_per_second: Option<NonZeroU32>,
    /// Streams open at one time on one connection [default: 256].
    #[arg(long, global = true, env = "MAINSTAY_STREAMS_PER_CONNECTION")]
    streams_per_connection: Option<u32>,
    /// Seconds after which a silent connection is closed [default: 60].
    #[arg(long, global = true, env = "MAINSTAY_IDLE_TIMEOUT_S")]
    idle_timeout_s: Option<u32>,
    /// Seconds after which a client that reads nothing of an answer is disconnected [default: 30].
    #[arg(long, global = true, env = "MAINSTAY_READER_TIMEOUT_S")]
    reader_timeout_s: Option<u32>,
    /// How much to log: error, warn, info, debug or trace [default: info].
    #[arg(long, global = true, env = "MAINSTAY_LOG")]
    log: Option<String>,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// A directory is not named.
    #[error("--{0} is missing: name the directory (or set it in the environment or the file)")]
    Missing(&'static str),
    /// The file cannot be read.
    #[error(
        "{path}: {source}; --config (or MAINSTAY_CONFIG) names a TOML file with settings: correct \
         the path, or leave it out and give the settings as flags"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file holds no settings.
    #[error("{path}: {source}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: Box<toml::de::Error>,
    },
    /// The level of the log.
    #[error("log: choose error, warn, info, debug or trace")]
    Log,
}

fn socket_address(text: &str) -> Result<SocketAddr, String> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    match (text.parse(), bare.parse::<IpAddr>()) {
        (Ok(address), _) => Ok(address),
        (_, Ok(ip)) => {
            let example = SocketAddr::new(ip, DEFAULT_PORT);
            Err(format!("the port is missing; write {example}, for example"))
        }
        _ => Err("is no IP address with a port; write 0.0.0.0:4433, for example".into()),
    }
}

fn listen_in_file<'de, D: Deserializer<'de>>(d: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(d)?;
    socket_address(&text).map(Some).map_err(|why| D::Error::custom(format!("listen: {why}")))
}

#[derive(Clone, Copy, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WhoMayRegister {
    /// Anybody.
    Open,
    /// Who has an invitation.
    Invited,
}

impl Settings {
    /// The configuration and the level to log at.
    pub(crate) fn resolve(&self) -> Result<(Config, tracing::Level), SettingsError> {
        let file = match &self.config {
            Some(path) => read(path)?,
            None => Self::default(),
        };
        macro_rules! set {
            ($target:expr, $field:ident) => {
                if let Some(value) = self.$field.clone().or(file.$field.clone()) {
                    $target = value;
                }
            };
        }
        let data = self.data.clone().or(file.data.clone()).ok_or(SettingsError::Missing("data"))?;
        let keys = self.keys.clone().or(file.keys.clone()).ok_or(SettingsError::Missing("keys"))?;
        let mut config = Config::new(data, keys, SocketAddr::from(([127, 0, 0, 1], DEFAULT_PORT)));
        set!(config.listen, listen);
        config.host = self.host.clone().or(file.host.clone());
        if let Some(who) = self.registration.or(file.registration) {
            config.relay.registration = match who {
                WhoMayRegister::Open => Registration::Open,
                WhoMayRegister::Invited => Registration::Invited,
            };
        }
        set!(config.relay.quota_bytes, quota_bytes);
        if let Some(days) = self.retention_days.or(file.retention_days) {
            config.relay.retention_ms = u64::from(days) * 24 * 3600 * 1000;
        }
        set!(config.relay.max_spaces, max_spaces);
        set!(config.net.max_connections, max_connections);
        set!(config.net.connections_per_address, connections_per_address);
        set!(config.net.connections_per_second, connections_per_second);
        set!(config.net.requests_per_second, requests_per_second);
        set!(config.net.anonymous_per_second, anonymous_per_second);
        set!(config.net.streams_per_connection, streams_per_connection);
        set!(config.net.idle_timeout_s, idle_timeout_s);
        set!(config.net.reader_timeout_s, reader_timeout_s);
        let level = self.log.as_ref().or(file.log.as_ref());
        let level = level.map_or(Ok(tracing::Level::INFO), |level| level.parse());
        let level = level.map_err(|_| SettingsError::Log)?;
        Ok((config, level))
    }
}

fn read(path: &Path) -> Result<Settings, SettingsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| SettingsError::Unreadable { path: path.into(), source })?;
    toml::from_str(&text)
        .map_err(|source| SettingsError::Malformed { path: path.into(), source: source.into() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("relay.toml");
        let text = "data = \"d\"\nkeys = \"k\"\nquota_bytes = 5\nmax_spaces = 6\n";
        std::fs::write(&path, text).unwrap();
        let flags = Settings { config: Some(path), quota_bytes: Some(7), ..Settings::default() };
        let (config, level) = flags.resolve().unwrap();
        assert_eq!((config.relay.quota_bytes, config.relay.max_spaces), (7, 6));
        assert_eq!(config.net.idle_timeout_s, 60);
        assert_eq!(level, tracing::Level::INFO);
    }

    #[test]
    fn a_misspelt_setting_in_the_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("relay.toml");
        std::fs::write(&path, "quota_byte = 5\n").unwrap();
        let flags = Settings { config: Some(path), ..Settings::default() };
        let Err(error) = flags.resolve() else { panic!("accepted") };
        assert!(error.to_string().contains("quota_byte"), "{error}");
    }
}
