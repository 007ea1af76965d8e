//! What is true of each share, whatever the devices say: the truth that all they hold is held against.

use std::collections::{BTreeMap, BTreeSet};

use mainstay_core::care::{RecordId, SharedBody, SharedPlan, SharedRecord};
use mainstay_core::journal::EntryId;
use mainstay_protocol::ids::SpaceId;

use super::{Care, Failure};

/// A word that stands in one version of one entry of one person, and nowhere else.
pub(super) struct Word {
    pub(super) text: String,
    pub(super) owner: usize,
    pub(super) entry: EntryId,
    /// What a scope calls its kind: `notes`, `urges`.
    pub(super) class: &'static str,
}

/// A share of one person with the counsellor.
pub(super) struct Tie {
    pub(super) owner: usize,
    pub(super) share: SpaceId,
    /// The invitation that was made last, and how many were.
    pub(super) invitation: String,
    pub(super) invitations: u32,
    /// Records as some preview of the person's showed them when something was pushed.
    pub(super) shown: BTreeSet<Vec<u8>>,
    /// Of which classes words may be seen: those with a number below this.
    pub(super) full: BTreeMap<String, usize>,
    /// Entries that were added by themselves at any time.
    pub(super) added: BTreeSet<EntryId>,
    /// Entries that were hidden before any sync, and never shown again.
    pub(super) hidden: BTreeSet<EntryId>,
    /// When a consent was over, of any there was.
    pub(super) ends: Vec<i64>,
    /// The relay has had it.
    pub(super) made: bool,
    /// Somebody wanted it to be over.
    pub(super) ended: bool,
    /// From this word on nothing may be seen: everybody was shut out by then.
    pub(super) closed: Option<usize>,
    /// The relay was put back, and two lists of members came of it.
    pub(super) forked: bool,
    /// The person's devices in the order in which they talked in it, by id.
    pub(super) talked: Vec<u32>,
    /// What was said: by which person on which device (its id).
    pub(super) said: Vec<(usize, u32, String)>,
    /// Every consent so far lets the counsellor edit the plan.
    pub(super) always_editable: bool,
    /// Changes of the plan that the counsellor made, and what they added, on which device (its id).
    pub(super) edits_made: u32,
    pub(super) added_to_plan: Vec<(u32, String)>,
}

impl Tie {
    pub(super) fn new(owner: usize, share: SpaceId, invitation: String) -> Self {
        Self {
            owner,
            share,
            invitation,
            invitations: 1,
            shown: BTreeSet::new(),
            full: BTreeMap::new(),
            added: BTreeSet::new(),
            hidden: BTreeSet::new(),
            ends: Vec::new(),
            made: false,
            ended: false,
            closed: None,
            forked: false,
            talked: Vec::new(),
            said: Vec::new(),
            always_editable: true,
            edits_made: 0,
            added_to_plan: Vec::new(),
        }
    }

    /// A consent was given: the classes that it covers wholly may be seen from now on.
    pub(super) fn give(&mut self, scope: &str, until_ms: Option<i64>) {
        for class in full_classes(scope) {
            self.full.insert(class.to_owned(), usize::MAX);
        }
        self.ends.extend(until_ms);
        self.always_editable &= scope.contains("plan:edit");
    }

    /// Everybody knows the present consent: nothing that is written from now on may be seen beyond it.
    pub(super) fn known_to_all(&mut self, scope: &str, words: usize) {
        let now: BTreeSet<&str> = full_classes(scope).collect();
        for (class, below) in &mut self.full {
            if !now.contains(class.as_str()) {
                *below = words.min(*below);
            }
        }
    }

    /// The relay has lost something: what was narrowed may come from an older vault again.
    pub(super) fn harmed(&mut self) {
        self.full.values_mut().for_each(|below| *below = usize::MAX);
        self.closed = None;
    }

    /// Whether a word may ever be seen there.
    pub(super) fn admits(&self, number: usize, word: &Word) -> bool {
        let below = self.full.get(word.class).copied().unwrap_or(0);
        let open = number < below || self.added.contains(&word.entry);
        let closed = self.closed.is_some_and(|from| number >= from);
        word.owner == self.owner && open && !closed && !self.hidden.contains(&word.entry)
    }
}

/// The classes of a scope whose words are seen.
fn full_classes(scope: &str) -> impl Iterator<Item = &str> {
    scope.split(',').filter_map(|part| part.strip_suffix(":full"))
}

/// A record without what a preview does not have: its counter, and the plan's id and version.
pub(super) fn bare(record: &SharedRecord) -> Result<Vec<u8>, Failure> {
    let (id, body) = match &record.body {
        SharedBody::Plan(plan) => {
            let plan = SharedPlan { editing: None, ..plan.clone() };
            (RecordId::from_bytes([0; 16]), SharedBody::Plan(plan))
        }
        body => (record.id, body.clone()),
    };
    let bare = SharedRecord { counter: 1, id, body };
    bare.to_bytes().map_err(|e| format!("a record: {e:?}"))
}

/// Every word of an entry that is shown.
pub(super) fn words_of(record: &SharedRecord) -> String {
    let SharedBody::Entry(entry) = &record.body else { return String::new() };
    let field =
        |value: &mainstay_core::journal::Value| serde_json::Value::from(value.clone()).to_string();
    entry.fields.values().map(field).collect()
}

impl Care {
    pub(super) fn tie_of(&self, share: &SpaceId) -> Result<usize, Failure> {
        let at = self.ties.iter().position(|tie| tie.share == *share);
        at.ok_or_else(|| "a share that nobody made".to_owned())
    }

    /// A tie of this person's that is not over, if there is one.
    pub(super) fn live_tie(&self, owner: usize) -> Option<usize> {
        self.ties.iter().rposition(|tie| tie.owner == owner && !tie.ended && !tie.forked)
    }

    /// A tie, of anybody's.
    pub(super) fn any_tie(&mut self) -> Option<usize> {
        let at = self.below(self.ties.len() as u32) as usize;
        (at < self.ties.len()).then_some(at)
    }

    /// The counsellor's device holds this: some preview showed it, and no word of it is one that was
    /// never given.
    pub(super) fn check_shown(&self, tie: usize, record: &SharedRecord) -> Result<(), Failure> {
        let tie = &self.ties[tie];
        if !matches!(record.body, SharedBody::Entry(_) | SharedBody::Plan(_)) {
            return Ok(());
        }
        let said = words_of(record);
        for (number, word) in self.words.iter().enumerate() {
            if said.contains(&word.text) && !tie.admits(number, word) {
                return Err(format!("a word of {} was never given: {}", word.entry, word.text));
            }
        }
        match tie.shown.contains(&bare(record)?) {
            true => Ok(()),
            false => {
                let kind = match &record.body {
                    SharedBody::Entry(entry) => entry.kind.as_str(),
                    _ => "plan",
                };
                let counter = record.counter;
                Err(format!("a record ({kind}, its {counter}.) that no preview showed: {said}"))
            }
        }
    }
}
