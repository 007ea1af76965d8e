//! A decoded entry, as pages keep it.

use mainstay_protocol::codec;
use mainstay_protocol::hash::Hash;
use minicbor::decode::Error;
use minicbor::encode::Write;
use minicbor::{Decode, Decoder, Encode, Encoder};

use super::{DocError, EntryDoc};
use crate::journal::{EntryId, Fields, Patch, Value, header};

/// An entry as a timeline shows it: derived from its document, rebuilt when the heads differ.
///
/// In CBOR an array of at least five: id, heads digest, deleted at or null, flags (1 conflicted, 2 edited),
/// the fields as a map (see [`Value`]). Further parts are skipped.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The entry.
    pub id: EntryId,
    /// Its fields, without the mark that an import had been edited: see `edited`.
    pub fields: Fields,
    /// Which version of the document this row shows: [`super::Heads::digest`].
    pub heads_digest: [u8; 16],
    /// Since when it is hidden (Unix milliseconds).
    pub deleted_at: Option<i64>,
    /// Whether a concurrent value waits to be offered.
    pub conflicted: bool,
    /// Whether it was changed after its creation, here or before an import.
    pub edited: bool,
}

/// What the hash of a row is for, from which the actor of its document follows.
const SALVAGED: &str = "salvaged row";

const CONFLICTED: u8 = 1;
const EDITED: u8 = 2;

impl Row {
    /// The row a document shows.
    #[must_use]
    pub fn from_doc(id: EntryId, doc: &EntryDoc) -> Self {
        let mut fields = doc.fields();
        let edited_before = fields.remove(header::EDITED) == Some(Value::Bool(true));
        Self {
            id,
            fields,
            heads_digest: doc.heads().digest(),
            deleted_at: doc.deleted_at(),
            conflicted: !doc.conflicts().is_empty(),
            edited: edited_before || doc.edited(),
        }
    }

    /// A document that shows what this row shows, where the one that the row was made of is nowhere.
    /// Equal rows give the same document, so that two devices which do this agree.
    ///
    /// It joins with the first document, should that come after all: what both say is said once, and of a
    /// field changed there since, the change is shown and the row's value offered beside it. What a row
    /// does not hold (values that had lost, forms that only a newer version knows) is not in it.
    ///
    /// # Errors
    /// [`DocError`] for a row that no document could have shown.
    pub fn derive_doc(&self) -> Result<EntryDoc, DocError> {
        // An actor's changes are told apart by their numbers alone, so that an actor is for one content.
        // Of two that are otherwise equal the higher one wins: it begins low.
        let hash = Hash::of(SALVAGED, &[&codec::encode(self)]);
        let mut actor = [0; 16];
        actor[4..].copy_from_slice(&hash.as_bytes()[..12]);
        let mut doc = EntryDoc::create_texts_first(actor, &self.fields)?;
        // After the fields: a field that came later here than in the first document would win against
        // a change made there since.
        if self.edited {
            let mark = (header::EDITED.to_owned(), Some(Value::Bool(true)));
            doc.edit(actor, 0, &Patch::from([mark]))?;
        }
        if self.deleted_at.is_some() {
            doc.set_deleted(actor, 0, self.deleted_at)?;
        }
        Ok(doc)
    }

    /// What the row is sorted by: the earliest time it can mean, in Unix milliseconds. `None` if
    /// the time is of a form only a newer version knows.
    #[must_use]
    pub fn sort_key_ms(&self) -> Option<i64> {
        self.when().map(|when| when.sort_key_ms())
    }

    /// When it happened. `None` if the time is of a form only a newer version knows.
    #[must_use]
    pub fn when(&self) -> Option<crate::journal::When> {
        self.fields.get(header::AT)?.as_str()?.parse().ok()
    }

    /// The kind's code; empty if the document has none yet.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.fields.get(header::KIND).and_then(Value::as_str).unwrap_or("")
    }
}

impl<C> Encode<C> for Row {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        let flags = u8::from(self.conflicted) * CONFLICTED + u8::from(self.edited) * EDITED;
        e.array(5)?;
        self.id.encode(e, ctx)?;
        e.bytes(&self.heads_digest)?.encode(self.deleted_at)?.u8(flags)?;
        self.fields.encode(e, ctx)?;
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for Row {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, Error> {
        let length = d.array()?;
        if length.is_none_or(|length| length < 5) {
            return Err(Error::message("a row has at least five parts"));
        }
        let id = EntryId::decode(d, ctx)?;
        let heads_digest =
            d.bytes()?.try_into().map_err(|_| Error::message("a heads digest has 16 bytes"))?;
        let deleted_at = Option::<i64>::decode(d, ctx)?;
        let flags = d.u8()?;
        let fields = Fields::decode(d, ctx)?;
        for _ in 5..length.unwrap_or(5) {
            d.skip()?; // what a newer version added
        }
        let (conflicted, edited) = (flags & CONFLICTED != 0, flags & EDITED != 0);
        Ok(Self { id, fields, heads_digest, deleted_at, conflicted, edited })
    }
}
