//! Whether anything is to be done in a share: what lets two hundred of them cost one turn.

use mainstay_protocol::frame::{Attach, Attached, Proof, Reply, Request};
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::roster::Role;
use mainstay_protocol::sign::VerifyKey;

use super::register::Register;
use super::side::Side;
use super::{Replica, Share};
use crate::engine::error::EngineError;
use crate::sync::Local;

/// What a share needs.
pub enum Glance {
    /// A sync: something waits here, or it is not here yet.
    Busy,
    /// Only the relay can tell.
    Ask(Request),
}

impl Replica {
    /// The shares and open invitations that a sync looks at, with the relay of each.
    ///
    /// # Errors
    /// What the store says.
    pub fn live_shares(&mut self, now_ms: i64) -> Result<Vec<(SpaceId, String)>, EngineError> {
        self.fold()?;
        self.renew_shares(now_ms)?;
        self.note_owned();
        for door in self.doors()? {
            if self.has_lapsed(&door) {
                self.close_door(&door.share)?;
            }
        }
        let mut live = Vec::new();
        for (id, book) in self.books() {
            // What goes wrong in one is told by its own sync, and keeps no other back.
            let here = self.has_view(&id).unwrap_or(false);
            if !here || !self.is_settled(&id).unwrap_or(false) {
                live.push((id, book.relay));
            }
        }
        let doors = self.doors()?.into_iter().filter(|door| !door.mine);
        live.extend(doors.map(|door| (door.share, door.relay)));
        Ok(live)
    }

    /// The shares that stand, with the relay of each: asked about before a sync of the journal has
    /// brought anything, and nothing is changed by it.
    ///
    /// # Errors
    /// What the store says.
    pub fn standing_shares(&mut self) -> Result<Vec<(SpaceId, String)>, EngineError> {
        let mut standing = Vec::new();
        for (id, book) in self.books() {
            let here = book.ended_ms.is_none() && self.has_view(&id).unwrap_or(false);
            if here && !self.has_left(&id).unwrap_or(true) {
                standing.push((id, book.relay));
            }
        }
        Ok(standing)
    }

    /// The relay has lost something of the journal. A share that is over may be among it: with the
    /// word that it is, or the other side would never hear it.
    pub(in crate::engine::replica) fn doubt_ended_shares(&mut self) -> Result<(), EngineError> {
        for (id, book) in self.books() {
            if book.ended_ms.is_some() && self.has_view(&id)? {
                self.with_side(&id, |side| side.heads_differ())?;
            }
        }
        Ok(())
    }

    /// Whether a share has ended and all that follows from it is done.
    fn is_settled(&mut self, id: &SpaceId) -> Result<bool, EngineError> {
        self.with_share(id, |journal, share| {
            if !share.is_in() {
                if share.is_coming_back() {
                    return Ok(false);
                }
                if share.owns() && share.book.ended_ms.is_none() {
                    journal.share_alarm(super::Alarm::ShareTaken);
                }
                // Whoever left says so again where the relay may have lost it.
                let left = !share.owns() && share.book.ended_ms.is_some();
                return Ok(!left || share.view.relay.intact);
            }
            let ended = share.book.ended_ms.is_some() && share.owns() && share.readers().is_empty();
            Ok(ended
                && share.view.relay.intact
                && share.is_compared_with_nothing()
                && journal.sent(&share.id)?.is_empty())
        })
    }

    /// A sync of a share that this side is out of has come to its end: the relay knows of it.
    pub(super) fn note_out(&mut self, id: &SpaceId) -> Result<(), EngineError> {
        self.with_side(id, |side| side.is_known_to_be_out())
    }

    /// Whether this side is out of a share: it left, or was shut out. Either is no failure of a sync.
    pub(super) fn has_left(&mut self, id: &SpaceId) -> Result<bool, EngineError> {
        self.with_share(id, |_, share| Ok(!share.is_in()))
    }

    pub(in crate::engine) fn has_view(&self, id: &SpaceId) -> Result<bool, EngineError> {
        Ok(self.share_view(id)?.is_some())
    }

    /// Whether a share can be left to one question to the relay, and which.
    ///
    /// # Errors
    /// What the store says.
    pub fn glance(
        &mut self,
        id: &SpaceId,
        exporter: [u8; 32],
        relay: &VerifyKey,
        now_ms: i64,
    ) -> Result<(SpaceId, Glance), EngineError> {
        if !self.has_view(id)? || self.door(id)?.is_some() {
            return Ok((*id, Glance::Busy));
        }
        self.with_side(id, |side| {
            // What the relay's clock said last is old by now.
            side.share.relay_ms = None;
            let (space, signer, cursor) = (side.space(), side.speaker(), side.witness());
            if cursor.is_none() || !side.intact() || side.has_work(now_ms)? {
                return Ok((space, Glance::Busy));
            }
            let signature =
                Some(side.sign_attach(&Proof { exporter, relay: *relay, space, signer }));
            Ok((space, Glance::Ask(Request::Attach(Attach { space, signer, signature, cursor }))))
        })
    }

    /// The shares in which something is new, by the relay's word.
    ///
    /// # Errors
    /// What the store says.
    pub fn glanced(
        &mut self,
        answers: Vec<(SpaceId, Option<Reply>)>,
        now_ms: i64,
    ) -> Result<Vec<SpaceId>, EngineError> {
        let mut busy = Vec::new();
        for (id, reply) in answers {
            let quiet = match reply {
                Some(Reply::Attached(attached)) => {
                    self.with_share(&id, |_, share| Ok(share.is_as(&attached, now_ms)))?
                }
                _ => false,
            };
            if !quiet {
                busy.push(id);
            }
        }
        Ok(busy)
    }

    /// Runs a turn of a share's sync.
    pub(in crate::engine) fn with_side<T>(
        &mut self,
        id: &SpaceId,
        work: impl FnOnce(&mut Side<'_>) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        self.with_share(id, |journal, share| work(&mut Side { journal, share }))
    }

    pub(in crate::engine) fn begin_share(&mut self, id: &SpaceId) -> Result<(), EngineError> {
        // What has no answer may be out of date: something was hidden or forgotten since.
        self.with_side(id, |side| match side.journal.sent(&side.share.id)?.is_empty() {
            true => Ok(()),
            false => side.take_all_back(),
        })?;
        self.with_share(id, |_, share| {
            (share.sent, share.received) = (0, 0);
            share.due = None;
            share.appending = None;
            share.asked_heads.clear();
            share.passed_over = false;
            Ok(())
        })
    }

    /// Records that the relay signed for in this sync, and records that came.
    ///
    /// # Errors
    /// What the store says.
    pub fn share_counts(&mut self, id: &SpaceId) -> Result<(u64, u64), EngineError> {
        // An invitation that was answered is no share yet, and moves no records.
        if !self.has_view(id)? {
            return Ok((0, 0));
        }
        self.with_share(id, |_, share| Ok((share.sent, share.received)))
    }
}

impl Share {
    /// Whether the relay holds what this device knows, and nothing else.
    fn is_as(&mut self, attached: &Attached, now_ms: i64) -> bool {
        let over = self.state().is_ok_and(|state| state.has_expired(attached.now_ms));
        if over && !self.owns() {
            // The relay says no more of it to this member than whether a consent was given anew.
            return attached.roster == self.roster.head();
        }
        let relay_ms = i64::try_from(attached.now_ms).unwrap_or(now_ms);
        let agrees = attached.heads.is_none_or(|theirs| self.is_settled(&theirs, relay_ms));
        let has_receipt = attached.own_receipt.is_none_or(|own| own >= self.view.tally.counter);
        let relay = &mut self.view.relay;
        let same = attached.recognised
            && agrees
            && Some(attached.cursor) == relay.cursor
            && attached.roster == self.roster.head()
            && attached.receipts == relay.receipts
            && has_receipt
            && !(self.me.role == Role::Owner && attached.lacks_wraps);
        if same {
            relay.synced_ms = Some(now_ms);
        }
        same
    }
}

impl Side<'_> {
    /// Whether something waits to be said. What is made from the journal waits only while there is
    /// somebody who may see it.
    fn has_to_say(&self, now_ms: i64) -> Result<bool, EngineError> {
        let silent = self.is_silent(now_ms);
        let (id, side) = (self.share.id, self.share.my_side());
        let tx = self.journal.tx();
        for slot in self.journal.to_say(&id)? {
            let register = self.journal.register(&tx, &id, (&side, &slot))?;
            let made = |register: &Register| self.share.owns() && register.is_projected();
            if register.is_some_and(|register| !silent || !made(&register)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether anything of this device's waits.
    fn has_work(&mut self, now_ms: i64) -> Result<bool, EngineError> {
        let id = self.share.id;
        Ok(self.share.view.tally.owed
            || (self.share.owns() && self.share.lacks_wraps)
            || !self.journal.sent(&id)?.is_empty()
            || self.has_to_say(now_ms)?
            || self.opened_differs(now_ms)?
            || self.has_due(now_ms)?
            || self.next_change()?.is_some())
    }
}
