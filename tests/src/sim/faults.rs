//! What goes wrong: crashes, lost phones, clones, a relay that loses what it held.

use mainstay_core::engine::Job;

use super::device::Device;
use super::{Failure, Sim};
use crate::network::Line;
use crate::stores;

const MAX_RELAY_BACKUPS: usize = 4;

impl Sim {
    pub(super) fn crash(&mut self, device: usize) -> Result<(), Failure> {
        self.say(format!("{} crashes", self.devices[device].label));
        let crashed = self.world.crash(&mut self.devices[device].phone);
        crashed.map_err(|e| self.failed(device, "open after a crash", &e))
    }

    /// The system takes the app's place away; the app had time to write everything down.
    pub(super) fn suspend(&mut self, device: usize) -> Result<(), Failure> {
        self.say(format!("{} is suspended and comes back", self.devices[device].label));
        let suspended = self.world.suspend(&mut self.devices[device].phone);
        suspended.map_err(|e| self.failed(device, "open after a suspension", &e))
    }

    /// Requests of a sync that was cut off reach the relay after all.
    pub(super) fn something_arrives_late(&mut self) -> Result<(), Failure> {
        let under_way = self.world.late.len() as u32;
        if under_way > 0 {
            let at = self.below(under_way) as usize;
            self.say(format!("{} requests arrive late", self.world.late[at].1.len()));
            self.world.arrive(at);
        }
        Ok(())
    }

    /// The device goes where the clocks show another time.
    pub(super) fn travel(&mut self, device: usize) -> Result<(), Failure> {
        let zones =
            ["Europe/Berlin", "Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kathmandu"];
        let zone = zones[self.below(zones.len() as u32) as usize];
        self.say(format!("{} is in {zone} now", self.devices[device].label));
        self.devices[device].zone = zone;
        Ok(())
    }

    /// The device has no network for some steps.
    pub(super) fn go_out_of_reach(&mut self, device: usize) -> Result<(), Failure> {
        let steps = 3 + self.below(12);
        self.say(format!("{} is out of reach for {steps} steps", self.devices[device].label));
        self.devices[device].away_until = self.step + steps;
        Ok(())
    }

    pub(super) fn is_out_of_reach(&self, device: usize) -> bool {
        self.devices[device].away_until > self.step
    }

    /// A relay that begins another life with all that it has; now and then one that goes on with that.
    pub(super) fn renew_relay(&mut self) -> Result<(), Failure> {
        self.world.restless ^= self.chance(40);
        let again = if self.world.restless { ", and does so before every sync" } else { "" };
        self.say(format!("the relay begins another life with all it has{again}"));
        self.world.renew_relay();
        self.harmed()
    }

    pub(super) fn back_up(&mut self, device: usize) -> Result<(), Failure> {
        self.say(format!("{}'s store is backed up", self.devices[device].label));
        let operations = self.known.operations.len();
        self.devices[device].back_up(operations);
        Ok(())
    }

    /// A phone's store is replaced by an old copy of itself.
    pub(super) fn put_back(&mut self, device: usize) -> Result<(), Failure> {
        let Some((store, operations)) = self.devices[device].backup.take() else { return Ok(()) };
        self.say(format!("{}'s store is put back", self.devices[device].label));
        let secret = self.devices[device].phone.secret.clone();
        let opened = self.world.open(&store, &secret);
        let phone = opened.map_err(|e| self.failed(device, "open a backup", &e))?;
        self.devices[device].phone = phone;
        self.devices[device].doubtful = true;
        self.devices[device].harm_seen = u32::MAX;
        let id = self.devices[device].id;
        self.depart(id, operations)
    }

    /// What a device acknowledged from some operation on is in nobody's hands unless it was sent.
    fn depart(&mut self, id: u32, from: usize) -> Result<(), Failure> {
        let ghost = u32::MAX - self.known.departed.len() as u32;
        let later = self.known.operations.iter_mut().skip(from).filter(|o| o.device == id);
        later.for_each(|operation| operation.device = ghost);
        // Nor does anybody know of what was forgotten there.
        self.known.forgettings.retain(|(_, by, at)| *by != id || *at < from);
        self.known.departed.insert(ghost);
        self.take_stock()
    }

    /// A second phone goes on from an old copy of a phone's store, and so does the phone itself.
    pub(super) fn clone_device(&mut self, device: usize) -> Result<(), Failure> {
        if self.devices.len() >= 5 {
            return Ok(());
        }
        let store = match self.devices[device].backup.take() {
            Some((store, _)) => store,
            None => stores::copy(&self.devices[device].phone.store),
        };
        self.names += 1;
        let id = self.names;
        self.say(format!("{} is cloned to d{id}", self.devices[device].label));
        let secret = self.devices[device].phone.secret.clone();
        let opened = self.world.open(&store, &secret);
        let phone = opened.map_err(|e| self.failed(device, "open a clone", &e))?;
        self.devices[device].doubtful = true;
        let mut twin = Device::new(id, phone);
        (twin.doubtful, twin.harm_seen) = (true, u32::MAX);
        self.devices.push(twin);
        Ok(())
    }

    pub(super) fn wipe_relay(&mut self) -> Result<(), Failure> {
        self.say("the relay is wiped");
        self.world.wipe_relay();
        self.harmed()
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
        self.say(format!(
            "the relay is rolled back, and {}",
            if told { "says so" } else { "silent" }
        ));
        self.world.put_relay_back(store, told);
        self.harmed()
    }

    pub(super) fn harmed(&mut self) -> Result<(), Failure> {
        self.known.harm += 1;
        self.take_stock()
    }

    pub(super) fn remove(&mut self, device: usize) -> Result<(), Failure> {
        let other = self.any();
        let by = &self.devices[device].phone.replica;
        if other == device || self.devices.len() < 3 || !by.is_member() {
            return Ok(());
        }
        let gone = mainstay_core::sync::Local::author(&self.devices[other].phone.replica);
        // What a person removes is on their list.
        if gone == mainstay_core::sync::Local::author(by)
            || !by.devices().iter().any(|info| info.author == gone)
        {
            return Ok(());
        }
        let labels = [device, other].map(|at| self.devices[at].label.clone());
        self.say(format!("{} removes {}", labels[0], labels[1]));
        self.devices[device].phone.replica.ask(Job::Remove(gone));
        let synced = self.sync(device, &mut Line::default())?;
        if synced.is_none() {
            return Ok(());
        }
        let removed = self.devices.remove(other);
        self.depart(removed.id, 0)
    }

    /// The phone is gone; the twelve words bring the journal back.
    pub(super) fn lose_and_restore(&mut self, device: usize) -> Result<(), Failure> {
        self.names += 1;
        let id = self.names;
        self.say(format!(
            "{} is lost, d{id} is restored from the phrase",
            self.devices[device].label
        ));
        let phone = match self.world.restore_as(&self.phrase, &format!("restored {id}")) {
            Ok(phone) => phone,
            Err(_) if self.known.harm > 0 => {
                self.say("    the relay has nothing to restore from yet");
                return Ok(());
            }
            Err(error) => return Err(self.failed(device, "restore", &error)),
        };
        let lost = self.devices.remove(device);
        let mut new = Device::new(id, phone);
        new.harm_seen = self.known.harm;
        self.devices.push(new);
        let at = self.devices.len() - 1;
        let mut line = Line::default();
        if self.chance(50) {
            line.requests_left = Some(1 + self.below(12));
        }
        self.sync(at, &mut line)?;
        self.depart(lost.id, 0)
    }

    /// Somebody looks at the list of devices: those in the person's hands are confirmed, others go.
    pub(super) fn confirm(&mut self, device: usize) -> Result<(), Failure> {
        if self.devices[device].phone.replica.fork().is_some_and(|fork| fork.can_heal) {
            self.say(format!("{} joins two lists of devices", self.devices[device].label));
            let asked = self.devices[device].phone.replica.ask_heal();
            asked.map_err(|e| self.failed(device, "heal", &e))?;
            self.sync(device, &mut Line::default())?;
        }
        if !self.devices[device].phone.replica.is_member() {
            return Ok(());
        }
        let held: Vec<_> = self
            .devices
            .iter()
            .map(|d| mainstay_core::sync::Local::author(&d.phone.replica))
            .collect();
        let listed = self.devices[device].phone.replica.devices();
        for info in listed.iter().filter(|info| info.status == "waiting") {
            let job = match held.contains(&info.author) {
                true => Job::Confirm(info.author),
                false => Job::Remove(info.author),
            };
            self.say(format!("{}: {job:?}", self.devices[device].label));
            self.devices[device].phone.replica.ask(job);
        }
        self.sync(device, &mut Line::default()).map(|_| ())
    }
}
