//! One entry as a document.

use std::collections::BTreeMap;

use automerge::{ROOT, ReadDoc, ScalarValue};

use super::replica::Replica;
use super::{DocError, Heads, conflict, value};
use crate::journal::{Fields, Patch, Value};

/// Since when the entry is deleted, in Unix milliseconds.
const DELETED: &str = "~deleted";
/// The message of changes that delete or bring back: they are no edits.
const DELETION_MESSAGE: &str = "d";

/// One entry's document.
///
/// Changes that arrive before those they build on are kept and saved along with the document (see
/// [`EntryDoc::missing`]); they show once the others are there. Equal histories show equal fields
/// and have equal heads on every device. Saved bytes of equal histories load to the same document,
/// but may differ where concurrent changes arrived in another order: compare heads, not bytes.
#[derive(Clone)]
pub struct EntryDoc {
    replica: Replica,
}

impl EntryDoc {
    /// A new document that holds these fields. The same arguments give the same bytes.
    ///
    /// # Errors
    /// [`DocError::TooLarge`] for more than a document can hold; [`DocError::Refused`] for a field
    /// with an empty name. Validated entries meet neither.
    pub fn create(actor: [u8; 16], time_ms: i64, fields: &Fields) -> Result<Self, DocError> {
        let mut doc = Self::empty();
        let patch =
            fields.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
        doc.edit(actor, time_ms, &patch)?;
        Ok(doc)
    }

    /// A new document that holds these fields, with long texts before all else: which of two concurrent
    /// texts is shown is decided by where each began, whatever was changed in it since.
    ///
    /// # Errors
    /// As [`EntryDoc::create`].
    pub(super) fn create_texts_first(actor: [u8; 16], fields: &Fields) -> Result<Self, DocError> {
        let (texts, others): (Vec<_>, Vec<_>) =
            fields.iter().partition(|(_, value)| value::is_text(value));
        let mut doc = Self::empty();
        doc.replica.transact(actor, 0, None, |tx| {
            let mut all = texts.into_iter().chain(others);
            all.try_for_each(|(name, value)| value::put(tx, &ROOT, name, Some(value)))
        })?;
        Ok(doc)
    }

    /// A document that holds nothing yet, for changes whose creation has not arrived.
    #[must_use]
    pub fn empty() -> Self {
        Self { replica: Replica::empty() }
    }

    /// Reads a saved document, checking its size and shape before Automerge sees it.
    ///
    /// # Errors
    /// [`DocError`] for bytes that are too large, malformed, or refused by Automerge.
    pub fn load(bytes: &[u8]) -> Result<Self, DocError> {
        Replica::load(bytes).map(|replica| Self { replica })
    }

    /// The document as bytes, uncompressed, with changes that still wait for others.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        self.replica.save()
    }

    /// Which version this is.
    #[must_use]
    pub fn heads(&self) -> Heads {
        self.replica.heads()
    }

    /// Whether this version includes all of these heads.
    #[must_use]
    pub fn has_all(&self, heads: &Heads) -> bool {
        self.replica.has_all(heads)
    }

    /// Whether changes wait for others that have not arrived.
    #[must_use]
    pub fn missing(&self) -> bool {
        self.replica.missing()
    }

    /// Changes fields, as one change. Setting a field settles its conflict.
    ///
    /// # Errors
    /// [`DocError::TooLarge`] if the document would outgrow its limit; it is then unchanged.
    pub fn edit(&mut self, actor: [u8; 16], time_ms: i64, patch: &Patch) -> Result<(), DocError> {
        self.replica.transact(actor, time_ms, None, |tx| {
            patch
                .iter()
                .filter(|(name, _)| !name.starts_with(conflict::RESERVED))
                .try_for_each(|(name, value)| value::put(tx, &ROOT, name, value.as_ref()))
        })
    }

    /// Hides the entry since a time (Unix milliseconds), or brings it back.
    ///
    /// # Errors
    /// [`DocError::TooLarge`] if the document would outgrow its limit; it is then unchanged.
    pub fn set_deleted(
        &mut self,
        actor: [u8; 16],
        time_ms: i64,
        deleted_at_ms: Option<i64>,
    ) -> Result<(), DocError> {
        let value = deleted_at_ms.map(Value::Int);
        self.replica.transact(actor, time_ms, Some(DELETION_MESSAGE), |tx| {
            value::put(tx, &ROOT, DELETED, value.as_ref())
        })
    }

    /// Since when the entry is hidden (Unix milliseconds). Of concurrent deletions the latest
    /// counts; a concurrent edit does not bring an entry back.
    #[must_use]
    pub fn deleted_at(&self) -> Option<i64> {
        deletion(self.replica.doc(), &ROOT, DELETED)
    }

    /// The changes that somebody with these heads lacks, concatenated; heads unknown here are
    /// ignored. Changes that wait for others are not among them.
    #[must_use]
    pub fn changes_since(&self, heads: &Heads) -> Vec<u8> {
        self.replica.changes_since(heads)
    }

    /// Applies concatenated changes: all, or none and an error. Known ones change nothing.
    ///
    /// # Errors
    /// [`DocError`] for bytes that are too large, malformed, or refused by Automerge; the document
    /// is then unchanged.
    pub fn apply(&mut self, changes: &[u8]) -> Result<(), DocError> {
        self.replica.apply(changes)
    }

    /// Takes over what another copy of this document has.
    ///
    /// # Errors
    /// [`DocError`] if the other copy contradicts this one or both are too large together; the
    /// document is then unchanged.
    pub fn merge(&mut self, other: &Self) -> Result<(), DocError> {
        self.replica.merge(&other.replica)
    }

    /// The fields shown.
    #[must_use]
    pub fn fields(&self) -> Fields {
        conflict::fields(self.replica.doc(), &ROOT)
    }

    /// Values set at the same time as the one shown, to be offered; setting the field settles it.
    #[must_use]
    pub fn conflicts(&self) -> BTreeMap<String, Vec<Value>> {
        conflict::conflicts(self.replica.doc(), &ROOT)
    }

    /// Whether fields were changed after the creation. Deleting and bringing back are no edits.
    #[must_use]
    pub fn edited(&self) -> bool {
        let changes = self.replica.doc().get_changes_meta(&[]);
        changes.iter().any(|change| {
            !change.deps.is_empty() && change.message.as_deref() != Some(DELETION_MESSAGE)
        })
    }
}

impl std::fmt::Debug for EntryDoc {
    /// Names the version only: what a document says is nobody's business in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EntryDoc")
            .field("heads", &self.heads().hashes().len())
            .finish_non_exhaustive()
    }
}

/// The latest of the concurrent times something was hidden at.
pub(super) fn deletion(doc: &impl ReadDoc, object: &automerge::ObjId, name: &str) -> Option<i64> {
    let values = doc.get_all(object, name).unwrap_or_default();
    values
        .iter()
        .filter_map(|(value, _)| match value.as_scalar()? {
            ScalarValue::Int(at) => Some(*at),
            _ => None,
        })
        .max()
}
