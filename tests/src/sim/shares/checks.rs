//! After the last fault: the counsellor's devices hold what the person's previews show and nothing
//! else, and it stays quiet.

use mainstay_core::care::{SharedBody, SharedPlan, SharedRecord};
use mainstay_core::engine::{ShareInfo, ShareStage};

use super::ties::words_of;
use super::{ANA, At, BEN, COUNSELLOR, Care, Failure};
use crate::network::Line;

/// Rounds of syncs of everybody, after the journals are in order, within which the shares are: a change of
/// the plan goes over, is taken in, is said to be, is taken back, and that is heard.
const ROUNDS: usize = 6;

impl Care {
    /// The faults stop, the clocks are put right, and everybody syncs a few times.
    pub(super) fn settle(&mut self) -> Result<(), Failure> {
        self.say("the faults stop");
        self.world.plant = Default::default();
        self.clocks.clear();
        for person in [ANA, BEN, COUNSELLOR] {
            self.on(At { person, device: 0 }, |sim, _| sim.settle())?;
        }
        for _ in 0..ROUNDS {
            for person in [ANA, BEN, COUNSELLOR] {
                for at in self.all(person) {
                    self.sync(at, &mut Line::default())?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn check_order(&mut self) -> Result<(), Failure> {
        for tie in 0..self.ties.len() {
            self.check_tie(tie)?;
        }
        for person in [ANA, BEN, COUNSELLOR] {
            for at in self.all(person) {
                self.check_quiet(at)?;
            }
        }
        for person in [ANA, BEN, COUNSELLOR] {
            self.on(At { person, device: 0 }, |sim, _| sim.check_order())?;
        }
        Ok(())
    }

    fn info(&mut self, at: At, tie: usize) -> Result<Option<ShareInfo>, Failure> {
        let share = self.ties[tie].share;
        Ok(self.infos(at)?.into_iter().find(|info| info.id == share))
    }

    fn check_tie(&mut self, tie: usize) -> Result<(), Failure> {
        let owner = self.ties[tie].owner;
        let mut states = Vec::new();
        for at in self.all(owner) {
            states.push(self.info(at, tie)?.map(|info| info.state));
        }
        let split = self.is_split(tie)?;
        self.say(format!("share {tie} is {states:?}{}", if split { ", and split" } else { "" }));
        if split {
            return Ok(());
        }
        let first = states.first().cloned().flatten();
        // An invitation that is still open is known to the device that made it only.
        let mut known = states.iter().filter(|state| !is_invited(state));
        let first = known.next().cloned().unwrap_or(first);
        if known.any(|state| *state != first) {
            return Err(format!("share {tie} is {states:?} on its person's devices"));
        }
        match first {
            Some(ShareStage::Active) => self.check_live(tie),
            // Its person's last device is lost, and the relay lost what it knew of it, or never had it.
            None if self.harmed() || !self.ties[tie].made => Ok(()),
            None => Err(format!("share {tie} is gone")),
            Some(ShareStage::Expired) => Ok(()),
            Some(_) => self.check_nothing_is_held(tie),
        }
    }

    /// Every device of the counsellor's holds what every device of the person's shows, and both hold
    /// what the other said.
    fn check_live(&mut self, tie: usize) -> Result<(), Failure> {
        let (owner, share) = (self.ties[tie].owner, self.ties[tie].share);
        for there in self.all(COUNSELLOR) {
            let Some(info) = self.info(there, tie)? else {
                match self.harmed() {
                    // The vault that named it was lost with the relay.
                    true => continue,
                    false => return Err(format!("{} lost share {tie}", self.label(there))),
                }
            };
            if info.state != ShareStage::Active {
                return Err(format!("{}: share {tie} is {:?}", self.label(there), info.state));
            }
            let (said_there, held) = self.heard(there, &share)?.ok_or("a share without records")?;
            for at in self.all(owner) {
                let now_ms = self.world.now_ms;
                let shown = self.ask(at, |phone, _| phone.replica.preview(&share, now_ms));
                let (mut shown, plan) = shown.map_err(|e| format!("preview: {e:?}"))?;
                shown.sort_by_key(|record| record.id);
                let entries = entries(&held);
                if entries != shown {
                    let (by, to) = (self.label(at), self.label(there));
                    return Err(format!(
                        "share {tie}: {by} shows {:?}, {to} holds {:?}",
                        without(&shown, &entries),
                        without(&entries, &shown)
                    ));
                }
                let plans = held.iter().filter_map(|record| match &record.body {
                    SharedBody::Plan(plan) => Some(SharedPlan { editing: None, ..plan.clone() }),
                    _ => None,
                });
                if plans.collect::<Vec<_>>() != plan.iter().cloned().collect::<Vec<_>>() {
                    let counters = |records: &[SharedRecord]| -> Vec<u64> {
                        let plans =
                            records.iter().filter(|r| matches!(r.body, SharedBody::Plan(_)));
                        plans.map(|record| record.counter).collect()
                    };
                    let mine = self.heard(at, &share)?.map(|(said, _)| counters(&said));
                    return Err(format!(
                        "share {tie}: {} holds the plan {:?}, {} said {mine:?} and would now say {}",
                        self.label(there),
                        counters(&held),
                        self.label(at),
                        plan.is_some(),
                    ));
                }
                let (said, heard) = self.heard(at, &share)?.ok_or("a share without records")?;
                self.check_said(tie, (there, &said_there), (at, &heard))?;
                self.check_said(tie, (at, &said), (there, &held))?;
            }
            for at in self.all(owner) {
                let mine = self.info(at, tie)?.ok_or("a share without an end")?;
                self.check_opened((there, &info), (at, &mine))?;
                let info = mine;
                if info.delivered {
                    self.check_delivered(at, &info)?;
                }
            }
        }
        self.check_edits(tie)
    }

    /// What one side said and still has, the other side has; and a device has what it acknowledged.
    fn check_said(
        &self,
        tie: usize,
        (by, said): (At, &[SharedRecord]),
        (to, heard): (At, &[SharedRecord]),
    ) -> Result<(), Failure> {
        let (said, heard) = (comments(said), comments(heard));
        if let Some(lost) = said.iter().find(|text| !heard.contains(text)) {
            let (by, to) = (self.label(by), self.label(to));
            return Err(format!("share {tie}: {by} said {lost:?}, and {to} does not have it"));
        }
        let id = self.id(by);
        let acknowledged = self.ties[tie].said.iter();
        let mut mine = acknowledged.filter(|(who, device, _)| (*who, *device) == (by.person, id));
        match mine.find(|(.., text)| !said.contains(&text.as_str())) {
            Some((.., lost)) => {
                Err(format!("share {tie}: {} lost what it said: {lost:?}", self.label(by)))
            }
            None => Ok(()),
        }
    }

    /// Nobody is in, or the share is over: there is nothing of the person's on the other side.
    fn check_nothing_is_held(&mut self, tie: usize) -> Result<(), Failure> {
        let share = self.ties[tie].share;
        for there in self.all(COUNSELLOR) {
            let held = self.held(there, &share)?.unwrap_or_default();
            if !entries(&held).is_empty() {
                return Err(format!(
                    "share {tie} is over, and {} holds {} entries of it",
                    self.label(there),
                    held.len()
                ));
            }
        }
        Ok(())
    }

    /// A sync with nothing new is one question for each share.
    fn check_quiet(&mut self, at: At) -> Result<(), Failure> {
        let mut open = 0;
        for info in self.infos(at)? {
            let tie = self.tie_of(&info.id)?;
            let waits = match info.state {
                // Each sync looks for an answer, or for a consent that was given anew.
                ShareStage::Invited(_) | ShareStage::Expired => true,
                // It was over before this device had it, and the relay shows it nothing.
                // Or whoever had its list of members is gone, and so is the relay's. Or the
                // relay shows two lists (decision 12), this one without the device.
                ShareStage::Coming => {
                    let tied = &self.ties[tie];
                    tied.ended || tied.forked || self.may_be_over(tie) || !self.is_on_relay(tie)?
                }
                _ => self.ties[tie].forked,
            };
            open += usize::from(waits);
        }
        let mut line = Line::default();
        let shared = self.sync_shares(at, &mut line)?;
        if shared.pushed > 0 || (open == 0 && (shared.turns > 0 || !shared.failed.is_empty())) {
            return Err(format!(
                "{}: a sync of shares with nothing new: {} turns, {} pushed, {:?}",
                self.label(at),
                shared.turns,
                shared.pushed,
                shared.failed
            ));
        }
        Ok(())
    }
}

fn is_invited(state: &Option<ShareStage>) -> bool {
    matches!(state, Some(ShareStage::Invited(_)))
}

fn entries(records: &[SharedRecord]) -> Vec<SharedRecord> {
    let entries = records.iter().filter(|record| matches!(record.body, SharedBody::Entry(_)));
    entries.map(|record| SharedRecord { counter: 0, ..record.clone() }).collect()
}

/// The words of those records that the others lack.
fn without(records: &[SharedRecord], others: &[SharedRecord]) -> Vec<String> {
    records.iter().filter(|record| !others.contains(record)).map(words_of).collect()
}

fn comments(records: &[SharedRecord]) -> Vec<&str> {
    let comment = |record| match record {
        &SharedRecord { body: SharedBody::Comment { ref text, .. }, .. } => Some(text.as_str()),
        _ => None,
    };
    records.iter().filter_map(comment).collect()
}
