//! Random rows with marked words in every text, and random consents.

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::super::known::{Sort, sort_of};
use super::*;
use crate::journal::EntryBody;

/// Marks what may leave in full detail only.
pub(super) const CANARY: &str = "CANARY";
/// Marks what never leaves.
pub(super) const NEVER: &str = "NEVER";
pub(super) const NEVER_NUMBER: i64 = 77_070_707;
pub(super) const ID: [u8; 16] = *b"entry-id-1234567";
pub(super) const HEADS: [u8; 16] = *b"heads-digest-123";

/// A row, and what the generator knows of it.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) row: Row,
    pub(super) class: Option<Class>,
    pub(super) first: Date,
    pub(super) last: Date,
    pub(super) recorded_ms: Option<i64>,
    /// How many fields that this version knows hold a marked word.
    pub(super) marked: usize,
}

pub(super) fn day(offset: i64) -> Date {
    date(2026, 3, 1).checked_add(jiff::Span::new().days(offset)).unwrap()
}

const KINDS: [(&str, Option<Class>); 7] = [
    ("check-in", Some(Class::CheckIns)),
    ("urge", Some(Class::Urges)),
    ("use", Some(Class::Use)),
    ("contact", Some(Class::Contacts)),
    ("meeting", Some(Class::Meetings)),
    ("note", Some(Class::Notes)),
    ("dream", None),
];

pub(super) fn made() -> impl Strategy<Value = Made> {
    let bits = (any::<u32>(), any::<u32>(), any::<u32>());
    let hours = prop_oneof![6 => (0..400i64).prop_map(Some), 1 => Just(None)];
    let deleted = prop_oneof![6 => Just(None), 1 => Just(Some(5i64))];
    (0..KINDS.len(), bits, -30..30i64, 0..4u8, hours, deleted).prop_map(
        |(kind, (present, own, wrong), offset, form, hours, deleted_at)| {
            let (kind, class) = KINDS[kind];
            let (mut fields, marked) = fields(kind, present, own, wrong);
            let (first, last) = (day(offset), day(offset + if form == 3 { 2 } else { 0 }));
            fields.insert("kind".into(), kind.into());
            fields.insert("at".into(), Value::Str(at(first, last, form)));
            let recorded_ms =
                hours.map(|hours| ms(&format!("{}T12:00:00Z", day(offset))) + hours * HOUR_MS);
            let recorded = match recorded_ms {
                Some(ms) => Timestamp::from_millisecond(ms).unwrap().to_string(),
                None => format!("{NEVER}-recorded"),
            };
            fields.insert("recorded".into(), Value::Str(recorded));
            let row = Row {
                id: EntryId::from_bytes(ID),
                fields,
                heads_digest: HEADS,
                deleted_at,
                conflicted: own & 1 == 1,
                edited: own & 2 == 2,
            };
            Made { row, class, first, last, recorded_ms, marked }
        },
    )
}

fn at(first: Date, last: Date, form: u8) -> String {
    let zone = format!("[{CANARY}/Zone]");
    match form {
        0 => format!("{first}T23:30:00.250+02:00{zone}"),
        1 => format!("{first} +02:00{zone}"),
        2 => format!("{first} evening +02:00{zone}"),
        _ => format!("{first}T00:30:00+02:00/{last}T23:00:00+02:00{zone}"),
    }
}

fn fields(kind: &str, present: u32, own: u32, wrong: u32) -> (Fields, usize) {
    let mut fields = Fields::new();
    let mut marked = 0;
    for (at, name) in EntryBody::field_names(kind).unwrap_or(&["note"]).iter().enumerate() {
        let bit = |bits: u32| bits >> at & 1 == 1;
        if !bit(present) {
            continue;
        }
        let sort = sort_of(kind, name).unwrap_or(Sort::Text);
        // One field in four or so is of a form that it does not have.
        let value = match bit(wrong) && bit(wrong >> 11) {
            true => wrong_value(sort, name),
            false => right_value(sort, name, bit(own)),
        };
        marked +=
            usize::from(EntryBody::field_names(kind).is_some() && text_of(&value).contains(CANARY));
        fields.insert((*name).to_owned(), value);
    }
    for name in ["newer_field", "id", "edited", "clinical_class"] {
        fields.insert(name.into(), Value::Str(format!("{NEVER}-{name}")));
    }
    fields.insert("newer_number".into(), Value::Int(NEVER_NUMBER));
    let foreign = if kind == "use" { "thoughts" } else { "substance" };
    fields.insert(foreign.into(), Value::Str(format!("{NEVER}-{foreign}")));
    if own & 4 == 4 {
        fields.insert("author".into(), Value::Str(format!("counsellor:{CANARY}")));
        fields.insert("source".into(), Value::Str(format!("{CANARY}-source")));
    }
    (fields, marked)
}

fn right_value(sort: Sort, name: &str, own: bool) -> Value {
    let mark = format!("{CANARY}-{name}");
    match sort {
        Sort::Number => Value::Int(4),
        Sort::Flag => Value::Bool(own),
        Sort::Code(codes) if !own => codes[0].0.into(),
        Sort::Codes(codes) => {
            let mut list: Vec<String> = codes.iter().map(|(code, _)| (*code).to_owned()).collect();
            list.extend(own.then_some(mark));
            Value::Json(list.into())
        }
        Sort::Time => Value::Str(format!("2026-03-02T08:00:00+02:00[{CANARY}/Zone]")),
        Sort::Code(_) | Sort::Text => Value::Str(mark),
    }
}

/// A newer version may put anything anywhere.
fn wrong_value(sort: Sort, name: &str) -> Value {
    let mark = format!("{NEVER}-{name}");
    match sort {
        Sort::Number | Sort::Flag | Sort::Time => Value::Str(mark),
        Sort::Codes(_) => Value::Json(serde_json::json!(["mental", { "secret": mark }])),
        Sort::Code(_) | Sort::Text => Value::Json(serde_json::json!([mark])),
    }
}

pub(super) fn text_of(value: &Value) -> String {
    serde_json::Value::from(value.clone()).to_string()
}

pub(super) fn scope() -> impl Strategy<Value = Scope> {
    let end = || proptest::option::weighted(0.4, -30..30i64);
    let one = proptest::option::weighted(0.8, (0..Detail::ALL.len(), end(), end()));
    let plan = proptest::option::of(0..PlanDetail::ALL.len());
    (proptest::collection::vec(one, 6), plan).prop_map(|(classes, plan)| {
        let mut scope = Scope::default();
        for (class, how) in Class::ALL.iter().zip(classes) {
            scope.set(
                *class,
                how.map(|(detail, since, until)| ClassScope {
                    detail: Detail::ALL[detail],
                    since: since.map(day),
                    until: until.map(day),
                }),
            );
        }
        scope.set_plan(plan.map(|plan| PlanDetail::ALL[plan]));
        scope
    })
}

pub(super) fn consent_of() -> impl Strategy<Value = Consent> {
    let rare = |n: u32| prop_oneof![n => Just(false), 1 => Just(true)];
    let terms = (0..3usize, any::<(bool, bool)>(), rare(12), rare(12), rare(12), rare(12));
    let delay = prop_oneof![Just(0u16), 1..200u16];
    let until = proptest::option::weighted(0.3, 0..2000i64);
    (scope(), delay, until, terms, 1..4u32, 0..3i64, "[a-zé ]{1,12}").prop_map(
        |(scope, delay_hours, until, terms, number, later, name)| {
            let (onward, (notes, asks), withdrawn, key, purpose, law) = terms;
            let mut made = consent("none");
            made.scope = scope;
            made.delay_hours = delay_hours;
            made.until_ms = until.map(|hours| ms("2026-02-15T00:00:00Z") + hours * HOUR_MS);
            made.onward = Onward::ALL[onward];
            made.counselling_notes = notes;
            made.asks_opened = asks;
            made.number = number;
            made.granted_at_ms += later;
            made.recipient.name = format!("x{name}");
            if withdrawn {
                made.event = Event::Withdrawn;
            }
            if key {
                made.recipient.key_fingerprint = [8; 32];
            }
            if purpose {
                made.purpose = "research".into();
            }
            if law {
                made.jurisdiction = "DE".into();
            }
            made
        },
    )
}

pub(super) fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![4 => Just(Choice::Rule), 1 => Just(Choice::Added), 1 => Just(Choice::Hidden)]
}

/// From before the first entry was written to long after the last.
pub(super) fn any_now() -> impl Strategy<Value = i64> {
    (0..2200i64).prop_map(|hours| ms("2026-02-01T00:00:00Z") + hours * HOUR_MS)
}
