//! Everything that one share needs of one sync, without a socket: its invitation's letters, the list
//! of members for who comes anew, and the conversation about what was said.

use mainstay_protocol::frame::{Attach, Proof, Refusal, Reply, Request};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::limits::MAX_ROSTER_RECORDS;
use mainstay_protocol::roster::{Record, Roster, Wrap, record_hash};
use mainstay_protocol::sign::{Signed, purpose};

use super::Replica;
use crate::engine::error::EngineError;
use crate::space::keyring::Keyring;
use crate::space::link::LinkError;
use crate::space::member::MemberKeys;
use crate::sync::{Connection, Session};

/// How often letters are looked into within one sync: one that is put may be answered at once.
const LOOKS: u32 = 3;

/// One share's part of a sync.
pub struct Errand {
    share: SpaceId,
    connection: Connection,
    stage: Stage,
    /// Answers that are still to come, and those that came, of a batch that is no session's.
    owed: usize,
    came: Vec<Reply>,
}

enum Stage {
    Begin,
    /// The letters of an invitation: this many more looks.
    Letters(u32),
    /// The list of members and the keys, for a member that is not here yet.
    Show(Box<Showing>),
    Talk(Box<Session>),
    Done,
}

struct Showing {
    /// Those to be tried, the next one last.
    keys: Vec<MemberKeys>,
    relay: String,
    records: Vec<Signed<Record>>,
    wraps: Vec<Wrap>,
    head: Option<Hash>,
    asked: bool,
}

impl Errand {
    /// A share's sync over a connection.
    pub fn new(share: SpaceId, connection: Connection) -> Self {
        Self { share, connection, stage: Stage::Begin, owed: 0, came: Vec::new() }
    }

    /// The next batch of requests; `None` when everything is done.
    ///
    /// # Errors
    /// What the device's store, the relay or the invitation says.
    pub fn next(
        &mut self,
        journal: &mut Replica,
        now_ms: i64,
    ) -> Result<Option<Vec<Request>>, EngineError> {
        loop {
            match &mut self.stage {
                Stage::Begin => self.begin(journal)?,
                Stage::Letters(0) => self.after_letters(journal)?,
                Stage::Letters(_) => {
                    let asks = journal.door_asks(&self.share, now_ms)?;
                    if !asks.is_empty() {
                        self.owed = asks.len();
                        return Ok(Some(asks));
                    }
                    self.after_letters(journal)?;
                }
                Stage::Show(showing) => {
                    if let Some(batch) = showing.ask(&self.connection, self.share) {
                        self.owed = batch.len();
                        return Ok(Some(batch));
                    }
                    self.shown(journal, now_ms)?;
                }
                Stage::Talk(session) => {
                    let next = journal.with_side(&self.share, |side| session.next(side, now_ms));
                    match next {
                        Ok(None) => self.after_talk(journal)?,
                        // The end of it was what was wanted.
                        Err(EngineError::NotADevice) if journal.has_left(&self.share)? => {
                            journal.note_out(&self.share)?;
                            self.stage = Stage::Done;
                        }
                        next => return next,
                    }
                }
                Stage::Done => return Ok(None),
            }
        }
    }

    /// Takes one reply.
    ///
    /// # Errors
    /// What the device, the relay or the invitation says. What was taken in stays.
    pub fn reply(
        &mut self,
        journal: &mut Replica,
        reply: Reply,
        now_ms: i64,
    ) -> Result<(), EngineError> {
        if let Stage::Talk(session) = &mut self.stage {
            let taken = journal.with_side(&self.share, |side| session.reply(side, reply, now_ms));
            return match taken {
                Err(EngineError::NotADevice) if journal.has_left(&self.share)? => {
                    journal.note_out(&self.share)?;
                    self.stage = Stage::Done;
                    Ok(())
                }
                taken => taken,
            };
        }
        if let Reply::Refused(refusal) = reply {
            return self.refused(journal, refusal);
        }
        self.came.push(reply);
        self.owed = self.owed.saturating_sub(1);
        if self.owed > 0 {
            return Ok(());
        }
        let came = std::mem::take(&mut self.came);
        match &mut self.stage {
            Stage::Letters(left) => {
                let more = journal.door_answers(&self.share, &came, now_ms)?;
                *left = if more { left.saturating_sub(1) } else { 0 };
                Ok(())
            }
            Stage::Show(showing) => showing.take(came),
            _ => Err(EngineError::BadReply { what: "more answers than requests" }),
        }
    }

    /// Whether the relay still owes answers to the last batch.
    pub fn is_waiting(&self) -> bool {
        match &self.stage {
            Stage::Talk(session) => session.is_waiting(),
            _ => self.owed > 0,
        }
    }

    fn begin(&mut self, journal: &mut Replica) -> Result<(), EngineError> {
        let door = journal.door(&self.share)?;
        self.stage = if door.is_some_and(|door| !door.mine) {
            Stage::Letters(LOOKS)
        } else if journal.has_view(&self.share)? {
            self.talk(journal)?
        } else {
            let (keys, relay) = journal.share_keys(&self.share).ok_or(EngineError::NoSuchShare)?;
            Stage::Show(Box::new(Showing::new(keys, relay)))
        };
        Ok(())
    }

    fn talk(&self, journal: &mut Replica) -> Result<Stage, EngineError> {
        journal.begin_share(&self.share)?;
        Ok(Stage::Talk(Box::new(Session::new(self.connection))))
    }

    fn after_letters(&mut self, journal: &mut Replica) -> Result<(), EngineError> {
        let door = journal.door(&self.share)?.filter(|door| !door.mine);
        self.stage = match door.filter(|door| door.admitted.is_some()) {
            Some(door) => {
                let secret = door.secret();
                let secret = secret.ok_or(EngineError::damaged("an answered invitation"))?;
                Stage::Show(Box::new(Showing::new(vec![secret.keys()], door.relay.clone())))
            }
            None => Stage::Done,
        };
        Ok(())
    }

    fn shown(&mut self, journal: &mut Replica, now_ms: i64) -> Result<(), EngineError> {
        let Stage::Show(showing) = &self.stage else { return Ok(()) };
        let roster = showing.verified(self.share)?;
        match journal.door(&self.share)?.is_some_and(|door| !door.mine) {
            true => {
                let keyring = showing.keyring(&roster)?;
                journal.enter_share(&self.share, (roster, keyring), now_ms)?;
            }
            // The vault has its keys, also where the relay has lost them.
            false => {
                let (relay, wraps) = (showing.relay.clone(), showing.wraps.clone());
                journal.adopt_share(&self.share, &relay, &roster, &wraps)?;
            }
        }
        self.stage = self.talk(journal)?;
        Ok(())
    }

    fn after_talk(&mut self, journal: &mut Replica) -> Result<(), EngineError> {
        self.stage = match journal.door(&self.share)?.is_some() {
            true => {
                journal.tell_admitted(&self.share)?;
                Stage::Letters(LOOKS)
            }
            false => Stage::Done,
        };
        Ok(())
    }

    /// A mailbox that is gone or taken is an invitation that has ended: it is not tried for ever.
    fn refused(&mut self, journal: &mut Replica, refusal: Refusal) -> Result<(), EngineError> {
        match (&mut self.stage, refusal) {
            (Stage::Letters(_), Refusal::Mailbox) => {
                journal.close_door(&self.share)?;
                Err(LinkError::Used.into())
            }
            // The list does not name the newest keys yet: with those before them.
            (Stage::Show(showing), Refusal::NotAuthorised) => {
                (self.owed, self.came) = (0, Vec::new());
                match showing.older() {
                    true => Ok(()),
                    false => Err(Refusal::NotAuthorised.into()),
                }
            }
            (_, refusal) => Err(refusal.into()),
        }
    }
}

impl Showing {
    fn new(keys: Vec<MemberKeys>, relay: String) -> Self {
        let (records, wraps) = (Vec::new(), Vec::new());
        Self { keys, relay, records, wraps, head: None, asked: false }
    }

    /// Turns to the keys before those that were tried last; `false` when there are none.
    fn older(&mut self) -> bool {
        self.keys.pop();
        self.asked = false;
        !self.keys.is_empty()
    }

    /// The greeting, then the rest of a list that comes in several answers.
    fn ask(&mut self, connection: &Connection, space: SpaceId) -> Option<Vec<Request>> {
        if !std::mem::replace(&mut self.asked, true) {
            let keys = self.keys.last()?;
            let signer = keys.signer();
            let signature = connection.exporter.map(|exporter| {
                let proof = Proof { exporter, relay: connection.relay, space, signer };
                keys.sign.sign_for(purpose::ATTACH, &proof.message())
            });
            return Some(vec![
                Request::Attach(Attach { space, signer, signature, cursor: None }),
                Request::Roster { space, known: None },
                Request::Wraps { space },
            ]);
        }
        let last = self.records.last().map(record_hash);
        let whole = last == self.head || self.records.len() >= MAX_ROSTER_RECORDS;
        (!whole).then(|| vec![Request::Roster { space, known: last }])
    }

    fn take(&mut self, came: Vec<Reply>) -> Result<(), EngineError> {
        for reply in came {
            match reply {
                Reply::Attached(attached) => self.head = Some(attached.roster),
                Reply::Roster { records } if records.is_empty() => {
                    return Err(EngineError::BadReply { what: "no list of members" });
                }
                Reply::Roster { records } => self.records.extend(records),
                Reply::Wraps { wraps } => self.wraps = wraps,
                _ => return Err(EngineError::BadReply { what: "an answer to another question" }),
            }
        }
        Ok(())
    }

    fn verified(&self, space: SpaceId) -> Result<Roster, EngineError> {
        Ok(Roster::verify(space, &self.records)?)
    }

    fn keyring(&self, roster: &Roster) -> Result<Keyring, EngineError> {
        let keys = self.keys.last().ok_or(EngineError::NoSuchShare)?;
        let keyring = Keyring::open(roster, &self.wraps, keys.signer(), &keys.kem)?;
        Ok(keyring)
    }
}
