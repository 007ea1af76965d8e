//! Which field of which kind holds what, and in what detail it may leave.

use serde_json::Value as Json;

use super::Detail;
use crate::journal::{
    Attendance, Channel, Codes, Company, ContactOutcome, ContactRole, EpisodeState, Extent,
    GoalStatus, Intention, MeetingKind, PersonalLabel, Place, StageSign, UrgeOutcome, Value, When,
};
use crate::plan::SITUATION_WORDS;

type Words = &'static [(&'static str, &'static str)];

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sort {
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// A code out of a list, or an own word.
    Code(Words),
    /// Several of them.
    Codes(Words),
    /// A time.
    Time,
    /// A text.
    Text,
}

/// What a field of a kind holds; `None` for what this version does not know.
pub(super) fn sort_of(kind: &str, field: &str) -> Option<Sort> {
    use Sort::{Code, Codes as List, Flag, Number, Text, Time};
    Some(match (kind, field) {
        ("check-in" | "urge" | "use" | "contact" | "meeting" | "note", "note") => Text,
        ("check-in", "mood" | "craving" | "stress" | "sleep_hours" | "sleep_quality") => Number,
        ("check-in", "day_difficulty") => Number,
        ("check-in", "hungry" | "angry" | "lonely" | "tired") => Flag,
        ("check-in", "signs") => List(&[]),
        ("urge", "intensity" | "intensity_after" | "duration_minutes") => Number,
        ("urge", "setting" | "thoughts") => Text,
        ("urge", "company") => Code(Company::CODES),
        ("urge" | "use", "triggers") => List(SITUATION_WORDS),
        ("urge", "coping") => List(&[]),
        ("urge", "outcome") => Code(UrgeOutcome::CODES),
        ("use", "extent_days" | "guilt" | "confidence") => Number,
        ("use", "all_or_nothing") => Flag,
        ("use", "substance" | "amount" | "after_thought" | "attribution") => Text,
        ("use", "ended") => Time,
        ("use", "state") => Code(EpisodeState::CODES),
        ("use", "intention") => Code(Intention::CODES),
        ("use", "extent") => Code(Extent::CODES),
        ("use", "stage_signs") => List(StageSign::CODES),
        ("use", "goal_status") => Code(GoalStatus::CODES),
        ("use", "personal_label") => Code(PersonalLabel::CODES),
        ("contact", "who") => Text,
        ("contact", "role") => Code(ContactRole::CODES),
        ("contact", "channel") => Code(Channel::CODES),
        ("contact", "outcome") => Code(ContactOutcome::CODES),
        ("meeting", "meeting") => Code(MeetingKind::CODES),
        ("meeting", "attendance") => Code(Attendance::CODES),
        ("meeting", "place") => Text,
        _ => return None,
    })
}

/// What of a value may leave in this detail. A value that is not of the field's form may be
/// anything, and does not leave.
pub(super) fn passing(sort: Sort, value: &Value, detail: Detail) -> Option<Value> {
    let least = match sort {
        Sort::Number | Sort::Flag => Detail::Numbers,
        Sort::Code(_) | Sort::Codes(_) | Sort::Time => Detail::Items,
        Sort::Text => Detail::Full,
    };
    if detail < least {
        return None;
    }
    let full = detail == Detail::Full;
    match (sort, value) {
        (Sort::Number, Value::Int(_) | Value::Float(_)) | (Sort::Flag, Value::Bool(_)) => {
            Some(value.clone())
        }
        (Sort::Code(codes), Value::Str(text)) => {
            (full || is_built_in(codes, text)).then(|| value.clone())
        }
        (Sort::Codes(codes), Value::Json(Json::Array(list))) => codes_passing(codes, list, full),
        (Sort::Time, Value::Str(text)) => {
            text.parse::<When>().ok().map(|when| Value::Str(when_text(&when, detail)))
        }
        (Sort::Text, Value::Str(_)) => Some(value.clone()),
        _ => None,
    }
}

/// An empty list says "none"; so a list of which nothing may leave is left out instead.
fn codes_passing(codes: Words, list: &[Json], full: bool) -> Option<Value> {
    let all: Option<Vec<&str>> = list.iter().map(Json::as_str).collect();
    let all = all?;
    let kept: Vec<Json> = all
        .iter()
        .filter(|code| full || is_built_in(codes, code))
        .map(|&code| code.into())
        .collect();
    (!kept.is_empty() || all.is_empty()).then_some(Value::Json(Json::Array(kept)))
}

fn is_built_in(codes: Words, text: &str) -> bool {
    codes.iter().any(|(code, _)| *code == text)
}

/// A time as it may leave: below [`Detail::Items`] the bare civil day, such as `2026-03-29`, which
/// reads as that day in UTC; then without the name of the zone; then as it is.
pub(super) fn when_text(when: &When, detail: Detail) -> String {
    match detail {
        Detail::Count | Detail::Numbers => when.date().to_string(),
        Detail::Items => without_zone(when.clone()).to_string(),
        Detail::Full => when.to_string(),
    }
}

fn without_zone(when: When) -> When {
    let bare = |place: Place| Place::new(place.offset().seconds(), None).unwrap_or(Place::UTC);
    match when {
        When::Exact { at, place } => When::Exact { at, place: bare(place) },
        When::Day { date, place } => When::Day { date, place: bare(place) },
        When::Part { date, part, place } => When::Part { date, part, place: bare(place) },
        When::Range { from, from_place, to, to_place } => {
            When::Range { from, from_place: bare(from_place), to, to_place: bare(to_place) }
        }
    }
}
