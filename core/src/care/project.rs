//! What of an entry somebody else may see.

use jiff::Timestamp;
use jiff::civil::Date;
use minicbor::{Decode, Encode};

use super::known::{passing, sort_of, when_text};
use super::{Class, ClassScope, Consent, Detail};
use crate::document::Row;
use crate::journal::header::{AT, AUTHOR, EDITED, KIND, RECORDED, SOURCE};
use crate::journal::{EntryBody, Fields, Value, When};

/// What the person said about one entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Choice {
    /// Nothing: the consent's scope decides.
    #[default]
    #[n(0)]
    Rule,
    /// To share it, wholly, whatever the scope says of its class and day. Deleting it, the delay,
    /// the end and the withdrawal of the consent still hold.
    #[n(1)]
    Added,
    /// Not to share it. This always holds.
    #[n(2)]
    Hidden,
}

/// An entry as somebody else sees it: values without a history, and nothing that names the entry,
/// a device or another entry.
#[derive(Clone, PartialEq, Encode, Decode)]
pub struct SharedEntry {
    /// The kind's code.
    #[n(0)]
    pub kind: String,
    /// When it happened, in a text form of [`When`]; at [`Detail::Count`] and [`Detail::Numbers`]
    /// the bare civil day, such as `2026-03-29`, which reads as that day in UTC.
    #[n(1)]
    pub at: String,
    /// What else may be seen. `recorded`, `source` and `author` only at [`Detail::Full`].
    #[n(2)]
    pub fields: Fields,
}

/// What a person wrote never meets a log.
impl std::fmt::Debug for SharedEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedEntry").field("fields", &self.fields.len()).finish_non_exhaustive()
    }
}

impl SharedEntry {
    /// What it is sorted by, as [`Row::sort_key_ms`]: the earliest time it can mean, in Unix
    /// milliseconds. `None` if the time is of a form only a newer version knows.
    #[must_use]
    pub fn sort_key_ms(&self) -> Option<i64> {
        self.at.parse::<When>().ok().map(|when| when.sort_key_ms())
    }
}

/// What of an entry may be seen under a consent at a Unix time (milliseconds): the one function
/// for preview and payload. `None`: nothing.
///
/// An entry is seen if
/// * its kind is known, its time and the time it was written down can be read, and it is not
///   deleted;
/// * the consent was not taken back and is not over;
/// * the delay has passed since the entry was first written down, by its field `recorded`. A later
///   edit of it does not begin a new delay;
/// * and the person added it, or did not hide it and the scope covers its class on every civil day,
///   where it happened, that its time spans.
#[must_use]
pub fn project(row: &Row, consent: &Consent, now_ms: i64, choice: Choice) -> Option<SharedEntry> {
    if choice == Choice::Hidden || consent.is_over(now_ms) || due_ms(row, consent)? > now_ms {
        return None;
    }
    let (when, class) = (row.when()?, Class::of_kind(row.kind())?);
    let detail = match choice {
        Choice::Added => Detail::Full,
        _ => detail_of(consent.scope.of(class)?, &when)?,
    };
    let kind = row.kind().to_owned();
    Some(SharedEntry { fields: fields(row, &kind, detail), at: when_text(&when, detail), kind })
}

/// When an entry's delay ends, in Unix milliseconds: before that [`project`] shows nothing of it.
/// `None` if the entry is never shared, whatever a scope says: it is deleted, of a kind that this
/// version does not know, or it cannot be read when it happened or was written down.
#[must_use]
pub fn due_ms(row: &Row, consent: &Consent) -> Option<i64> {
    if row.deleted_at.is_some() || Class::of_kind(row.kind()).is_none() || row.when().is_none() {
        return None;
    }
    let recorded: Timestamp = row.fields.get(RECORDED)?.as_str()?.parse().ok()?;
    let delay_ms = i64::from(consent.delay_hours) * 3600 * 1000;
    Some(recorded.as_millisecond().saturating_add(delay_ms))
}

fn detail_of(scope: &ClassScope, when: &When) -> Option<Detail> {
    scope.holds(when.date(), last_date(when)).then_some(scope.detail)
}

/// The civil date it (last) happened on, where it happened.
fn last_date(when: &When) -> Date {
    match when {
        When::Range { to, to_place, .. } => to_place.offset().to_datetime(*to).date(),
        _ => when.date(),
    }
}

/// Only what is known by name, and of it only what the detail lets pass.
fn fields(row: &Row, kind: &str, detail: Detail) -> Fields {
    let mut seen = Fields::new();
    for &name in EntryBody::field_names(kind).unwrap_or_default() {
        let value = row.fields.get(name).zip(sort_of(kind, name));
        if let Some(value) = value.and_then(|(value, sort)| passing(sort, value, detail)) {
            seen.insert(name.to_owned(), value);
        }
    }
    if detail == Detail::Full {
        for name in [RECORDED, SOURCE, AUTHOR] {
            if let Some(value @ Value::Str(_)) = row.fields.get(name) {
                seen.insert(name.to_owned(), value.clone());
            }
        }
    }
    seen
}

/// Names that stand beside the fields of a shared entry, so none of its fields has one.
pub(super) const RESERVED: [&str; 4] = ["id", KIND, AT, EDITED];
