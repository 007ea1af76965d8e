//! What somebody may hold, given what was attempted and what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use mainstay_core::journal::EntryId;
use mainstay_core::plan::ItemId;

use crate::contents::{Contents, State};
use crate::session::{Step, imported};

/// The states in which one thing may be found.
pub(crate) type States = BTreeSet<State>;

/// In which states each entry and each item may be found. More than one where a step was attempted
/// and nobody was told how it ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub(crate) entries: BTreeMap<EntryId, States>,
    pub(crate) plan: BTreeMap<ItemId, States>,
    /// The texts of entries whose ids nobody was told.
    unnamed: BTreeSet<u64>,
}

impl Known {
    /// A step was attempted: what it makes is possible beside what was.
    pub(crate) fn may(&mut self, step: &Step) {
        if let Step::Log(text) = step {
            self.unnamed.insert(*text);
        }
        self.each(step, |states, after| states.extend(after));
    }

    /// A step was acknowledged: only what it makes is possible.
    pub(crate) fn must(&mut self, step: &Step) {
        self.each(step, |states, after| *states = after);
    }

    /// The id of an entry that was logged was told. `sure`: so it is there.
    pub(crate) fn logged(&mut self, id: EntryId, text: u64, sure: bool) {
        self.unnamed.remove(&text);
        let mut states = States::from([State::Live(text)]);
        if !sure {
            states.insert(State::Absent);
        }
        self.entries.insert(id, states);
    }

    /// Whether an entry was among what is known, as it is found.
    pub(crate) fn has(&self, id: &EntryId, found: &State) -> bool {
        self.entries.get(id).is_some_and(|states| states.contains(found))
    }

    /// How many entries a person may see: at least, and at most.
    pub(crate) fn live(&self) -> std::ops::RangeInclusive<u64> {
        let is_live = |state: &State| matches!(state, State::Live(_));
        let least = self.entries.values().filter(|states| states.iter().all(is_live)).count();
        let most = self.entries.values().filter(|states| states.iter().any(is_live)).count();
        least as u64..=(most + self.unnamed.len()) as u64
    }

    /// Compares with what is found.
    pub(crate) fn check(&self, found: &Contents) -> Result<(), String> {
        let absent = State::Absent;
        for (id, states) in &self.entries {
            let state = found.entries.get(id).unwrap_or(&absent);
            if !states.contains(state) {
                return Err(format!("entry {id} is {state:?}, not one of {states:?}"));
            }
        }
        for (id, states) in &self.plan {
            let state = found.plan.get(id).unwrap_or(&absent);
            if !states.contains(state) {
                return Err(format!("item {id} is {state:?}, not one of {states:?}"));
            }
        }
        let mut unnamed = self.unnamed.clone();
        for (id, state) in found.entries.iter().filter(|(id, _)| !self.entries.contains_key(*id)) {
            match state {
                State::Live(text) if unnamed.remove(text) => {}
                _ => return Err(format!("nobody made entry {id}, which is {state:?}")),
            }
        }
        match found.plan.keys().find(|id| !self.plan.contains_key(*id)) {
            Some(id) => Err(format!("nobody made item {id}")),
            None => Ok(()),
        }
    }

    fn each(&mut self, step: &Step, mut note: impl FnMut(&mut States, States)) {
        let nothing = || States::from([State::Absent]);
        let mut entry = |id: &EntryId, to: &dyn Fn(&State) -> State| {
            let states = self.entries.entry(*id).or_insert_with(nothing);
            let after = states.iter().map(to).collect();
            note(states, after);
        };
        match step {
            Step::Edit(id, text) => entry(id, &|state| match state {
                State::Absent => State::Absent,
                State::Live(_) => State::Live(*text),
                State::Deleted(_) => State::Deleted(*text),
            }),
            Step::Delete(id) => entry(id, &|state| match state {
                State::Absent => State::Absent,
                State::Live(text) | State::Deleted(text) => State::Deleted(*text),
            }),
            Step::Forget(id) => entry(id, &|_| State::Absent),
            Step::Import(number) => {
                for (text, made) in imported(*number) {
                    entry(&made.id, &|_| State::Live(text));
                }
            }
            Step::AddToPlan(id, text) => {
                let states = self.plan.entry(*id).or_insert_with(nothing);
                note(states, States::from([State::Live(*text)]));
            }
            Step::EditPlan(id, text) => {
                let states = self.plan.entry(*id).or_insert_with(nothing);
                let edited = |state: &State| match state {
                    State::Absent => State::Absent,
                    _ => State::Live(*text),
                };
                let after = states.iter().map(edited).collect();
                note(states, after);
            }
            Step::Log(_) | Step::Sync | Step::Reopen | Step::RestartRelay => {}
        }
    }
}
