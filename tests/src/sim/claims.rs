//! Whether what devices say is true.

use mainstay_core::engine::Alarm;
use mainstay_core::sync::Local;
use mainstay_protocol::roster::record_hash;
use mainstay_sync_server::feed::FeedStore;

use super::knowledge::Holdings;
use super::{Failure, Sim};

impl Sim {
    /// An honest relay causes no alarm, except that it lost something.
    pub(super) fn check_alarms(&mut self, device: usize) -> Result<(), Failure> {
        let alarms = self.devices[device].phone.replica.take_alarms();
        for alarm in alarms {
            let explained = match alarm {
                Alarm::RelayLost | Alarm::Fork | Alarm::Healed => self.known.harm > 0,
                _ => false,
            };
            let label = &self.devices[device].label;
            if !explained {
                return Err(format!("{label}: an alarm that nothing explains: {alarm:?}"));
            }
            self.say(format!("    alarm: {alarm:?}"));
        }
        Ok(())
    }

    /// One device is asked how things stand.
    pub(super) fn check_claims(&mut self) -> Result<(), Failure> {
        let device = self.any();
        let rebuild = self.chance(6);
        self.check_status(device, rebuild)
    }

    pub(super) fn check_status(&mut self, at: usize, rebuild: bool) -> Result<(), Failure> {
        let now_ms = self.world.now_ms;
        let status = self.devices[at].phone.replica.status(now_ms);
        let status = status.map_err(|e| self.failed(at, "status", &e))?;
        let mine = Holdings::of(&mut self.devices[at].phone.replica, &self.known.entries)?;
        let live = |id: &mainstay_core::journal::EntryId| {
            mine.entries.get(id).is_some_and(|doc| doc.deleted_at().is_none())
        };
        let lives = mine.entries.keys().filter(|id| live(id)).count() as u64;
        let label = self.devices[at].label.clone();
        if !status.restoring && status.entries != lives {
            return Err(format!("{label} counts {} entries and has {lives}", status.entries));
        }
        // What somebody forgets after having stated to hold it was no untruth.
        let forgotten = self.known.may_be_gone(now_ms);
        let holds = |theirs: &Holdings, id: &mainstay_core::journal::EntryId| {
            let (ours, other) = (&mine.entries[id], theirs.entries.get(id));
            let gone = forgotten.contains(id) && other.is_none();
            gone || other.is_some_and(|other| other.has_all(&ours.heads()))
        };
        let here = |theirs: &Holdings| {
            mine.entries.keys().filter(|id| live(id) && holds(theirs, id)).count() as u64
        };
        let lacking = |theirs: &Holdings| -> Vec<_> {
            mine.entries.keys().filter(|id| live(id) && !holds(theirs, id)).copied().collect()
        };
        for said in &status.devices {
            let named = self.devices.iter().position(|d| d.name(&said.name) && !d.doubtful);
            let Some(other) = named.filter(|other| *other != at) else { continue };
            let theirs = Holdings::of(&mut self.devices[other].phone.replica, &self.known.entries)?;
            let has = here(&theirs);
            if said.confirmed > has && !status.restoring {
                let there = &self.devices[other].label;
                return Err(format!(
                    "{label} says {} entries are on {there}, {has} are; it lacks {:?}",
                    said.confirmed,
                    lacking(&theirs)
                ));
            }
        }
        let current =
            self.devices[at].harm_seen == self.known.harm && !self.list_was_put_right(at)?;
        if rebuild && current && status.on_relay > 0 && !status.restoring {
            let there = match self.on_relay()? {
                Some(theirs) => here(&theirs),
                None => 0,
            };
            if status.on_relay > there {
                return Err(format!(
                    "{label} says {} entries are on the relay, {there} can be rebuilt",
                    status.on_relay
                ));
            }
        }
        Ok(())
    }

    /// Whether a relay that had lost a part of the list of devices was told it again after this
    /// device's last sync. A recovery in it makes what was stored since worthless until the device
    /// hears of it, and no status says more than the last sync.
    fn list_was_put_right(&self, at: usize) -> Result<bool, Failure> {
        let replica = &self.devices[at].phone.replica;
        let records = self.world.relay.store().records(&replica.space());
        let records = records.map_err(|e| e.to_string())?;
        let known = replica.roster_head();
        Ok(self.known.harm > 0 && records.last().is_some_and(|last| record_hash(last) != known))
    }
}
