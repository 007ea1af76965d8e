//! One device of the person, and what the test knows about it.

use mainstay_store::MemoryStore;

use crate::stores;
use crate::world::Phone;

pub(super) struct Device {
    pub(super) id: u32,
    pub(super) label: String,
    pub(super) phone: Phone,
    /// How often the relay had lost something when this device last completed a sync; what it says
    /// about the relay cannot be newer than that.
    pub(super) harm_seen: u32,
    /// A copy of its store, and how many operations had been made then.
    pub(super) backup: Option<(MemoryStore, usize)>,
    /// Its store was put back, or it has a twin: what others know of it may be more than it has.
    pub(super) doubtful: bool,
    /// Where it is.
    pub(super) zone: &'static str,
    /// It has no network before this step.
    pub(super) away_until: u32,
    /// Its last sync ended with word that it is not on the list, or that there are two lists.
    pub(super) apart: bool,
}

impl Device {
    pub(super) fn new(id: u32, phone: Phone) -> Self {
        let label = format!("d{id}");
        Self {
            id,
            label,
            phone,
            harm_seen: 0,
            backup: None,
            doubtful: false,
            zone: "Europe/Berlin",
            away_until: 0,
            apart: false,
        }
    }

    /// Whether it takes part, as far as anybody can tell.
    pub(super) fn is_in(&self) -> bool {
        self.phone.replica.is_member() && !self.apart
    }

    /// A system backup takes what is durable, and what is not as well, or not.
    pub(super) fn back_up(&mut self, operations: usize) {
        self.backup = Some((stores::copy(&self.phone.store), operations));
    }
}

impl Device {
    /// Whether it goes by this name on the list of devices.
    pub(super) fn name(&self, name: &str) -> bool {
        let mut devices = self.phone.replica.devices().into_iter();
        devices.any(|info| info.this && info.name == name)
    }
}
