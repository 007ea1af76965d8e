//! The plan as a document.

use std::collections::BTreeMap;

use automerge::transaction::Transactable;
use automerge::{Automerge, AutomergeError, ObjId, ObjType, ROOT, ReadDoc, Value as Stored};
use sha2::{Digest, Sha256};

use super::entry_doc::deletion;
use super::replica::Replica;
use super::{DocError, Heads, care, conflict, value};
use crate::journal::{Codes, Fields, Value};
use crate::plan::{ItemId, ItemPatch, Plan, PlanEdit, PlanItem, Section};

/// The map of items, by id, made by the genesis change.
const ITEMS: &str = "items";
const SECTION: &str = "~section";
const TEXT: &str = "~text";
const ORDER: &str = "~order";
const ARCHIVED: &str = "~archived";

/// The actor of the first change, the same on every device: plans that two devices begin
/// independently have one origin and merge.
const GENESIS_ACTOR: [u8; 16] = *b"mainstay genesis";

/// The recovery plan's document.
///
/// What [`super::EntryDoc`] says about waiting changes and saved bytes holds here too.
#[derive(Clone)]
pub struct PlanDoc {
    pub(super) replica: Replica,
}

impl PlanDoc {
    /// The empty plan: the same bytes on every device.
    ///
    /// # Errors
    /// None in practice; [`DocError::Refused`] if Automerge had a defect.
    pub fn create() -> Result<Self, DocError> {
        let mut replica = Replica::empty();
        replica.transact(GENESIS_ACTOR, 0, None, |tx| {
            tx.put_object(&ROOT, ITEMS, ObjType::Map)?;
            tx.put_object(&ROOT, care::CARE, ObjType::Map).map(|_| ())
        })?;
        Ok(Self { replica })
    }

    /// Reads a saved plan, checking its size and shape before Automerge sees it.
    ///
    /// # Errors
    /// [`DocError`] for bytes that are too large, malformed, refused by Automerge, or no plan.
    pub fn load(bytes: &[u8]) -> Result<Self, DocError> {
        let plan = Self { replica: Replica::load(bytes)? };
        plan.items_id().map(|_| plan)
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

    /// Makes one edit, as one change.
    ///
    /// # Errors
    /// [`DocError::Plan`] if the plan does not take it, [`DocError::TooLarge`] if the document would
    /// outgrow its limit; the plan is then unchanged.
    pub fn edit(&mut self, edit: &PlanEdit, actor: [u8; 16], time_ms: i64) -> Result<(), DocError> {
        let patches = edit.resolve(&self.plan())?;
        let items = self.items_id()?;
        let adds = matches!(edit, PlanEdit::Add { .. });
        self.replica.transact(actor, time_ms, None, |tx| {
            for (at, patch) in patches.iter().enumerate() {
                let key = patch.id.to_string();
                let object = match tx.get(&items, &key)? {
                    Some((Stored::Object(ObjType::Map), object)) => object,
                    None if adds && at == 0 => tx.put_object(&items, &key, ObjType::Map)?,
                    _ => continue,
                };
                write(tx, &object, patch, time_ms)?;
            }
            Ok(())
        })
    }

    /// Takes in changes that somebody else made of the plan as it was at some heads, in order, each
    /// with its time. Tells of each whether the plan takes it.
    ///
    /// What comes of it depends on these arguments alone, so that two devices which take in the same
    /// changes make the same ones, and a second time changes nothing. What was changed here since those
    /// heads is a change at the same time: [`PlanDoc::conflicts`] offers what lost.
    ///
    /// # Errors
    /// [`DocError::TooLarge`] if the document would outgrow its limit; the plan is then unchanged.
    pub fn take_edits(
        &mut self,
        at: &Heads,
        edits: &[(PlanEdit, i64)],
        from: &[u8],
    ) -> Result<Vec<bool>, DocError> {
        let mut fork = Self { replica: self.replica.fork_at(at)? };
        let mut actor = digest(&[from]);
        for head in fork.heads().hashes() {
            actor = digest(&[&actor, head]);
        }
        let mut taken = Vec::new();
        for (edit, at_ms) in edits {
            let bytes = minicbor::to_vec(edit).map_err(|_| DocError::Malformed("an edit"))?;
            actor = digest(&[&actor, &bytes, &at_ms.to_be_bytes()]);
            match fork.edit(edit, actor, *at_ms) {
                Ok(()) => taken.push(true),
                Err(DocError::Plan(_)) => taken.push(false),
                Err(error) => return Err(error),
            }
        }
        self.merge(&fork)?;
        Ok(taken)
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
    /// [`DocError`] for bytes that are too large, malformed, or refused by Automerge; the plan is
    /// then unchanged.
    pub fn apply(&mut self, changes: &[u8]) -> Result<(), DocError> {
        let before = self.replica.clone();
        self.replica.apply(changes)?;
        self.items_id().map(|_| ()).inspect_err(|_| self.replica = before)
    }

    /// Takes over what another copy of the plan has.
    ///
    /// # Errors
    /// [`DocError`] if the other copy contradicts this one or both are too large together; the plan
    /// is then unchanged.
    pub fn merge(&mut self, other: &Self) -> Result<(), DocError> {
        self.replica.merge(&other.replica)
    }

    /// The plan as it stands. Items of a form only a newer version knows are kept and not shown.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let doc = self.replica.doc();
        Plan::from_items(self.objects().filter_map(|(id, object)| read(doc, id, &object)))
    }

    /// Values set at the same time as the ones shown, by item and field (`text`, `section`, or a
    /// detail's name); editing the field settles it. Places are no conflict: the winner's holds.
    #[must_use]
    pub fn conflicts(&self) -> BTreeMap<ItemId, BTreeMap<String, Vec<Value>>> {
        let doc = self.replica.doc();
        self.objects()
            .filter_map(|(id, object)| {
                let mut fields = conflict::conflicts(doc, &object);
                for (name, key) in [("text", TEXT), ("section", SECTION)] {
                    let lost = conflict::lost(doc, &object, key);
                    if !lost.is_empty() {
                        fields.insert(name.to_owned(), lost);
                    }
                }
                (!fields.is_empty()).then_some((id, fields))
            })
            .collect()
    }

    fn items_id(&self) -> Result<ObjId, DocError> {
        match self.replica.doc().get(&ROOT, ITEMS) {
            Ok(Some((Stored::Object(ObjType::Map), id))) => Ok(id),
            _ => Err(DocError::Malformed("not a plan")),
        }
    }

    fn objects(&self) -> impl Iterator<Item = (ItemId, ObjId)> {
        let doc = self.replica.doc();
        let items = self.items_id().ok();
        let keys: Vec<String> = items.iter().flat_map(|items| doc.keys(items)).collect();
        keys.into_iter().filter_map(move |key| match doc.get(items.as_ref()?, &key) {
            Ok(Some((Stored::Object(ObjType::Map), object))) => Some((key.parse().ok()?, object)),
            _ => None,
        })
    }
}

/// An actor that nobody but the very same change has.
fn digest(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Sha256::new_with_prefix(b"mainstay plan edit");
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut actor = [0; 16];
    actor.copy_from_slice(&hasher.finalize()[..16]);
    actor
}

impl std::fmt::Debug for PlanDoc {
    /// Names the version only: what a document says is nobody's business in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlanDoc")
            .field("heads", &self.heads().hashes().len())
            .finish_non_exhaustive()
    }
}

fn write(
    tx: &mut automerge::transaction::Transaction<'_>,
    object: &ObjId,
    patch: &ItemPatch,
    time_ms: i64,
) -> Result<(), AutomergeError> {
    let section = patch.section.as_ref().map(|section| section.code().to_owned());
    for (key, text) in [(SECTION, &section), (TEXT, &patch.text), (ORDER, &patch.order)] {
        if let Some(text) = text {
            value::put(tx, object, key, Some(&Value::Str(text.clone())))?;
        }
    }
    match patch.archived {
        Some(true) => value::put(tx, object, ARCHIVED, Some(&Value::Int(time_ms)))?,
        Some(false) => value::put(tx, object, ARCHIVED, None)?,
        None => {}
    }
    patch
        .details
        .iter()
        .try_for_each(|(name, detail)| value::put(tx, object, name, detail.as_ref()))
}

fn read(doc: &Automerge, id: ItemId, object: &ObjId) -> Option<PlanItem> {
    let text = |key| match value::all(doc, object, key).pop() {
        Some(Value::Str(text)) => Some(text),
        _ => None,
    };
    let details: Fields = conflict::fields(doc, object);
    Some(PlanItem {
        id,
        section: Section::from(text(SECTION)?),
        text: text(TEXT)?,
        details,
        order: text(ORDER).unwrap_or_default(),
        archived_at_ms: deletion(doc, object, ARCHIVED),
    })
}
