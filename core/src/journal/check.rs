//! Whether an entry keeps within its limits.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::{
    CheckIn, Codes, ContactAttempt, Entry, EntryBody, Limits, Meeting, Note, Urge, UseEpisode,
    Value, When,
};

/// A field outside its limits: which one, what is wrong, and what to do. Never its content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}` {problem}")]
pub struct Invalid {
    /// The field's name.
    pub field: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A number outside its range.
    #[error("is outside {min} to {max}; give a value in that range or leave it out")]
    Range {
        /// Smallest allowed.
        min: u32,
        /// Largest allowed.
        max: u32,
    },
    /// A text too long.
    #[error("is longer than {max} bytes; shorten it or put the rest in another entry")]
    TooLong {
        /// Most bytes allowed.
        max: usize,
    },
    /// A list too long.
    #[error("has more than {max} elements; keep the most important ones")]
    TooMany {
        /// Most elements allowed.
        max: usize,
    },
    /// A time outside 1900–2200.
    #[error("lies outside the years 1900 to 2200; check the date")]
    Year,
    /// An end before its start.
    #[error("lies before the entry's own time; check both")]
    EndsBeforeStart,
    /// A field's name with other characters than a–z, 0–9 and _.
    #[error("is no name for a field; use a-z, 0-9 and _, beginning with a letter, up to 48")]
    Name,
    /// Too many fields.
    #[error("is one too many: an entry has at most {max} fields")]
    TooManyFields {
        /// Most fields allowed.
        max: usize,
    },
}

impl Entry {
    /// Checks every limit.
    ///
    /// # Errors
    /// The first [`Invalid`] field found.
    pub fn validate(&self) -> Result<(), Invalid> {
        check_when("at", &self.when)?;
        check_instant("recorded", self.recorded_at)?;
        short("author", Some(&self.author.to_string()))?;
        short("source", Some(self.source.code()))?;
        short("kind", Some(self.body.kind()))?;
        self.check_body()?;
        self.check_extra()
    }

    fn check_body(&self) -> Result<(), Invalid> {
        match &self.body {
            EntryBody::CheckIn(body) => check_in(body),
            EntryBody::Urge(body) => urge(body),
            EntryBody::UseEpisode(body) => use_episode(body, &self.when),
            EntryBody::ContactAttempt(body) => contact(body),
            EntryBody::Meeting(body) => meeting(body),
            EntryBody::Note(Note { note }) => long("note", note.as_deref(), Limits::NOTE_MAX_BYTES),
            EntryBody::Other(_) => Ok(()),
        }
    }

    fn check_extra(&self) -> Result<(), Invalid> {
        if self.to_fields().len() > Limits::FIELDS_MAX {
            let field = self.extra.keys().next_back().cloned().unwrap_or_default();
            return Err(Invalid {
                field,
                problem: Problem::TooManyFields { max: Limits::FIELDS_MAX },
            });
        }
        for (name, value) in &self.extra {
            if !is_field_name(name) {
                return fail(&shown_name(name), Problem::Name);
            }
            let size = match value {
                Value::Str(text) => text.len(),
                Value::Json(json) => json.to_string().len(),
                _ => 0,
            };
            if size > Limits::NOTE_MAX_BYTES {
                return fail(name, Problem::TooLong { max: Limits::NOTE_MAX_BYTES });
            }
        }
        Ok(())
    }
}

/// Whether a name may stand for a field.
pub(crate) fn is_field_name(name: &str) -> bool {
    name.len() <= Limits::FIELD_NAME_MAX_BYTES
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// A bad name may be anything: what cannot stand in a name is not repeated.
fn shown_name(name: &str) -> String {
    let shown = |c: char| if c.is_ascii_alphanumeric() { c } else { '?' };
    name.chars().take(Limits::FIELD_NAME_MAX_BYTES).map(shown).collect()
}

fn check_in(body: &CheckIn) -> Result<(), Invalid> {
    scale("mood", body.mood)?;
    scale("craving", body.craving)?;
    scale("stress", body.stress)?;
    scale("sleep_quality", body.sleep_quality)?;
    if body.sleep_hours.is_some_and(|hours| !(0.0..=Limits::SLEEP_HOURS_MAX).contains(&hours)) {
        return fail("sleep_hours", Problem::Range { min: 0, max: 24 });
    }
    number("day_difficulty", body.day_difficulty, 1, Limits::DIFFICULTY_MAX)?;
    list("signs", body.signs.as_deref())?;
    long("note", body.note.as_deref(), Limits::NOTE_MAX_BYTES)
}

fn urge(body: &Urge) -> Result<(), Invalid> {
    number("intensity", body.intensity, 0, Limits::INTENSITY_MAX)?;
    number("intensity_after", body.intensity_after, 0, Limits::INTENSITY_MAX)?;
    number("duration_minutes", body.duration_minutes, 0, Limits::DURATION_MAX_MINUTES)?;
    short("setting", body.setting.as_deref())?;
    short("company", body.company.as_ref().map(Codes::code))?;
    short("outcome", body.outcome.as_ref().map(Codes::code))?;
    list("triggers", body.triggers.as_deref())?;
    list("coping", body.coping.as_deref())?;
    long("thoughts", body.thoughts.as_deref(), Limits::TEXT_MAX_BYTES)?;
    long("note", body.note.as_deref(), Limits::NOTE_MAX_BYTES)
}

fn use_episode(body: &UseEpisode, started: &When) -> Result<(), Invalid> {
    if let Some(ended) = &body.ended {
        check_when("ended", ended)?;
        // Both may be approximate: only an end that cannot be after the start is wrong.
        if ended.latest() < started.earliest() {
            return fail("ended", Problem::EndsBeforeStart);
        }
    }
    number("extent_days", body.extent_days, 1, Limits::EXTENT_MAX_DAYS)?;
    scale("guilt", body.guilt)?;
    scale("confidence", body.confidence)?;
    short("substance", body.substance.as_deref())?;
    short("amount", body.amount.as_deref())?;
    short("state", body.state.as_ref().map(Codes::code))?;
    short("intention", body.intention.as_ref().map(Codes::code))?;
    short("extent", body.extent.as_ref().map(Codes::code))?;
    short("goal_status", body.goal_status.as_ref().map(Codes::code))?;
    short("personal_label", body.personal_label.as_ref().map(Codes::code))?;
    list("triggers", body.triggers.as_deref())?;
    let signs: Option<Vec<_>> =
        body.stage_signs.as_ref().map(|signs| signs.iter().map(|s| s.code().to_owned()).collect());
    list("stage_signs", signs.as_deref())?;
    long("after_thought", body.after_thought.as_deref(), Limits::TEXT_MAX_BYTES)?;
    long("attribution", body.attribution.as_deref(), Limits::TEXT_MAX_BYTES)?;
    long("note", body.note.as_deref(), Limits::NOTE_MAX_BYTES)
}

fn contact(body: &ContactAttempt) -> Result<(), Invalid> {
    short("who", body.who.as_deref())?;
    short("role", body.role.as_ref().map(Codes::code))?;
    short("channel", body.channel.as_ref().map(Codes::code))?;
    short("outcome", body.outcome.as_ref().map(Codes::code))?;
    long("note", body.note.as_deref(), Limits::NOTE_MAX_BYTES)
}

fn meeting(body: &Meeting) -> Result<(), Invalid> {
    short("meeting", body.meeting.as_ref().map(Codes::code))?;
    short("attendance", body.attendance.as_ref().map(Codes::code))?;
    short("place", body.place.as_deref())?;
    long("note", body.note.as_deref(), Limits::NOTE_MAX_BYTES)
}

fn check_when(field: &str, when: &When) -> Result<(), Invalid> {
    check_instant(field, when.earliest())?;
    check_instant(field, when.latest())
}

fn check_instant(field: &str, at: Timestamp) -> Result<(), Invalid> {
    let year = Offset::UTC.to_datetime(at).year();
    if (Limits::YEAR_MIN..=Limits::YEAR_MAX).contains(&year) {
        Ok(())
    } else {
        fail(field, Problem::Year)
    }
}

fn scale(field: &str, value: Option<u8>) -> Result<(), Invalid> {
    number(field, value, 0, Limits::SCALE_MAX)
}

fn number<N: Into<u32>>(field: &str, value: Option<N>, min: N, max: N) -> Result<(), Invalid> {
    let (min, max) = (min.into(), max.into());
    match value.map(Into::into) {
        Some(value) if !(min..=max).contains(&value) => fail(field, Problem::Range { min, max }),
        _ => Ok(()),
    }
}

fn short(field: &str, text: Option<&str>) -> Result<(), Invalid> {
    long(field, text, Limits::SHORT_MAX_BYTES)
}

fn long(field: &str, text: Option<&str>, max: usize) -> Result<(), Invalid> {
    if text.is_some_and(|text| text.len() > max) {
        fail(field, Problem::TooLong { max })
    } else {
        Ok(())
    }
}

fn list(field: &str, list: Option<&[String]>) -> Result<(), Invalid> {
    let list = list.unwrap_or(&[]);
    if list.len() > Limits::LIST_MAX {
        return fail(field, Problem::TooMany { max: Limits::LIST_MAX });
    }
    list.iter().try_for_each(|item| short(field, Some(item)))
}

fn fail(field: &str, problem: Problem) -> Result<(), Invalid> {
    Err(Invalid { field: field.to_owned(), problem })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::journal::EntryId;

    fn entry(body: EntryBody) -> Entry {
        let at: Timestamp = "2026-03-29T01:00:00Z".parse().unwrap();
        Entry::typed(EntryId::from_bytes([1; 16]), body, When::exact(at, "Europe/Berlin"), at)
    }

    fn field_of(body: EntryBody) -> String {
        entry(body).validate().unwrap_err().field
    }

    #[test]
    fn a_value_at_its_limit_passes_and_one_beyond_is_named() {
        let mood = |mood| EntryBody::CheckIn(CheckIn { mood: Some(mood), ..Default::default() });
        assert_eq!(entry(mood(10)).validate(), Ok(()));
        assert_eq!(field_of(mood(11)), "mood");
        let note = |n| EntryBody::Note(Note { note: Some("x".repeat(n)) });
        assert_eq!(entry(note(Limits::NOTE_MAX_BYTES)).validate(), Ok(()));
        assert_eq!(field_of(note(Limits::NOTE_MAX_BYTES + 1)), "note");
        let slept =
            |hours| EntryBody::CheckIn(CheckIn { sleep_hours: Some(hours), ..Default::default() });
        assert_eq!(field_of(slept(f64::NAN)), "sleep_hours");
        let many = vec![String::new(); Limits::LIST_MAX + 1];
        assert_eq!(
            field_of(EntryBody::Urge(Urge { coping: Some(many), ..Default::default() })),
            "coping"
        );
    }

    #[test]
    fn an_episode_cannot_end_before_it_began_but_may_end_the_same_unsure_day() {
        let ended = |text: &str| {
            let ended = Some(text.parse().unwrap());
            entry(EntryBody::UseEpisode(UseEpisode { ended, ..Default::default() })).validate()
        };
        assert_eq!(
            ended("2026-03-28 +01:00[Europe/Berlin]").unwrap_err().problem,
            Problem::EndsBeforeStart
        );
        assert_eq!(ended("2026-03-29 +01:00[Europe/Berlin]"), Ok(()));
    }

    #[test]
    fn an_unknown_field_keeps_the_rules_of_names() {
        let mut entry = entry(EntryBody::Other("dream".into()));
        entry.extra.insert("depth_2".into(), Value::Int(3));
        assert_eq!(entry.validate(), Ok(()));
        entry.extra.insert("~deleted".into(), Value::Int(3));
        assert_eq!(entry.validate().unwrap_err().problem, Problem::Name);
    }

    #[test]
    fn a_year_out_of_reach_is_refused() {
        let mut entry = entry(EntryBody::Note(Note::default()));
        entry.when = "1899-12-30".parse().unwrap();
        assert_eq!(entry.validate().unwrap_err().problem, Problem::Year);
    }
}
