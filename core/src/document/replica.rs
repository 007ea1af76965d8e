//! What every document of ours can do, whatever it holds.

use automerge::transaction::{CommitOptions, Transaction};
use automerge::{
    ActorId, Automerge, AutomergeError, Change, ChangeHash, LoadOptions, ReadDoc, TextEncoding,
};

use super::guard::{self, MAX_DOC_BYTES, contained};
use super::{DocError, Heads, MAX_HEADS};

/// An Automerge document behind our guards.
#[derive(Clone)]
pub(super) struct Replica {
    am: Automerge,
}

/// Positions in texts count Unicode scalar values, on every platform.
const ENCODING: TextEncoding = TextEncoding::UnicodeCodePoint;

impl Replica {
    pub(super) fn empty() -> Self {
        Self { am: Automerge::new_with_encoding(ENCODING) }
    }

    pub(super) fn load(bytes: &[u8]) -> Result<Self, DocError> {
        guard::document(bytes)?;
        contained("defect while loading", || {
            let options = LoadOptions::new().text_encoding(ENCODING);
            let am = Automerge::load_with_options(bytes, options)
                .map_err(|error| refused(&error, "not loadable"))?;
            Ok(Self { am })
        })
    }

    pub(super) fn save(&self) -> Vec<u8> {
        self.am.save_nocompress()
    }

    pub(super) const fn doc(&self) -> &Automerge {
        &self.am
    }

    pub(super) fn heads(&self) -> Heads {
        Heads::of(&self.am.get_heads())
    }

    pub(super) fn has_all(&self, heads: &Heads) -> bool {
        heads.hashes().iter().all(|hash| self.has(*hash))
    }

    pub(super) fn missing(&self) -> bool {
        !self.am.get_missing_deps(&[]).is_empty()
    }

    /// The document as it was at these heads, to be changed there and merged. Heads that are not
    /// here are left out; without any, it is the present one.
    pub(super) fn fork_at(&self, heads: &Heads) -> Result<Self, DocError> {
        let known = heads.hashes().iter().filter(|hash| self.has(**hash));
        let known: Vec<ChangeHash> = known.map(|hash| ChangeHash(*hash)).collect();
        if known.is_empty() {
            return Ok(self.clone());
        }
        contained("defect while forking", || {
            let am = self.am.fork_at(&known).map_err(|error| refused(&error, "not forkable"))?;
            Ok(Self { am })
        })
    }

    pub(super) fn changes_since(&self, heads: &Heads) -> Vec<u8> {
        let known: Vec<ChangeHash> = heads
            .hashes()
            .iter()
            .filter(|hash| self.has(**hash))
            .map(|hash| ChangeHash(*hash))
            .collect();
        self.am.save_after(&known)
    }

    /// Applies concatenated changes: all of them, or none and an error.
    pub(super) fn apply(&mut self, bytes: &[u8]) -> Result<(), DocError> {
        self.apply_chunks(&guard::changes(bytes)?)
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<(), DocError> {
        let added = self.am.get_changes_added(&other.am);
        self.apply_changes(added)?;
        if other.missing() {
            // What waits in the other document is not in its change graph, only in its saved form.
            let saved = other.save();
            let chunks = guard::document(&saved)?;
            self.apply_chunks(&chunks[1..])?;
        }
        Ok(())
    }

    /// Runs one transaction as one change; without operations there is no change.
    pub(super) fn transact(
        &mut self,
        actor: [u8; 16],
        time_ms: i64,
        message: Option<&str>,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<(), AutomergeError>,
    ) -> Result<(), DocError> {
        let mut am = self.am.clone();
        am.set_actor(ActorId::from(actor));
        let am = contained("defect while editing", move || {
            let mut tx = am.transaction();
            work(&mut tx).map_err(|error| refused(&error, "not editable"))?;
            // Automerge's times are in seconds, and advisory.
            let mut options = CommitOptions::default().with_time(time_ms.div_euclid(1000));
            options.message = message.map(str::to_owned);
            tx.commit_with(options);
            within_size(am)
        })?;
        self.am = am;
        Ok(())
    }

    fn has(&self, hash: [u8; 32]) -> bool {
        self.am.get_change_meta_by_hash(&ChangeHash(hash)).is_some()
    }

    fn apply_chunks(&mut self, chunks: &[&[u8]]) -> Result<(), DocError> {
        let changes = contained("defect while reading changes", || {
            chunks
                .iter()
                .map(|chunk| {
                    let change = Change::try_from(*chunk);
                    usual(change.map_err(|_| DocError::Malformed("a broken change"))?)
                })
                .collect::<Result<Vec<_>, _>>()
        })?;
        self.apply_changes(changes)
    }

    /// Works on a copy: neither an error nor a panic half-way leaves a half-applied document.
    fn apply_changes(&mut self, changes: Vec<Change>) -> Result<(), DocError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut am = self.am.clone();
        self.am = contained("defect while applying", move || {
            am.apply_changes(changes).map_err(|error| refused(&error, "not applicable"))?;
            // What somebody else wrote must not make a document that nobody can open.
            Self::load(&saved_within_size(&am)?).map(|_| am)
        })?;
        Ok(())
    }
}

/// Refuses a change that is written otherwise than Automerge writes it. A document keeps what a change
/// says and not its bytes, so the hash that it goes by would be another one after the next load, and the
/// document be refused. Told of each change by itself: one that waits for others is kept as it is.
fn usual(change: Change) -> Result<Change, DocError> {
    match Change::from(change.decode()).hash() == change.hash() {
        true => Ok(change),
        false => Err(DocError::Malformed("a change in an unusual form")),
    }
}

/// A document that is too large to be loaded again is refused now.
fn within_size(am: Automerge) -> Result<Automerge, DocError> {
    saved_within_size(&am).map(|_| am)
}

/// A document's saved form, if it may be loaded again.
fn saved_within_size(am: &Automerge) -> Result<Vec<u8>, DocError> {
    let saved = am.save_nocompress();
    if saved.len() > MAX_DOC_BYTES {
        return Err(DocError::TooLarge { max: MAX_DOC_BYTES });
    }
    if am.get_heads().len() > MAX_HEADS {
        return Err(DocError::Malformed("too many concurrent versions"));
    }
    Ok(saved)
}

fn refused(error: &AutomergeError, what: &'static str) -> DocError {
    match error {
        AutomergeError::DuplicateSeqNumber(..) => DocError::ActorReused,
        _ => DocError::Refused(what),
    }
}
