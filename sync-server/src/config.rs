//! What an operator sets, and every limit that can be set.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::net::NetConfig;
use crate::relay::RelayConfig;

/// Everything a relay needs to run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where envelopes are kept. May be wiped at any time: the devices fill it again.
    pub data: PathBuf,
    /// Where the keys are kept; not inside `data`. To be backed up.
    pub keys: PathBuf,
    /// The UDP address to listen on; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The name or address that devices reach the relay under; the listening address if none.
    pub host: Option<String>,
    /// The rules' limits.
    pub relay: RelayConfig,
    /// The network's limits.
    pub net: NetConfig,
    /// The data were restored from a backup: devices shall not take them for what they knew.
    pub new_incarnation: bool,
}

impl Config {
    /// A configuration with default limits, open to anybody.
    pub fn new(data: impl Into<PathBuf>, keys: impl Into<PathBuf>, listen: SocketAddr) -> Self {
        Self {
            data: data.into(),
            keys: keys.into(),
            listen,
            host: None,
            relay: RelayConfig::default(),
            net: NetConfig::default(),
            new_incarnation: false,
        }
    }
}
