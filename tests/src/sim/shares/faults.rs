//! What goes wrong: a relay that loses what it held, lost devices, devices that were taken out.

use super::{ANA, At, COUNSELLOR, Care, Failure};
use crate::stores;

const MAX_RELAY_BACKUPS: usize = 4;

impl Care {
    pub(super) fn wipe_relay(&mut self) -> Result<(), Failure> {
        self.say("the relay is wiped");
        self.world.wipe_relay();
        self.relay_harmed()
    }

    pub(super) fn back_up_relay(&mut self) -> Result<(), Failure> {
        self.say("the relay's store is backed up");
        self.relay_backups.push(stores::copy(&self.world.relay_store));
        if self.relay_backups.len() > MAX_RELAY_BACKUPS {
            self.relay_backups.remove(0);
        }
        Ok(())
    }

    pub(super) fn roll_relay_back(&mut self) -> Result<(), Failure> {
        if self.relay_backups.is_empty() {
            return Ok(());
        }
        let at = self.below(self.relay_backups.len() as u32) as usize;
        let told = self.chance(50);
        let store = stores::copy(&self.relay_backups[at]);
        let silent = if told { "says so" } else { "silent" };
        self.say(format!("the relay is rolled back, and {silent}"));
        self.world.put_relay_back(store, told);
        self.relay_harmed()
    }

    pub(super) fn renew_relay(&mut self) -> Result<(), Failure> {
        self.on(At { person: ANA, device: 0 }, |sim, _| sim.renew_relay())?;
        self.relay_harmed()
    }

    fn relay_harmed(&mut self) -> Result<(), Failure> {
        for person in 0..self.people.len() {
            self.on(At { person, device: 0 }, |sim, _| sim.harmed())?;
        }
        self.ties.iter_mut().for_each(|tie| tie.harmed());
        Ok(())
    }

    pub(super) fn lose_and_restore(&mut self, at: At) -> Result<(), Failure> {
        self.on(at, |sim, device| sim.lose_and_restore(device))
    }

    /// Somebody takes a device of theirs out, or links another.
    pub(super) fn change_devices(&mut self) -> Result<(), Failure> {
        let person = if self.chance(50) { ANA } else { COUNSELLOR };
        let at = self.any(person);
        match self.people[person].devices.len() {
            0..3 => self.on(at, |sim, device| sim.link(device)),
            _ => self.on(at, |sim, device| sim.remove(device)),
        }
    }
}
