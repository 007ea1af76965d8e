//! Comparing a share with what the relay states to hold of it: what is missing here is asked for, what
//! is missing there is said again.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use mainstay_protocol::heads::{Head, HeadsDigest, SlotHead};
use mainstay_protocol::ids::{AuthorId, SlotId};
use mainstay_protocol::statement::Cursor;

use super::side::Side;
use crate::engine::error::EngineError;

/// What the last comparison in this sync has shown.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// The relay's heads of places that count and that this device has not read.
    behind: Vec<SlotHead>,
    /// What the relay holds, while nothing is on its way to it.
    theirs: Option<HeadsDigest>,
}

impl Side<'_> {
    /// Takes in the relay's heads. What this side said and the relay has not is said again.
    pub(super) fn compare(&mut self, heads: &[SlotHead]) -> Result<(), EngineError> {
        self.find_lost(heads)?;
        let at_rest = self.journal.sent(&self.share.id)?.is_empty();
        let behind = self.unread_of(heads)?;
        let theirs = at_rest.then(|| HeadsDigest::of(heads));
        self.share.comparison = Comparison { behind, theirs };
        Ok(())
    }

    /// Whether the relay's heads are this device's, or differ only as they did when they were last
    /// compared: chains of members who were taken out stay on the relay with ends that nobody reads.
    pub(super) fn agrees_with(&mut self, theirs: &HeadsDigest) -> Result<bool, EngineError> {
        // What is on its way is in this device's heads already; and without the key nothing is read.
        let unclear = !self.journal.sent(&self.share.id)?.is_empty() || self.share.passed_over;
        Ok(unclear || self.share.is_settled(theirs, self.share.clock_ms()))
    }

    pub(super) fn slots_behind(&self) -> Vec<SlotId> {
        let slots: BTreeSet<_> = self.share.comparison.behind.iter().map(|h| h.slot).collect();
        slots.into_iter().collect()
    }

    /// What the comparison showed has been asked for.
    pub(super) fn note_comparison(&mut self) -> Result<(), EngineError> {
        let shown = std::mem::take(&mut self.share.comparison);
        let behind = !self.unread_of(&shown.behind)?.is_empty();
        // What the relay lacks is noted as lost, and makes another difference when it is said again; where
        // there is nobody to say it to any more, the difference stays.
        // What names a record of the list that this device lacks is read again with the list.
        let Some(theirs) = shown.theirs.filter(|_| !self.share.stale_roster) else {
            return Ok(());
        };
        let now_ms = self.share.clock_ms();
        let view = &mut self.share.view;
        let differs = theirs.difference(&view.tally.digest);
        view.relay.differs = Some(differs).filter(|differs| *differs != HeadsDigest::EMPTY);
        view.relay.behind_ms = behind.then_some(now_ms);
        self.keep()
    }

    /// Those of the relay's heads that count and that this device's registers do not reach.
    fn unread_of(&mut self, heads: &[SlotHead]) -> Result<Vec<SlotHead>, EngineError> {
        let (id, tx) = (self.share.id, self.journal.tx());
        let mut unread = Vec::new();
        for head in heads {
            let state = self.share.roster.state();
            let counts = state.admits_place(&head.author, &head.slot, head.head.seq) == Some(true);
            let members = state.share.as_ref().filter(|_| counts);
            let Some((member, _)) = members.and_then(|members| members.author_of(&head.author))
            else {
                continue;
            };
            let place = (&self.share.side_of(&member), &head.slot);
            let register = self.journal.register(&tx, &id, place)?;
            let reached = register.and_then(|register| register.head(&head.author));
            if reached.is_none_or(|reached| reached.seq < head.head.seq) {
                unread.push(*head);
            }
        }
        Ok(unread)
    }

    /// What this side said and the relay has not: it is said again.
    fn find_lost(&mut self, heads: &[SlotHead]) -> Result<(), EngineError> {
        let (me, side) = (self.share.author(), self.share.my_side());
        let there: BTreeMap<(SlotId, AuthorId), Head> =
            heads.iter().map(|head| ((head.slot, head.author), head.head)).collect();
        let mut ahead = false;
        let mut lost = Vec::new();
        self.journal.each_register(&self.share.id, &mut |register| {
            if register.side == side {
                let mine = register.head(&me);
                ahead |= there
                    .get(&(register.slot, me))
                    .is_some_and(|head| mine.is_none_or(|mine| head.seq > mine.seq));
                let stands = register.winner().map(|said| (said.author, said.head));
                if stands.is_some_and(|(author, head)| {
                    there.get(&(register.slot, author)) != Some(&head)
                }) {
                    lost.push(register);
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let mut tx = self.journal.tx();
        for mut register in lost {
            register.lost = true;
            self.journal.put_register(&mut tx, &self.share.id, &register)?;
        }
        tx.commit_lazily(&mut *self.journal.rng)?;
        self.share.due = None;
        self.share.view.compared = None;
        if ahead {
            // Somebody goes by this device's name, or it was put back: what they signed tells, so it
            // is read.
            let relay = &mut self.share.view.relay;
            relay.cursor = relay.cursor.map(|at| Cursor::start(at.incarnation));
        }
        self.keep()
    }
}
