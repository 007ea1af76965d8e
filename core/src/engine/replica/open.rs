//! Making a replica, and opening it again.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;

use mainstay_protocol::codec;
use mainstay_protocol::heads::HeadsDigest;
use mainstay_protocol::ids::{SpaceId, StoreInstance};
use mainstay_protocol::roster::{Record, Roster, Wrap};
use mainstay_protocol::sign::Signed;
use mainstay_store::{Store, prefix_end};

use super::records::{Catalog, Identity, RelayView, Restoring, Tally};
use super::{BoxRng, Me, Replica};
use crate::document::PlanDoc;
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::engine::vault::{Key, Table, Vault};
use crate::journal::Month;
use crate::space::change::{self, Founded};
use crate::space::device::DeviceSecret;
use crate::space::keyring::Keyring;
use crate::space::recovery::Recovery;

/// The format of what a replica stores. A newer one is refused; older ones are migrated at open.
const FORMAT: u16 = 1;

/// What a replica is opened with.
pub struct Setup {
    /// Where it lies.
    pub store: Arc<dyn Store>,
    /// The device's secret, from the platform's key store.
    pub secret: DeviceSecret,
    /// Randomness.
    pub rng: BoxRng,
}

pub(super) fn meta(vault: &Vault, name: &str) -> Key {
    vault.key(Table::Meta, &[name.as_bytes()])
}

pub(super) const IDENTITY: &str = "identity";
pub(super) const ROSTER: &str = "roster";
pub(super) const WRAPS: &str = "wraps";
pub(super) const KEYRING: &str = "keyring";
pub(super) const RELAY: &str = "relay";
pub(super) const TALLY: &str = "tally";
pub(super) const PLAN: &str = "plan";
pub(super) const PLAN_PENDING: &str = "plan pending";
pub(super) const RESTORING: &str = "restoring";
pub(super) const HELD: &str = "held";
pub(super) const DELETED: &str = "deleted since";

impl Replica {
    /// Founds a journal: its first device, its recovery key, its empty plan. Durable on return.
    ///
    /// # Errors
    /// [`EngineError::AlreadyThere`] when the store holds one.
    pub fn create(mut setup: Setup, recovery: &Recovery, name: &str) -> Result<Self, EngineError> {
        let space = recovery.space_id();
        let keys = setup.secret.keys(&space, 0);
        let Founded { roster, wraps, keyring } =
            change::found(&mut *setup.rng, recovery, &keys, name)?;
        let mut replica = Self::new(setup, space, 0, name, (roster, keyring))?;
        replica.store_new(&wraps)?;
        Ok(replica)
    }

    /// Makes the replica of a device that joins a journal: by linking, or by a recovery.
    ///
    /// # Errors
    /// [`EngineError::AlreadyThere`] when the store holds one.
    pub fn join(setup: Setup, keys: (Roster, Keyring), name: &str) -> Result<Self, EngineError> {
        Self::join_as(setup, keys, name, 0)
    }

    /// As [`Replica::join`], under a later author key: a device whose store was lost goes on under
    /// the key that it had, until it has taken the next one.
    ///
    /// # Errors
    /// [`EngineError::AlreadyThere`] when the store holds one.
    pub fn join_as(
        setup: Setup,
        (roster, keyring): (Roster, Keyring),
        name: &str,
        generation: u32,
    ) -> Result<Self, EngineError> {
        let space = *roster.space();
        let mut replica = Self::new(setup, space, generation, name, (roster, keyring))?;
        replica.store_new(&[])?;
        Ok(replica)
    }

    fn new(
        mut setup: Setup,
        space: SpaceId,
        generation: u32,
        name: &str,
        (roster, keyring): (Roster, Keyring),
    ) -> Result<Self, EngineError> {
        let mut instance = [0; StoreInstance::LEN];
        rand_core::Rng::fill_bytes(&mut *setup.rng, &mut instance);
        let tally = Tally {
            counter: 0,
            instance: StoreInstance(instance),
            digest: HeadsDigest::EMPTY,
            recent: Vec::new(),
            owed: true,
        };
        let vault = Arc::new(Vault::new(setup.store, setup.secret.rest_key()));
        if holds_something(&vault)? {
            return Err(EngineError::AlreadyThere);
        }
        let name = name.to_owned();
        Ok(Self {
            vault,
            rng: setup.rng,
            me: Me::new(setup.secret, space, generation, name),
            roster,
            keyring,
            relay: None,
            tally,
            catalog: BTreeMap::new(),
            plan: PlanDoc::create()?,
            next_intent: 0,
            next_out: 0,
            unfolded: true,
            tidy_at: None,
            revision: 1,
            bundle: None,
            page: None,
            slot_names: HashMap::new(),
            alarms: Vec::new(),
            jobs: VecDeque::new(),
            not_removed: Vec::new(),
            bound_refused: None,
            fork: None,
            intake: Default::default(),
            appending: None,
            counts: Default::default(),
            restoring: None,
            shares: BTreeMap::new(),
            owned: Vec::new(),
        })
    }

    fn store_new(&mut self, wraps: &[Wrap]) -> Result<(), EngineError> {
        let mut tx = self.tx();
        self.put_identity(&mut tx)?;
        self.put_roster(&mut tx)?;
        self.put_tally(&mut tx)?;
        tx.put(&meta(&self.vault, WRAPS), &wraps.to_vec())?;
        tx.put_bytes(&meta(&self.vault, PLAN), &self.plan.save())?;
        tx.commit(&mut *self.rng)
    }

    /// Opens what a store holds, and finishes what was logged before it was last closed.
    ///
    /// # Errors
    /// [`EngineError::NothingHere`] for an empty store, [`EngineError::Damaged`], and
    /// [`EngineError::Store`] with `Newer` for a store of a newer version.
    pub fn open(setup: Setup) -> Result<Self, EngineError> {
        let vault = Arc::new(Vault::new(setup.store, setup.secret.rest_key()));
        let tx = Tx::new(&vault);
        let identity: Identity = match tx.get(&meta(&vault, IDENTITY))? {
            Some(identity) => identity,
            None if holds_something(&vault)? => {
                return Err(super::super::keys::KeyError::Missing.into());
            }
            None => return Err(EngineError::NothingHere),
        };
        if identity.format > FORMAT {
            let (found, known) = (u32::from(identity.format), u32::from(FORMAT));
            return Err(mainstay_store::StoreError::Newer { found, known }.into());
        }
        let missing = |what| move || EngineError::damaged(what);
        let records: Vec<Signed<Record>> =
            tx.get(&meta(&vault, ROSTER))?.ok_or_else(missing("the list of devices is missing"))?;
        let keyring =
            tx.bytes(&meta(&vault, KEYRING))?.ok_or_else(missing("the keys are missing"))?;
        let plan = tx.bytes(&meta(&vault, PLAN))?.ok_or_else(missing("the plan is missing"))?;
        let mut replica = Self {
            rng: setup.rng,
            roster: Roster::verify(identity.space, &records)?,
            keyring: Keyring::from_bytes(&keyring)?,
            relay: tx.get::<RelayView>(&meta(&vault, RELAY))?,
            tally: tx.get(&meta(&vault, TALLY))?.ok_or_else(missing("the tally is missing"))?,
            catalog: catalog(&tx, &vault)?,
            plan: PlanDoc::load(&plan)?,
            next_intent: next(&vault, Table::Intent)?,
            next_out: next(&vault, Table::Outbox)?,
            unfolded: true,
            tidy_at: None,
            revision: 1,
            bundle: None,
            page: None,
            slot_names: HashMap::new(),
            alarms: Vec::new(),
            jobs: VecDeque::new(),
            not_removed: Vec::new(),
            bound_refused: None,
            fork: None,
            intake: Default::default(),
            appending: None,
            counts: Default::default(),
            restoring: tx.get::<Restoring>(&meta(&vault, RESTORING))?,
            shares: BTreeMap::new(),
            owned: Vec::new(),
            me: Me {
                going_on: identity.all_going_on(),
                ..Me::new(setup.secret, identity.space, identity.generation, identity.name)
            },
            vault,
        };
        replica.note_owned();
        replica.fold()?;
        Ok(replica)
    }

    pub(super) fn put_identity(&self, tx: &mut Tx) -> Result<(), EngineError> {
        let (last, before) = match &self.me.going_on[..] {
            [before @ .., last] => (Some(*last), before.to_vec()),
            [] => (None, Vec::new()),
        };
        let identity = Identity {
            format: FORMAT,
            space: self.me.space,
            generation: self.me.generation,
            name: self.me.name.clone(),
            going_on: last,
            going_on_before: before,
        };
        tx.put(&meta(&self.vault, IDENTITY), &identity)
    }

    pub(super) fn put_roster(&self, tx: &mut Tx) -> Result<(), EngineError> {
        tx.put(&meta(&self.vault, ROSTER), &self.roster.records_after(None))?;
        tx.put_bytes(&meta(&self.vault, KEYRING), &self.keyring.to_bytes())
    }

    pub(super) fn put_tally(&self, tx: &mut Tx) -> Result<(), EngineError> {
        tx.put(&meta(&self.vault, TALLY), &self.tally)
    }

    pub(super) fn put_relay(&self, tx: &mut Tx) -> Result<(), EngineError> {
        match &self.relay {
            Some(relay) => tx.put(&meta(&self.vault, RELAY), relay),
            None => Ok(()),
        }
    }

    pub(super) fn put_restoring(&self, tx: &mut Tx) -> Result<(), EngineError> {
        match &self.restoring {
            Some(restoring) => tx.put(&meta(&self.vault, RESTORING), restoring),
            None => tx.delete(&meta(&self.vault, RESTORING)),
        }
    }
}

/// Whether a store holds anything at all, also under another secret.
fn holds_something(vault: &Vault) -> Result<bool, EngineError> {
    let mut found = false;
    vault.store().scan(&[], None, &mut |_, _| {
        found = true;
        ControlFlow::Break(())
    })?;
    Ok(found)
}

fn catalog(tx: &Tx, vault: &Vault) -> Result<BTreeMap<Month, Catalog>, EngineError> {
    let mut catalogs = BTreeMap::new();
    tx.scan(&vault.table(Table::Catalog), &mut |_, bytes| {
        let catalog: Catalog = codec::decode(&bytes)?;
        catalogs.insert(Month::from_index(catalog.month), catalog);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(catalogs)
}

/// The place after the last record of a table in arrival order. Its key tells; nothing is opened.
fn next(vault: &Vault, table: Table) -> Result<u64, EngineError> {
    let table = vault.table(table).0;
    let mut last = None;
    vault.store().scan_back(&table, prefix_end(&table).as_deref(), &mut |key, _| {
        let place = key.get(table.len()..).and_then(|rest| rest.first_chunk());
        last = place.map(|place| u64::from_be_bytes(*place));
        ControlFlow::Break(())
    })?;
    Ok(last.map_or(0, |last| last + 1))
}
