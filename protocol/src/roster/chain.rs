//! A chain of verified records, and what to make of another one.

use std::sync::Arc;

use crate::frame::Signer;
use crate::hash::Hash;
use crate::ids::SpaceId;
use crate::limits;
use crate::roster::record::{Act, Record, record_hash};
use crate::roster::room::Room;
use crate::roster::state::State;
use crate::roster::{RosterError, apply};
use crate::sign::Signed;

/// In a sparse roster, how many records pass between two states that are kept.
const SPARSE_STEP: usize = 32;

/// A verified record. Shared between copies of a roster.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    hash: Hash,
    signed: Signed<Record>,
    record: Record,
    /// In a heal: the heads of the branch that it joined; what was made under them counts.
    joined: Vec<Hash>,
}

/// A record and the state after it.
#[derive(Debug, Clone)]
struct Link {
    entry: Arc<Entry>,
    /// Always there for the founding record and the last one.
    state: Option<Arc<State>>,
}

/// A chain of verified records from the founding one on; never empty.
#[derive(Debug, Clone)]
pub struct Roster {
    space: SpaceId,
    links: Vec<Link>,
    /// Keep the states that would take long to find again only.
    sparse: bool,
}

/// What came of [`Roster::merge`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Merged {
    /// Nothing is new.
    Same,
    /// The chain went on by this many records.
    Extended(usize),
    /// A recovery or a heal replaced this many accepted records.
    Replaced(usize),
}

impl Roster {
    /// Verifies a whole chain.
    ///
    /// # Errors
    /// [`RosterError`] naming the first record that breaks a rule.
    pub fn verify(space: SpaceId, records: &[Signed<Record>]) -> Result<Self, RosterError> {
        Self::verified(space, records, false)
    }

    /// As [`Roster::verify`], for who holds the chains of many and seldom asks what held earlier (a
    /// relay): most states are not kept. A chain that is cheap to send would otherwise take many
    /// times its bytes, as each state names every device.
    ///
    /// # Errors
    /// As [`Roster::verify`].
    pub fn verify_sparse(space: SpaceId, records: &[Signed<Record>]) -> Result<Self, RosterError> {
        Self::verified(space, records, true)
    }

    fn verified(
        space: SpaceId,
        records: &[Signed<Record>],
        sparse: bool,
    ) -> Result<Self, RosterError> {
        let (first, rest) = records.split_first().ok_or(RosterError::NotThisSpace)?;
        let state = apply::found(&space, first)?;
        let record = first.peek().map_err(|_| RosterError::NotThisSpace)?;
        let link = Link::new(first, record, state, Vec::new());
        let mut roster = Self { space, links: vec![link], sparse };
        for record in rest {
            roster.append(record)?;
        }
        Ok(roster)
    }

    /// The space.
    pub fn space(&self) -> &SpaceId {
        &self.space
    }

    /// The hash of the last record.
    pub fn head(&self) -> Hash {
        self.last().entry.hash
    }

    /// The number of the last record.
    pub fn number(&self) -> u32 {
        self.last().entry.record.number
    }

    /// What holds now.
    pub fn state(&self) -> &State {
        self.last().state.as_deref().expect("the state after the last record is always kept")
    }

    /// What held after an accepted record; `None` when it is not on this chain.
    pub fn state_at(&self, head: &Hash) -> Option<Arc<State>> {
        self.position(head).and_then(|at| self.state_of(at).ok())
    }

    fn position(&self, head: &Hash) -> Option<usize> {
        self.links.iter().rposition(|link| link.entry.hash == *head)
    }

    /// What held after a link: as it was kept, or found again from the last one kept before it.
    fn state_of(&self, at: usize) -> Result<Arc<State>, RosterError> {
        let kept = |link: &Link| link.state.clone();
        let (from, state) = (0..=at)
            .rev()
            .find_map(|before| kept(&self.links[before]).map(|state| (before, state)))
            .ok_or(RosterError::NotThisSpace)?;
        self.links[from + 1..=at]
            .iter()
            .try_fold(state, |state, link| apply::again(&state, &link.entry.record).map(Arc::new))
    }

    /// Lets the state at a link go that is not the last any more, if it can be found again fast.
    /// That after a heal cannot: it depends on states further back.
    fn thin(&mut self, at: usize) {
        let link = &mut self.links[at];
        if self.sparse && !at.is_multiple_of(SPARSE_STEP) && link.entry.joined.is_empty() {
            link.state = None;
        }
    }

    /// About how many bytes this takes in memory: the records as they were signed and as they were
    /// read, and the states.
    pub fn held_bytes(&self) -> usize {
        self.links.iter().map(Link::held_bytes).sum()
    }

    /// Whether something made under this head counts: it is on this chain, or on a branch that was
    /// healed into it.
    pub fn accepts_head(&self, head: &Hash) -> bool {
        self.position(head).is_some() || self.joined(head)
    }

    /// The records of this chain that come after the last one which `other` has too.
    pub fn branch_from(&self, other: &Self) -> Vec<Signed<Record>> {
        let common = self.common(other);
        self.links[common..].iter().map(|link| link.entry.signed.clone()).collect()
    }

    fn common(&self, other: &Self) -> usize {
        self.links
            .iter()
            .zip(&other.links)
            .take_while(|(a, b)| a.entry.hash == b.entry.hash)
            .count()
    }

    /// The state where this roster and another one of the same space part.
    fn parting(&self, other: &Self) -> Arc<State> {
        // Both begin with the founding record that the space is named after.
        self.state_of(self.common(other).max(1) - 1)
            .expect("a record that followed lawfully follows lawfully again")
    }

    /// Whether neither of two branches has removed anybody since they parted: nobody's word is needed
    /// to join them, as whoever wrote in one may write in the other. Never in a share, where nothing
    /// joins two branches.
    pub fn parts_quietly(&self, other: &Self) -> bool {
        if self.state().share.is_some() || other.state().share.is_some() {
            return false;
        }
        let base = self.parting(other);
        !self.state().removed_since(&base) && !other.state().removed_since(&base)
    }

    /// The members after a heal of this branch and another one. In a share, where there is none, those
    /// of this branch.
    #[must_use]
    pub fn joined_with(&self, other: &Self) -> State {
        self.state().joined(other.state(), &self.parting(other))
    }

    fn joined(&self, head: &Hash) -> bool {
        self.links.iter().any(|link| link.entry.joined.contains(head))
    }

    /// All records.
    pub fn records(&self) -> impl Iterator<Item = (&Hash, &Signed<Record>, &Record)> {
        self.links.iter().map(|link| &*link.entry).map(|e| (&e.hash, &e.signed, &e.record))
    }

    /// The records after `known`; all when it is not on this chain.
    pub fn records_after(&self, known: Option<&Hash>) -> Vec<Signed<Record>> {
        let from = known.and_then(|known| self.position(known)).map_or(0, |at| at + 1);
        self.links[from..].iter().map(|link| link.entry.signed.clone()).collect()
    }

    /// Adds one record. A recovery may name an earlier record as its parent; what came after that
    /// one is dropped. Returns how many records it dropped.
    ///
    /// # Errors
    /// [`RosterError`]; the roster is unchanged then.
    pub fn append(&mut self, signed: &Signed<Record>) -> Result<usize, RosterError> {
        let number = self.number() + 1;
        let source = |source| RosterError::Record { number, source };
        let record = signed.peek().map_err(|error| source(error.into()))?;
        if record.space != self.space {
            return Err(RosterError::NotThisSpace);
        }
        let recovers = record.signer == Signer::Recovery;
        let parent = self.links.iter().rposition(|link| Some(link.entry.hash) == record.parent);
        let parent = match parent {
            Some(at) if at + 1 == self.links.len() || recovers => at,
            _ => {
                return Err(RosterError::Rule {
                    number,
                    rule: "it does not follow the last record",
                });
            }
        };
        // Two recoveries of one place could not be told from each other in age: a relay could
        // put back the one that the other has voided. So recoveries only ever grow in number, and
        // the chain that holds more of them is the newer one.
        if recoveries(&self.links[parent + 1..]) > 0 {
            return Err(RosterError::Rule {
                number,
                rule: "another recovery comes after that record; follow the recovery instead",
            });
        }
        let before = self.state_of(parent)?;
        // The founding record bears the recovery key's signature, too.
        let room = Room::new(recoveries(&self.links[1..=parent]));
        if parent + 2 > room.records(&record, &before) {
            return Err(RosterError::Rule { number, rule: "there are too many records" });
        }
        let mut joined = Vec::new();
        let number = self.links[parent].entry.record.number + 1;
        let state = apply::follow(&before, signed, number, |branch| {
            let (states, heads) = self.branch(parent, branch)?;
            joined = heads;
            Ok(states)
        })?;
        if let Some(rule) = room.overfull(&record, &before, &state) {
            return Err(RosterError::Rule { number, rule });
        }
        let dropped = self.links.len() - parent - 1;
        self.links.truncate(parent + 1);
        self.links.push(Link::new(signed, record, state, joined));
        self.thin(parent);
        Ok(dropped)
    }

    /// Takes over what a relay shows: records that continue this chain, or a whole chain.
    ///
    /// # Errors
    /// [`RosterError::Stale`] when it shows less than is known, [`RosterError::Fork`] when it shows
    /// another history that no recovery and no heal explains, others when a record breaks a rule.
    /// The roster is unchanged then.
    pub fn merge(&mut self, shown: &[Signed<Record>]) -> Result<Merged, RosterError> {
        let Some(first) = shown.first() else { return Ok(Merged::Same) };
        let parent = first.peek().map_err(|_| RosterError::NotThisSpace)?.parent;
        let next = match parent {
            None => Self::verified(self.space, shown, self.sparse)?,
            Some(parent) => self.continued(&parent, shown)?,
        };
        let (old, new) = (self.head(), next.head());
        if old == new {
            return Ok(Merged::Same);
        }
        let common = self.common(&next);
        let left = self.links.len() - common;
        if common == next.links.len() {
            return Err(RosterError::Stale);
        }
        if left > 0 && next.recoveries() < self.recoveries() {
            return Err(RosterError::Stale);
        }
        if left > 0 && !next.replaces(self) {
            return Err(RosterError::Fork { accepted: old, shown: new });
        }
        let added = next.links.len() - common;
        *self = next;
        Ok(if left > 0 { Merged::Replaced(left) } else { Merged::Extended(added) })
    }

    fn continued(&self, parent: &Hash, shown: &[Signed<Record>]) -> Result<Self, RosterError> {
        let at = self.position(parent).ok_or(RosterError::NotThisSpace)?;
        let mut next = self.upto(at);
        shown.iter().try_for_each(|record| next.append(record).map(|_| ()))?;
        Ok(next)
    }

    /// This roster as it was after a link, for more records to follow.
    fn upto(&self, at: usize) -> Self {
        Self { space: self.space, links: self.links[..=at].to_vec(), sparse: self.sparse }
    }

    /// Whether leaving `old` for this chain is lawful: the phrase has taken the space back more
    /// often here, or a heal carries `old`'s branch.
    fn replaces(&self, old: &Self) -> bool {
        self.recoveries() > old.recoveries() || self.joined(&old.head())
    }

    fn recoveries(&self) -> usize {
        recoveries(&self.links)
    }

    /// The state at the end of another branch that parts from this chain before `upto`, and the
    /// hashes of its records.
    fn branch(
        &self,
        upto: usize,
        branch: &[Signed<Record>],
    ) -> Result<(apply::Parted, Vec<Hash>), RosterError> {
        let number = self.links[upto].entry.record.number + 1;
        let rule = |rule| RosterError::Rule { number, rule };
        if branch.len() > limits::MAX_HEAL_RECORDS {
            return Err(rule("a heal carries too many records"));
        }
        let first = branch.first().ok_or(rule("a heal carries no branch"))?;
        let parent = first.peek().ok().and_then(|record| record.parent);
        let fork = self.links[..=upto].iter().position(|link| Some(link.entry.hash) == parent);
        let fork = fork.ok_or(rule("a heal's branch does not start on this chain"))?;
        if recoveries(&self.links[fork + 1..=upto]) > 0 {
            return Err(rule("a heal joins a branch that a recovery has voided"));
        }
        let mut other = self.upto(fork);
        for record in branch {
            match record.peek().ok().and_then(|record| record.acts.into_iter().next()) {
                Some(Act::Heal { .. }) => return Err(rule("a heal's branch holds another heal")),
                Some(Act::Recover) => return Err(rule("a heal's branch holds a recovery")),
                _ => {}
            }
            other.append(record)?;
        }
        if other.links.len() != fork + 1 + branch.len() || apply::tip(branch) != Some(other.head())
        {
            return Err(rule("a heal's branch is no chain"));
        }
        let heads = other.links[fork + 1..].iter().map(|link| link.entry.hash).collect();
        Ok(((other.state_of(fork + branch.len())?, self.state_of(fork)?), heads))
    }

    fn last(&self) -> &Link {
        self.links.last().expect("a roster is made with a founding record and never emptied")
    }
}

impl PartialEq for Roster {
    /// The hash of a record stands for all that come before it.
    fn eq(&self, other: &Self) -> bool {
        self.space == other.space && self.head() == other.head()
    }
}

impl Eq for Roster {}

impl Link {
    fn new(signed: &Signed<Record>, record: Record, state: State, joined: Vec<Hash>) -> Self {
        let (hash, signed) = (record_hash(signed), signed.clone());
        let entry = Arc::new(Entry { hash, signed, record, joined });
        Self { entry, state: Some(Arc::new(state)) }
    }

    fn held_bytes(&self) -> usize {
        let Entry { signed, record, joined, .. } = &*self.entry;
        let acts = record.acts.len() * size_of::<Act>() + size_of_val(&joined[..]);
        let state = self.state.as_ref().map_or(0, |state| state.held_bytes());
        size_of::<Self>() + size_of::<Entry>() + 2 * signed.body().len() + acts + state
    }
}

fn recoveries(links: &[Link]) -> usize {
    links.iter().filter(|link| link.entry.record.signer == Signer::Recovery).count()
}
