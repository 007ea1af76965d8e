//! A record in the making.

use mainstay_protocol::FORMAT_VERSION;
use mainstay_protocol::frame::Signer;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::{AuthorId, SpaceId};
use mainstay_protocol::roster::{
    Act, Device, Epoch, KemKey, Party, Record, Role, Roster, RosterError, State, Wrap, WrapRef,
    wrap_hash,
};
use mainstay_protocol::sign::Signed;

use super::share::Terms;
use super::{Change, ChangeError, Newcomer};
use crate::space::CryptoRng;
use crate::space::consent::seal_consent;
use crate::space::epoch::{EpochKey, SpaceKey};
use crate::space::keyring::{Keyring, KeyringError};
use crate::space::member::MemberKeys;
use crate::space::sign::AuthorKey;
use crate::space::wrap::wrap;

/// The acts so far, and the wraps and the epoch that go with them.
pub(super) struct Draft {
    space: SpaceId,
    number: u32,
    parent: Option<Hash>,
    acts: Vec<Act>,
    wraps: Vec<Wrap>,
    epoch: Option<EpochKey>,
}

impl Draft {
    /// A space's first record, with the keys that found it.
    pub(super) fn founding(space: SpaceId, sign: &AuthorKey, kem: &KemKey) -> Self {
        let found = Act::Found { recovery: sign.verify_key(), recovery_kem: kem.clone() };
        Self { space, number: 0, parent: None, acts: vec![found], wraps: vec![], epoch: None }
    }

    /// A record after `parent`.
    pub(super) fn after(roster: &Roster, parent: Hash) -> Result<Self, RosterError> {
        let found = roster.records().find(|(hash, _, _)| **hash == parent);
        let (_, _, record) = found.ok_or(RosterError::NotThisSpace)?;
        let (space, number) = (*roster.space(), record.number + 1);
        let (acts, wraps) = (Vec::new(), Vec::new());
        Ok(Self { space, number, parent: Some(parent), acts, wraps, epoch: None })
    }

    pub(super) fn act(&mut self, act: Act) {
        self.acts.push(act);
    }

    /// A newcomer as the roster knows it: with its name sealed.
    pub(super) fn device(
        &self,
        rng: &mut dyn CryptoRng,
        epoch: &EpochKey,
        newcomer: &Newcomer,
    ) -> Result<Device, ChangeError> {
        let author = newcomer.key.author_id();
        let name = epoch.seal_name(rng, &self.space, &author, &newcomer.name)?;
        Ok(Device { key: newcomer.key, kem: newcomer.kem.clone(), sealed_name: name.into() })
    }

    /// A newcomer to a share as the roster knows them: with their name sealed.
    pub(super) fn party(
        &self,
        rng: &mut dyn CryptoRng,
        epoch: &EpochKey,
        newcomer: &Newcomer,
        role: Role,
    ) -> Result<Party, ChangeError> {
        let (key, kem) = (newcomer.key, newcomer.kem.clone());
        let sealed = epoch.seal_member_name(rng, &self.space, &key.member_id(), &newcomer.name)?;
        Ok(Party { key, kem, role, sealed_name: sealed.into() })
    }

    /// Consents, sealed under an epoch that must be the present one after this record.
    pub(super) fn consent(
        &mut self,
        rng: &mut dyn CryptoRng,
        epoch: &EpochKey,
        (plain, until_ms): Terms<'_>,
    ) -> Result<(), ChangeError> {
        let sealed = seal_consent(rng, (&self.space, self.number), epoch, plain)?;
        self.act(Act::Consent { epoch: epoch.id(), sealed: sealed.into(), until_ms });
        Ok(())
    }

    /// Admits a device with a wrap of an epoch that goes on.
    pub(super) fn admit(
        &mut self,
        rng: &mut dyn CryptoRng,
        keys: (&EpochKey, &SpaceKey),
        device: Device,
        succeeds: Option<AuthorId>,
    ) -> Result<(), ChangeError> {
        let wrap = self.wrap(rng, Signer::Device(device.author()), &device.kem, keys)?;
        self.act(Act::Admit { device, wrap: Some(wrap), succeeds });
        Ok(())
    }

    /// Starts the epoch after `state`'s, which keeps the keys before it readable.
    pub(super) fn next_epoch(
        &mut self,
        rng: &mut dyn CryptoRng,
        (state, keyring): (&State, &Keyring),
        recipients: &[(Signer, KemKey)],
    ) -> Result<(), ChangeError> {
        let previous = keyring.epoch(&state.epoch.id).ok_or(KeyringError::Missing)?;
        let keys = (EpochKey::make(rng), keyring.space_key());
        self.epoch(rng, keys, state.epoch.number + 1, recipients, &[previous])
    }

    pub(super) fn epoch(
        &mut self,
        rng: &mut dyn CryptoRng,
        (key, space_key): (EpochKey, &SpaceKey),
        number: u32,
        recipients: &[(Signer, KemKey)],
        previous: &[&EpochKey],
    ) -> Result<(), ChangeError> {
        let mut wraps = Vec::with_capacity(recipients.len());
        for (to, kem) in recipients {
            wraps.push(self.wrap(rng, *to, kem, (&key, space_key))?);
        }
        let previous = previous.iter().map(|earlier| key.seal_previous(rng, earlier)).collect();
        self.act(Act::Epoch(Epoch { id: key.id(), number, wraps, previous }));
        self.epoch = Some(key);
        Ok(())
    }

    fn wrap(
        &mut self,
        rng: &mut dyn CryptoRng,
        to: Signer,
        kem: &KemKey,
        keys: (&EpochKey, &SpaceKey),
    ) -> Result<WrapRef, ChangeError> {
        let wrap = wrap(rng, &self.space, to, kem, self.parent, keys)?;
        let hash = wrap_hash(&wrap);
        self.wraps.push(wrap);
        Ok(WrapRef { to, hash })
    }

    /// Signs as a device and checks the record against the roster's rules.
    pub(super) fn finish(self, roster: &Roster, signer: &AuthorKey) -> Result<Change, ChangeError> {
        self.finish_as(roster, Signer::Device(signer.author_id()), signer)
    }

    /// Signs as a member of a share and checks the record against the roster's rules.
    pub(super) fn finish_as_member(
        self,
        roster: &Roster,
        member: &MemberKeys,
    ) -> Result<Change, ChangeError> {
        self.finish_as(roster, member.signer(), &member.sign)
    }

    pub(super) fn finish_as(
        self,
        roster: &Roster,
        signer: Signer,
        key: &AuthorKey,
    ) -> Result<Change, ChangeError> {
        let change = self.sign(signer, key);
        roster.clone().append(&change.record)?;
        Ok(change)
    }

    pub(super) fn sign(self, signer: Signer, key: &AuthorKey) -> Change {
        let record = Record {
            version: FORMAT_VERSION,
            space: self.space,
            number: self.number,
            parent: self.parent,
            signer,
            acts: self.acts,
        };
        let record = Signed::seal(&record, |input| key.sign(input));
        Change { record, wraps: self.wraps, epoch: self.epoch }
    }
}
