//! One device syncs its journal and its shares, and what came of it is looked at.

use mainstay_core::care::{RecordId, SharedBody, SharedRecord};
use mainstay_core::engine::{Alarm, EngineError, ShareStage};
use mainstay_protocol::envelope::Envelope;
use mainstay_protocol::frame::Refusal;
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::roster::RosterError;

use super::ties::bare;
use super::{ANA, At, COUNSELLOR, Care, Failure};
use crate::network::{Line, Turn};
use crate::sharing::Shared;
use crate::sim::steps::waits_for_key;

/// What a device holds of its own side, and of the other's.
type BothSides = (Vec<SharedRecord>, Vec<SharedRecord>);

impl Care {
    /// Tells whether everything was done.
    pub(super) fn sync(&mut self, at: At, line: &mut Line) -> Result<bool, Failure> {
        let turn = self.on(at, |sim, device| sim.sync(device, line))?;
        if turn != Some(Turn::Done) {
            return Ok(false);
        }
        let renewed = self.ask(at, |phone, now_ms| phone.replica.renew_keys(now_ms));
        self.check_share_alarms(at)?;
        if renewed.map_err(|e| format!("{}: keys: {e:?}", self.label(at)))? {
            let turn = self.on(at, |sim, device| sim.sync(device, line))?;
            if turn != Some(Turn::Done) {
                return Ok(false);
            }
        }
        let shared = self.sync_shares(at, line)?;
        if shared.cut {
            return Ok(false);
        }
        let waits = self.ask(at, |phone, _| phone.replica.keys_wait());
        if waits.map_err(|e| format!("{}: keys: {e:?}", self.label(at)))? {
            self.on(at, |sim, device| sim.sync(device, line))?;
        }
        Ok(shared.failed.is_empty())
    }

    /// The part of it after the journal.
    pub(super) fn sync_shares(&mut self, at: At, line: &mut Line) -> Result<Shared, Failure> {
        self.note_previews(at)?;
        let id = self.id(at);
        for tie in self.ties_of(at) {
            self.ties[tie].talked.push(id);
        }
        let done =
            self.on(at, |sim, device| sim.world.sync_shares(&mut sim.devices[device].phone, line));
        let shared = done.map_err(|e| format!("{}: shares: {e:?}", self.label(at)))?;
        // A share that came with this very sync has shown a preview by now only.
        self.note_previews(at)?;
        self.check_share_alarms(at)?;
        for (share, error) in &shared.failed {
            let tie = self.tie_of(share)?;
            if !self.may_fail(at, tie, error) {
                return Err(format!("{}: share {tie}: {error:?}", self.label(at)));
            }
            self.ties[tie].forked |= is_fork(error);
            self.say(format!("    {}: share {tie} ends with: {error:?}", self.label(at)));
        }
        if !shared.cut {
            self.note_synced(at, &shared)?;
        }
        if at.person == COUNSELLOR {
            self.check_came(at, &shared)?;
        }
        Ok(shared)
    }

    fn note_synced(&mut self, at: At, shared: &Shared) -> Result<(), Failure> {
        let id = self.id(at);
        let infos = self.ask(at, |phone, now_ms| phone.replica.shares(now_ms));
        for info in infos.map_err(|e| format!("shares: {e:?}"))? {
            if shared.failed.iter().any(|(share, _)| *share == info.id) {
                continue;
            }
            let harm = self.people[ANA].known.harm;
            let here = !matches!(info.state, ShareStage::Invited(_) | ShareStage::Coming);
            if at.person == COUNSELLOR && here {
                self.synced.insert((info.id, id), harm);
            }
            // What was stated of one life of the relay's store counts in no other one.
            let heard = !self.world.restless;
            let there = self
                .synced
                .iter()
                .filter(|((share, _), at)| heard && *share == info.id && **at == harm);
            let told = there.map(|((share, device), _)| (*share, at.person, id, *device));
            self.told.extend(told);
            let tie = self.tie_of(&info.id)?;
            self.ties[tie].made |= info.synced_ms.is_some();
            // Whoever is still in was not shut out yet.
            let shut = self.ties[tie].ended && info.owner && info.members.len() == 1;
            if shut && self.ties[tie].closed.is_none() {
                self.ties[tie].closed = Some(self.words.len());
            }
        }
        Ok(())
    }

    /// What a person sees in the preview before something is pushed is what may be pushed.
    fn note_previews(&mut self, at: At) -> Result<(), Failure> {
        for tie in self.ties_of(at) {
            let share = self.ties[tie].share;
            let shown = self.ask(at, |phone, now_ms| phone.replica.preview(&share, now_ms));
            let (records, plan) = match shown {
                Ok(shown) => shown,
                Err(EngineError::NoSuchShare | EngineError::ShareNotHere) => continue,
                Err(error) => return Err(format!("{}: preview: {error:?}", self.label(at))),
            };
            for record in &records {
                let bare = bare(record)?;
                self.ties[tie].shown.insert(bare);
            }
            if let Some(plan) = plan {
                let id = RecordId::from_bytes([0; 16]);
                let record = SharedRecord { id, counter: 1, body: SharedBody::Plan(plan) };
                self.ties[tie].shown.insert(bare(&record)?);
            }
        }
        Ok(())
    }

    /// Whether the time of some consent has come, by the relay's clock.
    pub(super) fn may_be_over(&self, tie: usize) -> bool {
        let relay_ms = self.world.now_ms + self.world.relay_ahead_ms;
        self.ties[tie].ends.iter().any(|until| *until < relay_ms)
    }

    /// A sync of a share may fail only because somebody is out of it, or because of what the relay
    /// lost.
    fn may_fail(&self, at: At, tie: usize, error: &EngineError) -> bool {
        let expired = self.may_be_over(tie);
        let tie = &self.ties[tie];
        let refused =
            matches!(error, EngineError::Refused(Refusal::NotAuthorised) | EngineError::NotADevice);
        let too_late = matches!(error, EngineError::Refused(Refusal::Expired)) && expired;
        matches!(error, EngineError::Link(_) | EngineError::Restless)
            || (at.person == COUNSELLOR && (too_late || (refused && tie.ended)))
            || (self.harmed() && (refused || waits_for_key(error)))
            // The journal has brought a share that its own device has not brought to the relay yet.
            || (matches!(error, EngineError::Refused(Refusal::UnknownSpace)) && !tie.made)
            || (self.harmed()
                && matches!(
                    error,
                    EngineError::Roster(_) | EngineError::Refused(Refusal::UnknownSpace)
                ))
    }

    fn check_share_alarms(&mut self, at: At) -> Result<(), Failure> {
        let alarms = self.ask(at, |phone, _| phone.replica.take_alarms());
        for alarm in alarms {
            let explained = match alarm {
                Alarm::RelayLost | Alarm::ShareFork => self.harmed(),
                // A device was taken out, or the phrase was used.
                Alarm::InviteAnew => {
                    at.person == COUNSELLOR
                        && (self.harmed() || !self.people[COUNSELLOR].known.departed.is_empty())
                }
                _ => false,
            };
            if !explained {
                let label = self.label(at);
                return Err(format!("{label}: an alarm that nothing explains: {alarm:?}"));
            }
            self.say(format!("    {}: alarm: {alarm:?}", self.label(at)));
        }
        Ok(())
    }

    /// What the counsellor's device was given, and what it holds by now.
    fn check_came(&mut self, at: At, shared: &Shared) -> Result<(), Failure> {
        for (share, bytes) in &shared.came {
            let tie = self.tie_of(share)?;
            let envelope = Envelope::from_bytes(bytes).map_err(|e| format!("{e:?}"))?;
            let opened = self.ask(at, |phone, _| phone.replica.open_shared(share, &envelope));
            let Ok(Some(plain)) = opened else { continue };
            let record = SharedRecord::from_bytes(&plain).map_err(|e| format!("{e:?}"))?;
            self.check_shown(tie, &record).map_err(|e| format!("{}: {e}", self.label(at)))?;
        }
        for tie in 0..self.ties.len() {
            for record in self.held(at, &self.ties[tie].share.clone())?.unwrap_or_default() {
                self.check_shown(tie, &record).map_err(|e| format!("{}: {e}", self.label(at)))?;
            }
        }
        Ok(())
    }

    /// What a device holds of the other side's; none where it is not in the share, or its time is
    /// over.
    pub(super) fn held(
        &mut self,
        at: At,
        share: &SpaceId,
    ) -> Result<Option<Vec<SharedRecord>>, Failure> {
        Ok(self.heard(at, share)?.map(|heard| heard.1))
    }

    /// What a device holds of its own side, and of the other's.
    pub(super) fn heard(&mut self, at: At, share: &SpaceId) -> Result<Option<BothSides>, Failure> {
        let heard = match self.ask(at, |phone, now_ms| phone.replica.heard(share, now_ms)) {
            Ok(heard) => heard,
            Err(
                EngineError::NoSuchShare | EngineError::ShareNotHere | EngineError::ShareExpired,
            ) => return Ok(None),
            Err(error) => return Err(format!("{}: heard: {error:?}", self.label(at))),
        };
        let (mut mine, mut theirs) = (Vec::new(), Vec::new());
        for one in heard {
            if one.mine { mine.push(one.record) } else { theirs.push(one.record) }
        }
        mine.sort_by_key(|record| record.id);
        theirs.sort_by_key(|record| record.id);
        Ok(Some((mine, theirs)))
    }
}

/// The relay shows another list of members than this device knows: the person makes another share.
fn is_fork(error: &EngineError) -> bool {
    matches!(error, EngineError::Roster(RosterError::Fork { .. }))
}
