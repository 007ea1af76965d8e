//! Entries in words.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use mainstay_core::journal::{
    Attendance, Channel, Codes, Company, ContactOutcome, ContactRole, EntryId, EpisodeState,
    Extent, Fields, GoalStatus, Intention, MeetingKind, PersonalLabel, Source, StageSign,
    UrgeOutcome, Value, When, field_word, kind_word,
};
use serde_json::Value as Json;

/// How many digits of an id are shown: the month's four and enough to tell entries apart.
const SHOWN_DIGITS: usize = 10;

/// Fields that the heading of an entry shows already.
const HEADING: [&str; 5] = ["kind", "at", "recorded", "source", "edited"];

pub(crate) fn kind(code: &str) -> &str {
    kind_word(code)
}

/// The beginning of an id, as a person would copy it.
pub(crate) fn short(id: &EntryId) -> String {
    let mut text = id.to_string();
    text.truncate(SHOWN_DIGITS);
    text
}

/// A time as exactly as it is known.
pub(crate) fn when(when: &When) -> String {
    let date = when.date().strftime("%A %-d %B %Y").to_string();
    match clock(when) {
        Some(clock) => format!("{date}, {clock}"),
        None => date,
    }
}

/// The part of a time below its date; `None` if only the day is known.
pub(crate) fn clock(when: &When) -> Option<String> {
    match when {
        When::Exact { at, place } => {
            Some(place.offset().to_datetime(*at).strftime("%H:%M").to_string())
        }
        When::Part { part, .. } => Some(part.code().to_owned()),
        When::Range { to, to_place, .. } => {
            let to = to_place.offset().to_datetime(*to);
            Some(format!("until {}", to.strftime("%-d %B %H:%M")))
        }
        _ => None,
    }
}

/// An instant of this device's clock, Unix milliseconds.
pub(crate) fn instant(ms: i64) -> String {
    let zoned = Timestamp::from_millisecond(ms).map(|at| at.to_zoned_datetime(TimeZone::system()));
    zoned.map_or_else(
        |_| "an unknown time".to_owned(),
        |at| at.strftime("%-d %B %Y %H:%M").to_string(),
    )
}

/// An instant for JSON, whole seconds in UTC.
pub(crate) fn instant_json(ms: Option<i64>) -> Json {
    let at = ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let whole = at.and_then(|at| at.round(Unit::Second).ok());
    whole.map_or(Json::Null, |at| at.to_string().into())
}

/// A number of entries.
pub(crate) fn entries(count: u64) -> String {
    match count {
        1 => "1 entry".to_owned(),
        _ => format!("{count} entries"),
    }
}

/// A number of bytes.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..=9_999 => format!("{count} bytes"),
        10_000..=9_999_999 => format!("{} kB", count / 1000),
        _ => format!("{} MB", count / 1_000_000),
    }
}

/// The fields of an entry that its heading does not show, each as "what it is: what it says".
pub(crate) fn facts(fields: &Fields) -> Vec<String> {
    let shown = fields.iter().filter(|(name, value)| {
        !HEADING.contains(&name.as_str()) && *name != "note" && **value != Value::Null
    });
    shown.map(|(name, field)| format!("{}: {}", field_word(name), value(name, field))).collect()
}

/// One field's value in words.
pub(crate) fn value(field: &str, value: &Value) -> String {
    match value {
        Value::Null => "not known".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Str(text) => code(field, text),
        Value::Json(Json::Array(list)) if list.is_empty() => "none".to_owned(),
        Value::Json(Json::Array(list)) => {
            let words = list.iter().map(|item| match item {
                Json::String(text) => code(field, text),
                other => other.to_string(),
            });
            words.collect::<Vec<_>>().join(", ")
        }
        Value::Json(json) => json.to_string(),
    }
}

/// The display word of a code; a person's own word stands as they wrote it.
fn code(field: &str, text: &str) -> String {
    let lists: &[&[(&str, &str)]] = match field {
        "outcome" => &[UrgeOutcome::CODES, ContactOutcome::CODES],
        "company" => &[Company::CODES],
        "intention" => &[Intention::CODES],
        "extent" => &[Extent::CODES],
        "state" => &[EpisodeState::CODES],
        "stage_signs" => &[StageSign::CODES],
        "goal_status" => &[GoalStatus::CODES],
        "personal_label" => &[PersonalLabel::CODES],
        "channel" => &[Channel::CODES],
        "role" => &[ContactRole::CODES],
        "meeting" => &[MeetingKind::CODES],
        "attendance" => &[Attendance::CODES],
        "source" => &[Source::CODES],
        "at" | "ended" => return text.parse().map_or(text.to_owned(), |at: When| when(&at)),
        _ => &[],
    };
    let known = lists.iter().copied().flatten().find(|(code, _)| *code == text);
    known.map_or(text, |(_, word)| word).to_owned()
}
