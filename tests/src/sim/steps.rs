//! Which step comes next.

use mainstay_core::engine::EngineError;
use mainstay_protocol::frame::Refusal;

use super::device::Device;
use super::{Failure, Sim};
use crate::network::{Conversation, Line, Turn};

const HOUR_MS: i64 = 3600 * 1000;
const MAX_DEVICES: usize = 5;

impl Sim {
    pub(super) fn play_step(&mut self) -> Result<(), Failure> {
        let device = self.any();
        match self.below(113) {
            0..18 => self.log(device),
            18..29 => self.edit(device),
            29..34 => self.edit_twice(),
            34..38 => self.delete(device),
            38..40 => self.bring_back(device),
            40..43 => self.forget(device),
            43..49 => self.edit_plan(device),
            49..51 => self.import(device),
            51..70 => self.sync_whole(device),
            70..76 => self.sync_cut(device),
            76..80 => self.sync_two(),
            80..83 => self.crash(device),
            83..84 => self.back_up(device),
            84..85 => self.put_back(device),
            85..86 => self.clone_device(device),
            86..87 => self.wipe_relay(),
            87..89 => self.back_up_relay(),
            89..91 => self.roll_relay_back(),
            91..92 => self.remove(device),
            92..93 => self.link(device),
            93..94 => self.lose_and_restore(device),
            94..96 => self.confirm(device),
            96..99 => self.suspend(device),
            99..105 => self.something_arrives_late(),
            105..106 => self.travel(device),
            106..108 => self.go_out_of_reach(device),
            108..109 => self.renew_relay(),
            _ => self.let_time_pass(),
        }
    }

    fn let_time_pass(&mut self) -> Result<(), Failure> {
        let hours = match self.below(3) {
            0 => 1 + self.below(48),
            1 => 24 * (1 + self.below(12)),
            _ => 24 * 30 * (1 + self.below(5)),
        };
        self.say(format!("{hours} hours pass"));
        self.world.now_ms += i64::from(hours) * HOUR_MS;
        while self.world.relay.sweep(self.world.now_ms as u64).map_err(|e| e.to_string())? {}
        Ok(())
    }

    /// A sync may fail only because the device does not take part (any more).
    pub(super) fn sync(&mut self, device: usize, line: &mut Line) -> Result<Option<Turn>, Failure> {
        let synced = self.world.sync_over(&mut self.devices[device].phone, line);
        self.ended(device, synced)
    }

    fn ended(
        &mut self,
        device: usize,
        synced: Result<Turn, EngineError>,
    ) -> Result<Option<Turn>, Failure> {
        let turn = match synced {
            Ok(turn) => turn,
            Err(error) if self.may_fail(device, &error) => {
                self.say(format!("    {} ends with: {error:?}", self.devices[device].label));
                self.devices[device].apart = !matches!(error, EngineError::Restless);
                self.check_alarms(device)?;
                return Ok(None);
            }
            Err(error) => return Err(self.failed(device, "sync", &error)),
        };
        if turn == Turn::Done {
            self.devices[device].harm_seen = self.known.harm;
            self.devices[device].apart = false;
        }
        self.check_alarms(device)?;
        Ok(Some(turn))
    }

    fn may_fail(&self, device: usize, error: &EngineError) -> bool {
        let out =
            matches!(error, EngineError::NotADevice | EngineError::Refused(Refusal::NotAuthorised));
        let device = &self.devices[device];
        let removed = !device.phone.replica.is_member();
        // A relay that was rolled back may not know it yet.
        out && (removed || device.doubtful || self.known.harm > 0)
            || matches!(error, EngineError::Restless)
            // A relay that was rolled back may have lost this device's wrap of the present key.
            || (self.known.harm > 0 && waits_for_key(error))
            || (self.known.harm > 0 && matches!(error, EngineError::Roster(_)))
    }

    fn sync_whole(&mut self, device: usize) -> Result<(), Failure> {
        if self.is_out_of_reach(device) {
            return Ok(());
        }
        let turns_left = self.chance(15).then(|| 1 + self.below(4));
        let in_time = turns_left.map(|turns| format!(" for {turns} turns")).unwrap_or_default();
        self.say(format!("{} syncs{in_time}", self.devices[device].label));
        let mut line = Line { twice: self.chance(15), turns_left, ..Line::default() };
        self.sync(device, &mut line).map(|_| ())
    }

    fn sync_cut(&mut self, device: usize) -> Result<(), Failure> {
        if self.is_out_of_reach(device) {
            return Ok(());
        }
        let requests = 1 + self.below(9);
        let late = self.chance(50);
        let mut line = Line { requests_left: Some(requests), late, ..Line::default() };
        line.last_replies = self.below(3) as usize;
        self.say(format!(
            "{} syncs and is cut off at request {requests}",
            self.devices[device].label
        ));
        self.sync(device, &mut line)?;
        if self.chance(40) {
            self.crash(device)?;
        }
        Ok(())
    }

    /// Two devices sync at the same time, batch by batch.
    fn sync_two(&mut self) -> Result<(), Failure> {
        let (a, b) = (self.any(), self.any());
        if a == b || self.is_out_of_reach(a) || self.is_out_of_reach(b) {
            return Ok(());
        }
        let labels = [a, b].map(|at| self.devices[at].label.clone());
        self.say(format!("{} and {} sync at once", labels[0], labels[1]));
        let mut talks = Vec::new();
        for at in [a, b] {
            let begun = Conversation::begin(&self.world, &mut self.devices[at].phone);
            talks.push((at, begun.map_err(|e| self.failed(at, "begin", &e))?, Line::default()));
        }
        while !talks.is_empty() {
            let next = self.below(talks.len() as u32) as usize;
            let (at, talk, line) = &mut talks[next];
            let at = *at;
            let turn = talk.turn(&mut self.world, &mut self.devices[at].phone, line);
            if !matches!(turn, Ok(Turn::More)) {
                talks.remove(next);
                self.ended(at, turn)?;
            }
        }
        Ok(())
    }

    pub(super) fn link(&mut self, host: usize) -> Result<(), Failure> {
        if self.devices.len() >= MAX_DEVICES || !self.devices[host].phone.replica.is_member() {
            return Ok(());
        }
        let name = format!("linked {}", self.names);
        self.link_from(host, &name)
    }

    pub(super) fn link_from(&mut self, host: usize, name: &str) -> Result<(), Failure> {
        self.names += 1;
        let id = self.names;
        self.say(format!("{} links d{id}", self.devices[host].label));
        match self.world.link(&mut self.devices[host].phone, name) {
            Ok(phone) => {
                self.devices.push(Device::new(id, phone));
                let new = self.devices.len() - 1;
                self.devices[new].harm_seen = self.known.harm;
                self.sync(new, &mut Line::default()).map(|_| ())
            }
            Err(error) if self.may_fail(host, &error) => {
                self.say(format!("    it ends with: {error:?}"));
                Ok(())
            }
            Err(error) => Err(self.failed(host, "link", &error)),
        }
    }
}

pub(super) fn waits_for_key(error: &EngineError) -> bool {
    use mainstay_core::space::{change::ChangeError, keyring::KeyringError};
    matches!(
        error,
        EngineError::Keyring(KeyringError::Missing)
            | EngineError::Devices(ChangeError::Key(KeyringError::Missing))
    )
}
