//! A person writes, and says what of it somebody else may see.

use jiff::Timestamp;
use mainstay_core::care::{Choice, SharedBody, Target};
use mainstay_core::engine::EngineError;
use mainstay_core::journal::{EntryBody, EntryId, Note, Patch, Urge, Value, When};

use super::ties::Word;
use super::{At, COUNSELLOR, Care, Failure};
use crate::sharing::consent;
use crate::world::Plant;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// What a person agrees to.
const SCOPES: [&str; 9] = [
    "notes:full",
    "urges:full",
    "notes:full,urges:full",
    "urges:numbers",
    "notes:count,urges:full",
    "notes:full,plan:view",
    "plan:view",
    "notes:full,plan:edit",
    "plan:edit",
];

impl Care {
    fn word(&self) -> String {
        format!("word{:05}x", self.words.len())
    }

    /// What somebody wrote cannot be told from what somebody else did, but by its words.
    fn note_word(&mut self, at: At, entry: EntryId, class: &'static str, text: String) {
        self.words.push(Word { text, owner: at.person, entry, class });
    }

    pub(super) fn log(&mut self, at: At) -> Result<(), Failure> {
        self.log_one(at).map(|_| ())
    }

    fn log_one(&mut self, at: At) -> Result<EntryId, Failure> {
        let text = self.word();
        let days = i64::from(self.below(4));
        let (class, body) = match self.below(3) {
            0 => {
                let intensity = Some(self.below(11) as u8);
                let thoughts = Some(text.clone());
                ("urges", EntryBody::Urge(Urge { intensity, thoughts, ..Urge::default() }))
            }
            _ => ("notes", EntryBody::Note(Note { note: Some(text.clone()) })),
        };
        let zone = self.people[at.person].devices[at.device].zone;
        let logged = self.ask(at, |phone, now_ms| {
            let moment = Timestamp::from_millisecond(now_ms - days * DAY_MS);
            let moment = moment.expect("a simulated time is in range");
            phone.replica.log(body, When::exact(moment, zone), now_ms)
        });
        let id = logged.map_err(|e| format!("log: {e:?}"))?;
        self.say(format!("{} logs {id}: {text}", self.label(at)));
        self.note_word(at, id, class, text);
        self.on(at, |sim, device| sim.acknowledged(device, id))?;
        Ok(id)
    }

    pub(super) fn edit(&mut self, at: At) -> Result<(), Failure> {
        let Some(id) = self.on(at, |sim, device| sim.entry_of(device, false))? else {
            return Ok(());
        };
        let class = self.words.iter().find(|word| word.entry == id).map(|word| word.class);
        let class = class.ok_or("an entry that nobody wrote")?;
        let text = self.word();
        let field = if class == "urges" { "thoughts" } else { "note" };
        let patch = Patch::from([(field.to_owned(), Some(Value::Str(text.clone())))]);
        self.say(format!("{} edits {id}: {text}", self.label(at)));
        self.note_word(at, id, class, text);
        let done = self.ask(at, |phone, now_ms| phone.replica.edit(id, &patch, now_ms));
        self.on(at, |sim, device| sim.done(device, id, "edit", done))
    }

    /// An entry that is hidden before it ever leaves the device.
    pub(super) fn log_for_oneself(&mut self, at: At) -> Result<(), Failure> {
        let id = self.log_one(at)?;
        for tie in self.ties_of(at) {
            if self.choose_one(at, tie, id, Choice::Hidden)? {
                self.ties[tie].hidden.insert(id);
            }
        }
        Ok(())
    }

    pub(super) fn choose(&mut self, at: At) -> Result<(), Failure> {
        let Some(id) = self.on(at, |sim, device| sim.entry_of(device, false))? else {
            return Ok(());
        };
        let choice = [Choice::Hidden, Choice::Hidden, Choice::Added, Choice::Rule];
        let choice = choice[self.below(4) as usize];
        for tie in self.ties_of(at) {
            if self.choose_one(at, tie, id, choice)? && choice != Choice::Hidden {
                self.ties[tie].hidden.remove(&id);
                if choice == Choice::Added {
                    self.ties[tie].added.insert(id);
                }
            }
        }
        Ok(())
    }

    fn choose_one(
        &mut self,
        at: At,
        tie: usize,
        id: EntryId,
        choice: Choice,
    ) -> Result<bool, Failure> {
        let share = self.ties[tie].share;
        self.say(format!("{} chooses {choice:?} for {id} in share {tie}", self.label(at)));
        if self.world.plant == Plant::HiddenIsShown && choice == Choice::Hidden {
            return Ok(true);
        }
        let done = self.ask(at, |phone, now_ms| phone.replica.choose(&share, &id, choice, now_ms));
        self.allowed(at, "choose", done.map(|()| true))
    }

    pub(super) fn ties_of(&self, at: At) -> Vec<usize> {
        let ties = self.ties.iter().enumerate();
        ties.filter(|(_, tie)| tie.owner == at.person).map(|(number, _)| number).collect()
    }

    /// What a share that is over, or not here yet, refuses is in order.
    pub(super) fn allowed(
        &self,
        at: At,
        what: &str,
        done: Result<bool, EngineError>,
    ) -> Result<bool, Failure> {
        match done {
            Err(EngineError::ShareOver | EngineError::NoSuchShare | EngineError::ShareNotHere) => {
                Ok(false)
            }
            done => done.map_err(|e| format!("{}: {what}: {e:?}", self.label(at))),
        }
    }

    pub(super) fn scope(&mut self) -> &'static str {
        SCOPES[self.below(SCOPES.len() as u32) as usize]
    }

    /// Narrower or wider, with a delay or an end, or without.
    pub(super) fn change_consent(&mut self, at: At) -> Result<(), Failure> {
        let Some(tie) = self.live_tie(at.person) else { return Ok(()) };
        let mut scope = self.scope();
        if self.ties[tie].always_editable && self.chance(70) {
            scope = "notes:full,plan:edit";
        }
        let delay_hours = [0, 0, 24, 240][self.below(4) as usize];
        let days = [0, 0, 0, 3, 20][self.below(5) as usize];
        self.give(at, tie, scope, (delay_hours, days))
    }

    pub(super) fn give(
        &mut self,
        at: At,
        tie: usize,
        scope: &'static str,
        (delay_hours, days): (u16, i64),
    ) -> Result<(), Failure> {
        let share = self.ties[tie].share;
        let until_ms = self.ask(at, |_, now_ms| (days > 0).then(|| now_ms + days * DAY_MS));
        let done = self.ask(at, |phone, now_ms| {
            let Some(before) = phone.replica.consent_of(&share)? else { return Ok(false) };
            let mut new = consent("the counsellor", scope, now_ms);
            new.recipient = before.recipient.clone();
            (new.delay_hours, new.until_ms) = (delay_hours, until_ms);
            phone.replica.set_consent(&share, &new, now_ms).map(|()| true)
        });
        if self.allowed(at, "consent", done)? {
            let label = self.label(at);
            self.say(format!(
                "{label} consents to {scope} in share {tie}, after {delay_hours} hours, for {days} days"
            ));
            self.ties[tie].give(scope, until_ms);
        }
        Ok(())
    }

    pub(super) fn comment(&mut self, at: At) -> Result<(), Failure> {
        let Some(tie) = self.any_tie() else { return Ok(()) };
        if at.person != COUNSELLOR && at.person != self.ties[tie].owner {
            return Ok(());
        }
        let share = self.ties[tie].share;
        let text = format!("said {}", self.ties[tie].said.len());
        let said = text.clone();
        let done = self.ask(at, |phone, now_ms| {
            let body = SharedBody::Comment { on: Target::Plan, text, written_at_ms: now_ms };
            phone.replica.say_in(&share, body, now_ms).map(|_| true)
        });
        if self.allowed(at, "comment", done)? {
            self.say(format!("{} comments in share {tie}: {said}", self.label(at)));
            let id = self.id(at);
            self.ties[tie].said.push((at.person, id, said));
        }
        Ok(())
    }

    /// The person ends a share, or the counsellor leaves it.
    pub(super) fn end(&mut self, at: At) -> Result<(), Failure> {
        let Some(tie) = self.any_tie() else { return Ok(()) };
        if at.person != COUNSELLOR && at.person != self.ties[tie].owner {
            return Ok(());
        }
        self.end_one(at, tie)
    }

    pub(super) fn end_one(&mut self, at: At, tie: usize) -> Result<(), Failure> {
        let share = self.ties[tie].share;
        let done = self.ask(at, |phone, now_ms| phone.replica.end_share(&share, now_ms));
        if self.allowed(at, "end", done.map(|()| true))? {
            self.say(format!("{} ends share {tie}", self.label(at)));
            self.ties[tie].ended = true;
        }
        Ok(())
    }
}
