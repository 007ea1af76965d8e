//! Invitation, answer, the codes compared, the person's word.

use mainstay_core::engine::{EngineError, Offer};
use mainstay_core::space::link::Invitation;

use super::ties::Tie;
use super::{At, COUNSELLOR, Care, Failure};
use crate::network::Line;
use crate::sharing::{code, consent};

const WEEK_MS: u64 = 7 * 24 * 3600 * 1000;

impl Care {
    /// Both are online and do it at one go.
    pub(super) fn meet(&mut self, owner: usize) -> Result<(), Failure> {
        let (mine, theirs) =
            (At { person: owner, device: 0 }, At { person: COUNSELLOR, device: 0 });
        self.invite(mine)?;
        self.sync(mine, &mut Line::default())?;
        self.answer(theirs)?;
        for at in [theirs, mine, theirs] {
            self.sync(at, &mut Line::default())?;
        }
        self.compare(mine)?;
        for at in [mine, theirs] {
            self.sync(at, &mut Line::default())?;
        }
        Ok(())
    }

    /// The next thing that somebody does about an invitation.
    pub(super) fn go_on_meeting(&mut self, owner: usize) -> Result<(), Failure> {
        let mine = self.any(owner);
        match self.below(4) {
            0 => self.invite(mine),
            1 => {
                let theirs = self.any(COUNSELLOR);
                self.answer(theirs)
            }
            2 => self.meet(owner),
            _ => {
                for at in self.all(owner) {
                    self.compare(at)?;
                }
                Ok(())
            }
        }
    }

    fn invite(&mut self, at: At) -> Result<(), Failure> {
        let Some(tie) = self.live_tie(at.person) else { return self.invite_first(at) };
        let share = self.ties[tie].share;
        // Somebody who is in needs no invitation.
        let in_it = self.ask(at, |phone, now_ms| {
            let infos = phone.replica.shares(now_ms)?;
            let info = infos.into_iter().find(|info| info.id == share);
            Ok::<_, EngineError>(info.is_none_or(|info| info.members.len() != 1))
        });
        if in_it.map_err(|e| format!("shares: {e:?}"))? {
            return Ok(());
        }
        let made =
            self.ask(at, |phone, now_ms| phone.replica.invite_again(&share, WEEK_MS, now_ms));
        match made {
            Ok(invitation) => {
                self.say(format!("{} invites to share {tie} again", self.label(at)));
                self.ties[tie].invitation = invitation.to_text().to_string();
                self.ties[tie].invitations += 1;
                Ok(())
            }
            Err(EngineError::Link(_) | EngineError::ShareOver) => Ok(()),
            Err(error) => Err(format!("{}: invite again: {error:?}", self.label(at))),
        }
    }

    fn invite_first(&mut self, at: At) -> Result<(), Failure> {
        let scope = self.scope();
        let made = self.ask(at, |phone, now_ms| {
            let offer = Offer {
                name: "the person".to_owned(),
                peer: "the counsellor".to_owned(),
                consent: consent("the counsellor", scope, now_ms),
                life_ms: WEEK_MS,
            };
            phone.replica.open_share(&offer, now_ms)
        });
        let (share, invitation) = made.map_err(|e| format!("{}: invite: {e:?}", self.label(at)))?;
        let number = self.ties.len();
        self.say(format!("{} invites to share {number}: {scope}", self.label(at)));
        let mut tie = Tie::new(at.person, share, invitation.to_text().to_string());
        tie.give(scope, None);
        self.ties.push(tie);
        Ok(())
    }

    fn answer(&mut self, at: At) -> Result<(), Failure> {
        let open = self.ties.iter().rposition(|tie| !tie.ended && !tie.forked);
        let Some(tie) = open else { return Ok(()) };
        let text = self.ties[tie].invitation.clone();
        let done = self.ask(at, |phone, now_ms| {
            let invitation = Invitation::parse_share(&text)?;
            phone.replica.answer_invitation(invitation, ("the counsellor", "the person"), now_ms)
        });
        match done {
            Ok(_) => self.say(format!("{} answers for share {tie}", self.label(at))),
            Err(EngineError::Link(_)) => {}
            Err(error) => return Err(format!("{}: answer: {error:?}", self.label(at))),
        }
        Ok(())
    }

    /// The person looks at both screens; with the same code on both they say yes, mostly.
    pub(super) fn compare(&mut self, at: At) -> Result<(), Failure> {
        for tie in self.ties_of(at) {
            let share = self.ties[tie].share;
            let read = |e: EngineError| format!("code: {e:?}");
            let Some(mine) =
                self.ask(at, |phone, now_ms| code(phone, &share, now_ms)).map_err(read)?
            else {
                continue;
            };
            let mut theirs = Vec::new();
            for there in self.all(COUNSELLOR) {
                let seen = self.ask(there, |phone, now_ms| code(phone, &share, now_ms));
                theirs.extend(seen.map_err(read)?);
            }
            if !theirs.is_empty() && !theirs.contains(&mine) && self.ties[tie].invitations == 1 {
                return Err(format!("{}: another code than the counsellor's", self.label(at)));
            }
            let yes = theirs.contains(&mine) && !self.chance(10);
            let done = self.ask(at, |phone, now_ms| match yes {
                true => phone.replica.confirm_share(&share, now_ms),
                false => phone.replica.decline_share(&share),
            });
            let word = if yes { "confirms" } else { "declines" };
            self.say(format!("{} {word} the counsellor in share {tie}", self.label(at)));
            match done {
                Ok(()) | Err(EngineError::Link(_)) => {}
                Err(error) => return Err(format!("{}: {word}: {error:?}", self.label(at))),
            }
        }
        Ok(())
    }
}
