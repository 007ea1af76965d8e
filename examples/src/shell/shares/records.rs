//! Entries and the plan as they were shared.

use mainstay_core::care::{RecordId, SharedBody, SharedPlan, SharedRecord, to_json};
use mainstay_core::journal::{Codes, When};
use serde_json::Value as Json;

use crate::shell::listing::{self, Line};
use crate::shell::words;

/// How many digits of a record's id are shown.
const SHOWN_DIGITS: usize = 8;

/// The entries among records, newest first, as the person's own timeline has them. One whose time
/// only a newer version can read is there if no span was asked for.
pub(crate) fn entries<'a>(
    records: impl Iterator<Item = &'a SharedRecord>,
    (from_ms, to_ms): (i64, i64),
) -> Vec<&'a SharedRecord> {
    let in_span = |record: &&SharedRecord| match record.sort_key_ms() {
        Some(at_ms) => (from_ms..=to_ms).contains(&at_ms),
        None => (from_ms, to_ms) == (i64::MIN, i64::MAX),
    };
    let entries = records.filter(|record| matches!(record.body, SharedBody::Entry(_)));
    let mut entries: Vec<&SharedRecord> = entries.filter(in_span).collect();
    entries.sort_by_key(|record| std::cmp::Reverse((record.sort_key_ms(), record.id)));
    entries
}

pub(crate) fn entries_json(entries: &[&SharedRecord]) -> Json {
    entries.iter().map(|record| to_json(record)).collect()
}

pub(crate) fn entries_text(entries: &[&SharedRecord]) -> String {
    let line = |record: &&'_ SharedRecord| -> Option<(Option<When>, String)> {
        let SharedBody::Entry(entry) = &record.body else { return None };
        Some((entry.at.parse().ok(), short(&record.id)))
    };
    let lines = entries.iter().filter_map(|record| {
        let (when, id) = line(record)?;
        let SharedBody::Entry(entry) = &record.body else { return None };
        Some(Line { when, kind: &entry.kind, fields: &entry.fields, marks: vec![id] })
    });
    listing::text(lines)
}

pub(crate) fn plan_json(plan: &SharedPlan) -> Json {
    let record = SharedRecord {
        id: RecordId::from_bytes([0; 16]),
        counter: 0,
        body: SharedBody::Plan(plan.clone()),
    };
    to_json(&record)["sections"].take()
}

pub(crate) fn plan_text(plan: &SharedPlan) -> String {
    let mut text = String::new();
    let mut section = None;
    for item in &plan.items {
        if section != Some(&item.section) {
            section = Some(&item.section);
            text.push_str(&format!("\n{}\n", item.section.word()));
        }
        let id: String = item.id.to_string().chars().take(SHOWN_DIGITS).collect();
        text.push_str(&format!("  {}  ({id})\n", item.text));
        for (name, value) in &item.details {
            text.push_str(&format!("       {name}: {}\n", words::value(name, value)));
        }
    }
    match text.trim() {
        "" => "The plan is empty.".to_owned(),
        text => text.to_owned(),
    }
}

/// The beginning of a record's id, as a person would copy it.
pub(crate) fn short(id: &RecordId) -> String {
    id.to_string().chars().take(SHOWN_DIGITS).collect()
}
