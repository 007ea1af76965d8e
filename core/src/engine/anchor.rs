//! What the platform's key store keeps beside the secret: enough to find the journal again when its
//! store is lost.

use mainstay_protocol::FORMAT_VERSION;
use mainstay_protocol::codec;
use mainstay_protocol::hash::Hash;
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
    /// The newest list of devices that it accepted: its number and its last record. A store that
    /// does not know it was put back from an older copy.
    #[n(3)]
    pub(super) roster: Option<(u32, Hash)>,
    /// The newest format that was used here; an older app must not go on from there.
    #[n(4)]
    pub(super) version: Option<u8>,
}

impl Anchor {
    pub(super) fn of(replica: &Replica) -> Self {
        Self {
            space: replica.space(),
            generation: replica.generation(),
            relay: replica.relay_address().map(|address| address.to_string()),
            roster: Some(replica.roster_place()),
            version: Some(FORMAT_VERSION),
        }
    }

    pub(super) fn load(config: &Config) -> Result<Option<Self>, EngineError> {
        let Some(bytes) = config.keys.load(ANCHOR_ID)? else { return Ok(None) };
        let damaged = |_| KeyError::Failed("its note of the journal is damaged".to_owned());
        let anchor: Self = codec::decode(&bytes).map_err(damaged)?;
        match anchor.version {
            Some(found) if found > FORMAT_VERSION => {
                let (found, known) = (u32::from(found), u32::from(FORMAT_VERSION));
                Err(mainstay_store::StoreError::Newer { found, known }.into())
            }
            _ => Ok(Some(anchor)),
        }
    }

    /// Tells a replica that has lost it which relay it belonged to.
    pub(super) fn give_relay(config: &Config, replica: &mut Replica) -> Result<(), EngineError> {
        let known = Self::load(config)?.and_then(|anchor| anchor.relay);
        match known.and_then(|relay| relay.parse().ok()) {
            Some(relay) if replica.relay_address().is_none() => replica.set_relay(&relay),
            _ => Ok(()),
        }
    }

    /// Compares a replica with what the key store remembers, and has the replica say so if it is an
    /// older copy of itself.
    pub(super) fn check(config: &Config, replica: &mut Replica) -> Result<(), EngineError> {
        if let Some(known) = Self::load(config)? {
            known.fits(replica);
        }
        Ok(())
    }

    /// Keeps where a replica belongs. Of one that is an older copy of itself it keeps nothing: the
    /// key store's word stays until the replica has caught up.
    pub(super) fn note(config: &Config, replica: &mut Replica) -> Result<(), EngineError> {
        let known = Self::load(config)?;
        let fits = known.as_ref().is_none_or(|known| known.fits(replica));
        let now = Self::of(replica);
        if fits && known.as_ref() != Some(&now) {
            config.keys.store(ANCHOR_ID, &codec::encode(&now))?;
        }
        Ok(())
    }

    fn fits(&self, replica: &mut Replica) -> bool {
        let roster = self.roster.filter(|_| self.space == replica.space());
        let fits = roster.is_none_or(|(number, head)| replica.has_had(number, &head));
        if !fits {
            replica.alarm_old();
        }
        fits
    }

    /// Keeps it, if it is not what is kept already.
    pub(super) fn keep(&self, config: &Config) -> Result<(), EngineError> {
        if Self::load(config)?.as_ref() != Some(self) {
            config.keys.store(ANCHOR_ID, &codec::encode(self))?;
        }
        Ok(())
    }
}
