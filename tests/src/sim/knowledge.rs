//! What was acknowledged, and by whom: the truth that every device's words are held against.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use mainstay_core::document::{DocError, EntryDoc, Heads, PlanDoc};
use mainstay_core::engine::Replica;
use mainstay_core::journal::EntryId;

use super::{Failure, Sim};

/// How long a deleted entry can be brought back.
const DELETED_KEPT_MS: i64 = 30 * 24 * 3600 * 1000;

/// An acknowledged change: whoever has these heads has it.
pub(super) struct Operation {
    /// Of an entry, or of the plan.
    pub(super) entry: Option<EntryId>,
    pub(super) heads: Heads,
    pub(super) device: u32,
    /// The device is gone, and nobody else had it.
    pub(super) gone: bool,
}

#[derive(Default)]
pub(super) struct Knowledge {
    pub(super) operations: Vec<Operation>,
    /// Every entry that was ever acknowledged.
    pub(super) entries: BTreeSet<EntryId>,
    pub(super) forgotten: BTreeSet<EntryId>,
    /// When each entry was deleted first: 30 days later any device may forget it.
    pub(super) deleted: BTreeMap<EntryId, i64>,
    /// Who forgot what, after how many operations.
    pub(super) forgettings: Vec<(EntryId, u32, usize)>,
    /// How often the relay has lost something.
    pub(super) harm: u32,
    /// The latest time that any clock has shown, where one was wrong.
    pub(super) latest_ms: i64,
    /// Devices that are in nobody's hands any more, by id.
    pub(super) departed: BTreeSet<u32>,
}

impl Knowledge {
    /// The entries that a device may rightly lack: forgotten, or deleted for so long that they were
    /// forgotten by themselves.
    pub(super) fn may_be_gone(&self, now_ms: i64) -> BTreeSet<EntryId> {
        let old = |at: &i64| now_ms.max(self.latest_ms) - at >= DELETED_KEPT_MS;
        let expired = self.deleted.iter().filter(|(_, at)| old(at)).map(|(id, _)| *id);
        self.forgotten.iter().copied().chain(expired).collect()
    }
}

thread_local! {
    /// Documents by their saved bytes: the same ones are looked at after every step, and loading
    /// them took two thirds of a seed's time.
    static LOADED: RefCell<HashMap<Vec<u8>, Rc<EntryDoc>>> = RefCell::default();
    /// Plans by their saved bytes, for the same reason.
    static PLANS: RefCell<HashMap<Vec<u8>, Rc<PlanDoc>>> = RefCell::default();
}

/// Forgets the documents of the seed before.
pub(super) fn begin() {
    LOADED.with_borrow_mut(HashMap::clear);
    PLANS.with_borrow_mut(HashMap::clear);
}

fn load(saved: Vec<u8>) -> Result<Rc<EntryDoc>, Failure> {
    LOADED.with_borrow_mut(|loaded| remembered(loaded, saved, EntryDoc::load))
}

fn load_plan(saved: Vec<u8>) -> Result<Rc<PlanDoc>, Failure> {
    PLANS.with_borrow_mut(|loaded| remembered(loaded, saved, PlanDoc::load))
}

/// What these very bytes load as.
fn remembered<T>(
    loaded: &mut HashMap<Vec<u8>, Rc<T>>,
    saved: Vec<u8>,
    load: impl FnOnce(&[u8]) -> Result<T, DocError>,
) -> Result<Rc<T>, Failure> {
    if let Some(doc) = loaded.get(&saved) {
        return Ok(Rc::clone(doc));
    }
    let doc = Rc::new(load(&saved).map_err(|e| format!("a document: {e:?}"))?);
    loaded.insert(saved, Rc::clone(&doc));
    Ok(doc)
}

/// Everything that one replica holds.
pub(super) struct Holdings {
    pub(super) entries: BTreeMap<EntryId, Rc<EntryDoc>>,
    pub(super) plan: Rc<PlanDoc>,
}

impl Holdings {
    pub(super) fn of(replica: &mut Replica, of: &BTreeSet<EntryId>) -> Result<Self, Failure> {
        let mut entries = BTreeMap::new();
        for id in of {
            let saved = replica.document(id).map_err(|e| format!("a document of {id}: {e:?}"))?;
            if let Some(saved) = saved {
                entries.insert(*id, load(saved).map_err(|e| format!("{id}: {e}"))?);
            }
        }
        let plan = load_plan(replica.plan_document())?;
        Ok(Self { entries, plan })
    }

    pub(super) fn has(&self, operation: &Operation) -> bool {
        match &operation.entry {
            Some(id) => self.entries.get(id).is_some_and(|doc| doc.has_all(&operation.heads)),
            None => self.plan.has_all(&operation.heads),
        }
    }
}

impl Sim {
    /// Notes that a device acknowledged a change of an entry.
    pub(super) fn acknowledged(&mut self, device: usize, id: EntryId) -> Result<(), Failure> {
        let known = &mut self.devices[device];
        let saved = known.phone.replica.document(&id).map_err(|e| format!("{e:?}"))?;
        let saved =
            saved.ok_or(format!("{}: {id} was acknowledged and is not there", known.label))?;
        let heads = load(saved)?.heads();
        self.known.entries.insert(id);
        let device = known.id;
        self.known.operations.push(Operation { entry: Some(id), heads, device, gone: false });
        Ok(())
    }

    /// Notes that a device acknowledged a change of the plan.
    pub(super) fn acknowledged_plan(&mut self, device: usize) -> Result<(), Failure> {
        let known = &self.devices[device];
        let heads = load_plan(known.phone.replica.plan_document())?.heads();
        let device = known.id;
        self.known.operations.push(Operation { entry: None, heads, device, gone: false });
        Ok(())
    }

    /// What somebody could rebuild from the relay alone, with the phrase: tried on a copy of it.
    pub(super) fn on_relay(&mut self) -> Result<Option<Holdings>, Failure> {
        let (store, rng) = (self.world.relay_store.clone(), self.world.rng.clone());
        let plant = std::mem::take(&mut self.world.plant);
        let (late, restless) = (std::mem::take(&mut self.world.late), self.world.restless);
        self.world.restless = false;
        self.world.put_relay_back(crate::stores::copy(&store), false);
        let rebuilt = self.rebuild();
        self.world.put_relay_back(store, false);
        (self.world.rng, self.world.plant) = (rng, plant);
        (self.world.late, self.world.restless) = (late, restless);
        rebuilt
    }

    fn rebuild(&mut self) -> Result<Option<Holdings>, Failure> {
        let Ok(mut phone) = self.world.restore(&self.phrase) else { return Ok(None) };
        let synced = self.world.sync(&mut phone);
        synced.map_err(|e| format!("a restore on a copy of the relay: {e:?}"))?;
        Holdings::of(&mut phone.replica, &self.known.entries).map(Some)
    }

    /// Something was lost: a phone, or a part of the relay. What only it had is gone with it.
    pub(super) fn take_stock(&mut self) -> Result<(), Failure> {
        let departed = &self.known.departed;
        let open = |o: &Operation| !o.gone && departed.contains(&o.device);
        if !self.known.operations.iter().any(open) {
            return Ok(());
        }
        let mut holders: Vec<Holdings> = self.on_relay()?.into_iter().collect();
        for device in &mut self.devices {
            if device.phone.replica.is_member() {
                holders.push(Holdings::of(&mut device.phone.replica, &self.known.entries)?);
            }
        }
        for operation in self.known.operations.iter_mut() {
            if self.known.departed.contains(&operation.device) && !operation.gone {
                operation.gone = !holders.iter().any(|holder| holder.has(operation));
            }
        }
        Ok(())
    }
}
