//! Records of a share made with real keys, and what its members can open after each.
#![allow(clippy::unwrap_used)]

mod consent;
mod members;
mod owner;

use super::*;
use crate::space::device::DeviceSecret;
use crate::space::keyring::KeyringError;
use crate::space::member::MemberSecret;
use mainstay_protocol::ids::{EpochId, SpaceId};
use mainstay_protocol::roster::Wrap;
use mainstay_protocol::sign::VerifyKey;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

/// A share with its root; its owner is member 0.
struct World {
    rng: ChaCha20Rng,
    root: RootSecret,
    owner: MemberKeys,
    roster: Roster,
    wraps: Vec<Wrap>,
    keyring: Keyring,
}

fn member(number: u8) -> MemberKeys {
    MemberSecret::make(&mut ChaCha20Rng::from_seed([number; 32])).keys()
}

/// The key of a device of somebody's in a share.
fn device(number: u8, space: &SpaceId) -> VerifyKey {
    let secret = DeviceSecret::make(&mut ChaCha20Rng::from_seed([number; 32]));
    secret.keys(space, 0).author.verify_key()
}

fn is_rule<T>(result: &Result<T, ChangeError>) -> bool {
    matches!(result, Err(ChangeError::Rule(RosterError::Rule { .. })))
}

impl World {
    fn new() -> Self {
        Self::seeded(1)
    }

    fn seeded(seed: u8) -> Self {
        let mut rng = ChaCha20Rng::from_seed([seed; 32]);
        let (root, owner) = (RootSecret::make(&mut rng), member(0));
        let founded = found_share(&mut rng, &root, &owner, "Sam").unwrap();
        let Founded { roster, wraps, keyring } = founded;
        Self { rng, root, owner, roster, wraps, keyring }
    }

    /// What the relay has appended; the owner learns the key of an epoch that it starts.
    fn take(&mut self, change: Change) {
        self.roster.append(&change.record).unwrap();
        self.wraps.extend(change.wraps);
        change.epoch.into_iter().for_each(|epoch| self.keyring.add(epoch));
    }

    fn enter(&mut self, number: u8) {
        let newcomer = Newcomer::member(&member(number), &format!("counsellor {number}"));
        let at = (&self.roster, &self.keyring);
        let change = enter(&mut self.rng, at, &self.owner, &newcomer).unwrap();
        self.take(change);
    }

    fn leave(&mut self, number: u8) {
        let at = (&self.roster, &self.keyring);
        let gone = member(number).member_id();
        let change = leave(&mut self.rng, at, &self.owner, &gone, vec![]).unwrap();
        self.take(change);
    }

    fn epoch(&mut self) {
        let at = (&self.roster, &self.keyring);
        let change = start_share_epoch(&mut self.rng, at, &self.owner).unwrap();
        self.take(change);
    }

    fn epochs(&self) -> Vec<EpochId> {
        let started = |act: &Act| match act {
            Act::Epoch(epoch) => Some(epoch.id),
            _ => None,
        };
        self.roster.records().flat_map(|(_, _, r)| r.acts.iter().filter_map(started)).collect()
    }

    /// What a member has who knows nothing but roster and wraps.
    fn opened_by(&self, keys: &MemberKeys) -> Result<Keyring, KeyringError> {
        Keyring::open(&self.roster, &self.wraps, keys.signer(), &keys.kem)
    }

    fn opened_by_root(&self) -> Keyring {
        let kem = self.root.keys().kem;
        Keyring::open(&self.roster, &self.wraps, Signer::Recovery, &kem).unwrap()
    }

    /// Which of the epochs so far a keyring opens.
    fn opens(&self, keyring: &Keyring) -> Vec<bool> {
        self.epochs().iter().map(|epoch| keyring.epoch(epoch).is_some()).collect()
    }
}
