//! What the platform's key store keeps beside the secret: enough to find the journal again when its
//! store is lost.

use mainstay_protocol::codec;
use mainstay_protocol::ids::SpaceId;
use minicbor::{Decode, Encode};

use super::config::Config;
use super::error::EngineError;
use super::keys::KeyError;
use super::replica::Replica;
use crate::sync::Local;

/// The name under which it lies in the key store.
const ANCHOR_ID: &str = "mainstay-anchor";

/// Where a device belongs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Anchor {
    /// Its journal.
    #[n(0)]
    pub(super) space: SpaceId,
    /// Which of its author keys it uses there.
    #[n(1)]
    pub(super) generation: u32,
    /// The relay's address, once one was set.
    #[n(2)]
    pub(super) relay: Option<String>,
}

impl Anchor {
    pub(super) fn of(replica: &Replica) -> Self {
        Self {
            space: replica.space(),
            generation: replica.generation(),
            relay: replica.relay_address().map(|address| address.to_string()),
        }
    }

    pub(super) fn load(config: &Config) -> Result<Option<Self>, EngineError> {
        let Some(bytes) = config.keys.load(ANCHOR_ID)? else { return Ok(None) };
        let anchor = codec::decode(&bytes);
        Ok(Some(
            anchor
                .map_err(|_| KeyError::Failed("its note of the journal is damaged".to_owned()))?,
        ))
    }

    /// Keeps it, if it is not what is kept already.
    pub(super) fn keep(&self, config: &Config) -> Result<(), EngineError> {
        if Self::load(config)?.as_ref() != Some(self) {
            config.keys.store(ANCHOR_ID, &codec::encode(self))?;
        }
        Ok(())
    }
}
