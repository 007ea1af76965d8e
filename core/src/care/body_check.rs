//! Whether a record keeps its limits. Its writer may be hostile.

use jiff::Timestamp;

use super::project::RESERVED;
use super::{CareLimits, SharedBody, SharedEntry, SharedRecord, plan};
use crate::journal::check::is_field_name;
use crate::journal::header::RECORDED;
use crate::journal::{Fields, Limits, Value, When};
use crate::plan::PlanLimits;

/// A record that exceeds a limit: what of it, never its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a shared record is refused: its {0} exceeds a limit or has the wrong form")]
pub struct InvalidRecord(pub &'static str);

/// The end of the year 2200, in Unix milliseconds: no time lies later.
const LAST_MS: i64 = 7_289_654_399_999;

impl SharedRecord {
    /// Checks every limit.
    ///
    /// # Errors
    /// What exceeds one, or has a form that it may not have.
    pub fn validate(&self) -> Result<(), InvalidRecord> {
        check(self.counter <= CareLimits::COUNTER_MAX, "counter")?;
        match &self.body {
            SharedBody::Entry(entry) => check_entry(entry),
            SharedBody::Plan(plan) => check(plan.keeps_limits(), "plan"),
            SharedBody::Comment { text, written_at_ms, .. } => {
                check_text(text, CareLimits::COMMENT_MAX_BYTES)?;
                check_time(*written_at_ms)
            }
            SharedBody::Proposal { section, text, details, why, written_at_ms, item: _ } => {
                check(plan::is_section(section), "section")?;
                check_text(text, PlanLimits::TEXT_MAX_BYTES)?;
                check(plan::is_item(text, details), "details")?;
                let bytes = details.values().map(size_bytes);
                let short = bytes.max().is_none_or(|max| max <= PlanLimits::DETAIL_MAX_BYTES);
                check(short, "details")?;
                check(why.len() <= CareLimits::WHY_MAX_BYTES, "reason")?;
                check_time(*written_at_ms)
            }
            SharedBody::Decision { at_ms, .. } | SharedBody::Opened { at_ms, .. } => {
                check_time(*at_ms)
            }
            SharedBody::Edits(edits) => check(edits.keeps_limits(), "changes of the plan"),
            SharedBody::Gone | SharedBody::Unreadable => Ok(()),
        }
    }
}

fn check_entry(entry: &SharedEntry) -> Result<(), InvalidRecord> {
    let kind_fits = (1..=Limits::SHORT_MAX_BYTES).contains(&entry.kind.len());
    check(kind_fits, "kind")?;
    check(entry.at.len() <= CareLimits::WHEN_MAX_BYTES, "time")?;
    check(entry.at.parse::<When>().is_ok(), "time")?;
    check_fields(&entry.fields)
}

fn check_fields(fields: &Fields) -> Result<(), InvalidRecord> {
    check(fields.len() <= Limits::FIELDS_MAX, "number of fields")?;
    for (name, value) in fields {
        check(is_field(name, value) && !RESERVED.contains(&name.as_str()), "fields")?;
    }
    match fields.get(RECORDED) {
        None => Ok(()),
        Some(Value::Str(text)) => check(text.parse::<Timestamp>().is_ok(), "recorded time"),
        Some(_) => check(false, "recorded time"),
    }
}

/// Whether a field has a name and a bounded value.
pub(super) fn is_field(name: &str, value: &Value) -> bool {
    is_field_name(name) && size_bytes(value) <= CareLimits::VALUE_MAX_BYTES
}

pub(super) fn size_bytes(value: &Value) -> usize {
    match value {
        Value::Str(text) => text.len(),
        Value::Json(json) => json.to_string().len(),
        _ => 0,
    }
}

fn check_text(text: &str, max: usize) -> Result<(), InvalidRecord> {
    check(!text.trim().is_empty() && text.len() <= max, "text")
}

fn check_time(at_ms: i64) -> Result<(), InvalidRecord> {
    check(is_time(at_ms), "time")
}

pub(super) fn is_time(at_ms: i64) -> bool {
    (0..=LAST_MS).contains(&at_ms)
}

const fn check(fits: bool, what: &'static str) -> Result<(), InvalidRecord> {
    if fits { Ok(()) } else { Err(InvalidRecord(what)) }
}
