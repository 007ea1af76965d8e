//! After the last fault: everything comes into order, and stays quiet.

use std::collections::BTreeSet;

use mainstay_core::engine::Replica;
use mainstay_core::sync::Local;

use super::device::Device;
use super::knowledge::Holdings;
use super::{Failure, ROUNDS_TO_ORDER, Sim};
use crate::network::Line;

impl Sim {
    /// The faults stop, and everybody syncs a few times.
    pub(super) fn settle(&mut self) -> Result<(), Failure> {
        self.say("the faults stop");
        self.world.plant = Default::default();
        self.world.restless = false;
        self.world.late.clear();
        for round in 0..ROUNDS_TO_ORDER {
            for device in 0..self.devices.len() {
                self.sync(device, &mut Line::default())?;
                match round {
                    0 | 1 => self.confirm(device)?,
                    2 => self.let_in_again(device)?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Whoever removes a phone removes its clone as well: both had the same key. The person still
    /// holds the clone, and what only it acknowledged; another device lets it in again.
    fn let_in_again(&mut self, device: usize) -> Result<(), Failure> {
        if self.devices[device].is_in() {
            return Ok(());
        }
        let host = match self.devices.iter().position(Device::is_in) {
            Some(host) => host,
            None => self.begin_again()?,
        };
        let labels = [host, device].map(|at| self.devices[at].label.clone());
        self.say(format!("{} lets {} in again", labels[0], labels[1]));
        let pair = self.devices.get_disjoint_mut([host, device]);
        let [host_device, gone] = pair.map_err(|e| e.to_string())?;
        let let_in = self.world.readmit(&mut host_device.phone, &mut gone.phone);
        let_in.map_err(|e| self.failed(device, "let in again", &e))?;
        self.sync(device, &mut Line::default()).map(|_| ())
    }

    /// The relay shows a list on which nobody here is, and that cannot be joined: the twelve words are
    /// what is left, and then each device is let in again with all it has.
    fn begin_again(&mut self) -> Result<usize, Failure> {
        self.names += 1;
        let id = self.names;
        self.say(format!("d{id} is restored from the phrase"));
        let phone = self.world.restore_as(&self.phrase, &format!("restored {id}"));
        let mut new = Device::new(id, phone.map_err(|e| format!("restore: {e:?}"))?);
        new.harm_seen = self.known.harm;
        self.devices.push(new);
        let at = self.devices.len() - 1;
        self.sync(at, &mut Line::default())?;
        Ok(at)
    }

    pub(super) fn check_order(&mut self) -> Result<(), Failure> {
        if let Some(out) = self.devices.iter().find(|device| !device.is_in()) {
            return Err(format!("{} does not take part any more", out.label));
        }
        let members: Vec<usize> = (0..self.devices.len()).collect();
        let first = members.first().ok_or("there is no device any more")?;
        self.check_chains(&members)?;
        for at in &members {
            self.check_quiet(*at)?;
        }
        let expected = content(&mut self.devices[*first].phone.replica)?;
        for at in &members {
            let found = content(&mut self.devices[*at].phone.replica)?;
            if found != expected {
                let labels = [*first, *at].map(|at| self.devices[at].label.clone());
                return Err(format!("{labels:?} differ: {}", difference(&expected, &found)));
            }
            self.check_verified(*at)?;
            self.check_status(*at, at == first)?;
        }
        self.check_kept(*first)?;
        self.check_relay()?;
        self.check_restore(&expected)
    }

    /// All devices know the same chains, or no receipt could ever be compared.
    fn check_chains(&mut self, members: &[usize]) -> Result<(), Failure> {
        let mut all = Vec::new();
        for at in members {
            let ends = self.devices[*at].phone.replica.chain_ends().map_err(|e| e.to_string())?;
            all.push(ends.iter().map(|end| format!("{end:?}")).collect::<Vec<_>>());
        }
        for (at, ends) in members.iter().zip(&all) {
            if *ends != all[0] {
                let labels = [members[0], *at].map(|at| self.devices[at].label.clone());
                return Err(format!("chains of {labels:?}: {}", difference(&all[0], ends)));
            }
        }
        Ok(())
    }

    /// A sync with nothing new is a greeting and no more.
    fn check_quiet(&mut self, at: usize) -> Result<(), Failure> {
        let mut line = Line::default();
        self.sync(at, &mut line)?.ok_or("a member could not sync at the end")?;
        let label = &self.devices[at].label;
        if line.envelopes > 0 || line.given > 0 || line.requests > 4 {
            return Err(format!(
                "{label}: a sync with nothing new took {} requests, {} of which gave something, {} envelopes",
                line.requests, line.given, line.envelopes
            ));
        }
        let now_ms = self.world.now_ms;
        let status = self.devices[at].phone.replica.status(now_ms).map_err(|e| e.to_string())?;
        if status.waiting > 0 || status.on_relay != status.entries || status.restoring {
            return Err(format!("{}: at the end: {status:?}", self.devices[at].label));
        }
        // A key that nobody uses any more is still listed: a lost phone's, or a clone's old one.
        let held: BTreeSet<_> =
            self.devices.iter().map(|d| Local::author(&d.phone.replica)).collect();
        let listed = self.devices[at].phone.replica.devices();
        let unused = listed.iter().filter(|i| i.status == "active" && !held.contains(&i.author));
        let silent = status.devices.iter().filter(|device| device.confirmed != status.entries);
        if silent.count() > unused.count() {
            return Err(format!("{}: at the end: {status:?}", self.devices[at].label));
        }
        Ok(())
    }

    /// What the relay counts is what it holds: a repair relies on it.
    fn check_relay(&self) -> Result<(), Failure> {
        let damaged = self.world.relay.store().take_out_damaged();
        match damaged.map_err(|e| e.to_string())? {
            0 => Ok(()),
            spaces => Err(format!("{spaces} spaces on the relay do not add up")),
        }
    }

    fn check_verified(&mut self, at: usize) -> Result<(), Failure> {
        let problems = self.devices[at].phone.replica.verify().map_err(|e| e.to_string())?;
        match problems.is_empty() {
            true => Ok(()),
            false => Err(format!("{}: verify finds {problems:?}", self.devices[at].label)),
        }
    }

    /// What was acknowledged is there; what was forgotten is not.
    fn check_kept(&mut self, at: usize) -> Result<(), Failure> {
        let holdings = Holdings::of(&mut self.devices[at].phone.replica, &self.known.entries)?;
        let may_be_gone = self.known.may_be_gone(self.world.now_ms);
        for operation in self.known.operations.iter().filter(|o| !o.gone) {
            let forgotten = operation.entry.is_some_and(|id| may_be_gone.contains(&id));
            if !forgotten && !holdings.has(operation) {
                return Err(format!(
                    "d{} acknowledged a change of {:?} that is lost",
                    operation.device, operation.entry
                ));
            }
        }
        for (id, by, _) in &self.known.forgettings {
            if holdings.entries.contains_key(id) && self.devices.iter().any(|d| d.id == *by) {
                return Err(format!("d{by} forgot {id}, and it is there"));
            }
        }
        Ok(())
    }

    fn check_restore(&mut self, expected: &[String]) -> Result<(), Failure> {
        let mut phone = self.world.restore(&self.phrase).map_err(|e| format!("restore: {e:?}"))?;
        self.world.sync(&mut phone).map_err(|e| format!("restore: {e:?}"))?;
        let found = content(&mut phone.replica)?;
        match found == expected {
            true => Ok(()),
            false => Err(format!("the restored journal differs: {}", difference(expected, &found))),
        }
    }
}

/// Everything that a replica shows, with the version of each document.
fn content(replica: &mut Replica) -> Result<Vec<String>, Failure> {
    let mut all = Vec::new();
    for month in replica.chapters() {
        let rows = replica.chapter_rows(month).map_err(|e| e.to_string())?;
        all.extend(rows.iter().map(|row| format!("{row:?}")));
    }
    let plan = mainstay_core::document::PlanDoc::load(&replica.plan_document());
    all.push(format!("{:?}", plan.map_err(|e| e.to_string())?.heads()));
    Ok(all)
}

fn difference(a: &[String], b: &[String]) -> String {
    let only = |x: &[String], y: &[String]| {
        x.iter().filter(|line| !y.contains(line)).map(|l| l.chars().take(400).collect()).collect()
    };
    let (left, right): (Vec<String>, Vec<String>) = (only(a, b), only(b, a));
    format!("{left:?} against {right:?}")
}
