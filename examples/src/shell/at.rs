//! Times as people write them.

use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use mainstay_core::journal::{PartOfDay, Place, When};

use super::args::SpanArgs;
use super::failure::Failure;

/// What a time may look like.
pub(crate) const FORMS: &str = "\
A time is written as exactly as it is known, in quotes if it has a space:
  now, \"20 minutes ago\", \"2 hours ago\"
  09:30 (today), \"yesterday 21:15\", \"2026-03-29 09:30\"
  today, yesterday, \"3 days ago\", 2026-03-29      some time on that day
  \"this morning\", \"yesterday evening\", \"2026-03-29 night\"
                    night is 0 to 6, morning to 12, afternoon to 18, evening to 24
  \"last night\"      some time between 18:00 yesterday and 6:00 today
  \"2026-03-27 18:00..yesterday\"                 some time from .. to
  2026-03-29T09:30:00+02:00                      with the difference to UTC, for programs";

/// Now and here: what times are relative to.
pub(crate) struct Clock {
    now: Timestamp,
    zone: TimeZone,
    name: String,
}

impl Clock {
    /// The system's time, in a zone or else the system's.
    pub(crate) fn new(zone: Option<&str>) -> Result<Self, Failure> {
        Self::at(Timestamp::now(), zone)
    }

    fn at(now: Timestamp, zone: Option<&str>) -> Result<Self, Failure> {
        let system = || TimeZone::system().iana_name().unwrap_or("UTC").to_owned();
        let name = zone.map_or_else(system, str::to_owned);
        let known = Place::at(now, &name).and_then(|_| TimeZone::get(&name).ok());
        match known {
            Some(zone) => Ok(Self { now, zone, name }),
            None if zone.is_none() => Self::at(now, Some("UTC")),
            None => Err(Failure::usage(format!(
                "{name:?} is no time zone; give a name such as Europe/Berlin"
            ))),
        }
    }

    pub(crate) fn now(&self) -> When {
        When::exact(self.now, &self.name)
    }

    /// Unix milliseconds.
    pub(crate) fn now_ms(&self) -> i64 {
        self.now.as_millisecond()
    }

    /// The first and the last millisecond that was asked for.
    pub(crate) fn window(&self, span: &SpanArgs) -> Result<(i64, i64), Failure> {
        if let Some(last) = span.last {
            let ms = i64::try_from(last.as_millis()).unwrap_or(i64::MAX);
            return Ok((self.now_ms().saturating_sub(ms), self.end_of_today()));
        }
        let read = |text: &Option<String>| text.as_deref().map(|text| self.read(text)).transpose();
        let from_ms = read(&span.from)?.map_or(i64::MIN, |from| from.earliest().as_millisecond());
        let to_ms = read(&span.to)?.map_or(i64::MAX, |to| to.latest().as_millisecond());
        match from_ms <= to_ms {
            true => Ok((from_ms, to_ms)),
            false => Err(Failure::usage("--from lies after --to; exchange them")),
        }
    }

    /// The last millisecond of today.
    pub(crate) fn end_of_today(&self) -> i64 {
        When::day(self.today(), &self.name).latest().as_millisecond()
    }

    /// Reads a time.
    pub(crate) fn read(&self, text: &str) -> Result<When, Failure> {
        let wrong = || Failure::usage(format!("{text:?} is no time.\n{FORMS}"));
        self.parse(text.trim()).ok_or_else(wrong)
    }

    fn parse(&self, text: &str) -> Option<When> {
        if let Some((from, to)) = text.split_once("..") {
            let (from, to) = (self.point(from.trim())?, self.point(to.trim())?);
            let (from, to) = (from.earliest(), to.latest());
            return (from <= to).then(|| When::range(from, to, &self.name));
        }
        // The journal's own forms; but a bare date means a day here, not a day in UTC.
        let own = text.parse::<When>().ok();
        match own {
            Some(when) if when.is_exact() || text.contains(['[', '/', '+']) => Some(when),
            _ => self.point(text),
        }
    }

    /// Anything but a range.
    fn point(&self, text: &str) -> Option<When> {
        if let Some(exact) = text.parse::<When>().ok().filter(When::is_exact) {
            return Some(exact);
        }
        let text = text.to_ascii_lowercase();
        match text.as_str() {
            "now" => return Some(self.now()),
            "last night" => return self.last_night(),
            text => {
                if let Some(at) = self.a_while_ago(text) {
                    return Some(When::exact(at, &self.name));
                }
            }
        }
        let text = text.as_str();
        if let Some(time) = clock_time(text) {
            return self.exact(self.today().to_datetime(time));
        }
        let (date, rest) = self.date(text)?;
        if rest.is_empty() {
            return Some(When::day(date, &self.name));
        }
        if let Some(part) = part_of_day(rest) {
            return Some(When::part(date, part, &self.name));
        }
        self.exact(date.to_datetime(clock_time(rest)?))
    }

    /// The date that a text begins with, and what follows it.
    fn date<'a>(&self, text: &'a str) -> Option<(Date, &'a str)> {
        let relative = [("today", 0), ("yesterday", 1), ("this ", 0)];
        for (word, days) in relative {
            if let Some(rest) = text.strip_prefix(word) {
                return Some((self.days_ago(days)?, rest.trim_start()));
            }
        }
        let days = text.split_once(" days ago").or_else(|| text.split_once(" day ago"));
        if let Some((count, rest)) = days {
            return Some((self.days_ago(count.parse().ok()?)?, rest.trim_start()));
        }
        let date: Date = text.get(..10)?.parse().ok()?;
        let rest = text.get(10..)?;
        Some((date, rest.strip_prefix(['t', ' ']).unwrap_or(rest).trim_start()))
    }

    /// `20 minutes ago`, `2 hours ago`.
    fn a_while_ago(&self, text: &str) -> Option<Timestamp> {
        let (count, unit) = text.strip_suffix(" ago")?.split_once(' ')?;
        let each: u32 = match unit.trim_end_matches('s') {
            "minute" => 1,
            "hour" => 60,
            _ => return None,
        };
        let minutes = count.parse::<u32>().ok()?.checked_mul(each)?;
        self.now.checked_sub(Duration::from_secs(60 * u64::from(minutes))).ok()
    }

    /// Between the evening before and this morning: people mean both sides of midnight.
    fn last_night(&self) -> Option<When> {
        let from = When::part(self.days_ago(1)?, PartOfDay::Evening, &self.name).earliest();
        let to = When::part(self.today(), PartOfDay::Night, &self.name).latest();
        Some(When::range(from, to.min(self.now), &self.name))
    }

    fn today(&self) -> Date {
        self.now.to_zoned_datetime(self.zone.clone()).date()
    }

    fn days_ago(&self, days: u16) -> Option<Date> {
        self.today().checked_sub(i32::from(days).days()).ok()
    }

    /// A civil time: in a gap the later instant, in an overlap the earlier.
    fn exact(&self, civil: DateTime) -> Option<When> {
        let at = self.zone.to_ambiguous_timestamp(civil).compatible().ok()?;
        Some(When::exact(at, &self.name))
    }
}

/// `9:30`, `09:30` or `09:30:15`. (jiff would also take the time out of a longer text.)
fn clock_time(text: &str) -> Option<Time> {
    if text.len() == 4 {
        return clock_time(&format!("0{text}"));
    }
    let shape = matches!(text.len(), 5 | 8) && text.as_bytes().get(2) == Some(&b':');
    shape.then(|| text.parse().ok()).flatten()
}

fn part_of_day(word: &str) -> Option<PartOfDay> {
    [PartOfDay::Night, PartOfDay::Morning, PartOfDay::Afternoon, PartOfDay::Evening]
        .into_iter()
        .find(|part| part.code() == word)
}

/// Reads a span such as `2s`, `500ms`, `10m`, `12h`, `30d`, `4w`.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no span of time; write 500ms, 2s, 10m, 12h, 30d or 4w");
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (count, unit) = text.split_at(digits);
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 3600 * 1000,
        "d" => 24 * 3600 * 1000,
        "w" => 7 * 24 * 3600 * 1000,
        _ => return Err(wrong()),
    };
    let count: u64 = count.parse().map_err(|_| wrong())?;
    count.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> String {
        let now = "2026-03-29T10:00:00Z".parse().unwrap();
        let clock = Clock::at(now, Some("Europe/Berlin")).unwrap();
        clock.read(text).map_or_else(|_| "no time".to_owned(), |when| when.to_string())
    }

    #[test]
    fn a_time_reads_as_people_write_it() {
        for (text, means) in [
            ("now", "2026-03-29T12:00:00+02:00[Europe/Berlin]"),
            ("2026-07-01T10:00:00+09:00", "2026-07-01T10:00:00+09:00"),
            ("2026-07-01T10:00:00Z", "2026-07-01T10:00:00+00:00"),
            ("2026-07-01 10:00", "2026-07-01T10:00:00+02:00[Europe/Berlin]"),
            ("2026-07-01T10:00", "2026-07-01T10:00:00+02:00[Europe/Berlin]"),
            ("2026-07-01", "2026-07-01 +02:00[Europe/Berlin]"),
            ("2026-07-01 evening", "2026-07-01 evening +02:00[Europe/Berlin]"),
            ("yesterday", "2026-03-28 +01:00[Europe/Berlin]"),
            ("yesterday evening", "2026-03-28 evening +01:00[Europe/Berlin]"),
            ("3 days ago", "2026-03-26 +01:00[Europe/Berlin]"),
            ("today 08:15", "2026-03-29T08:15:00+02:00[Europe/Berlin]"),
            ("08:15", "2026-03-29T08:15:00+02:00[Europe/Berlin]"),
            ("8:15", "2026-03-29T08:15:00+02:00[Europe/Berlin]"),
            ("Yesterday Evening", "2026-03-28 evening +01:00[Europe/Berlin]"),
            ("this morning", "2026-03-29 morning +02:00[Europe/Berlin]"),
            ("1 day ago", "2026-03-28 +01:00[Europe/Berlin]"),
            ("90 minutes ago", "2026-03-29T10:30:00+02:00[Europe/Berlin]"),
            ("1 hour ago", "2026-03-29T11:00:00+02:00[Europe/Berlin]"),
            (
                "last night",
                "2026-03-28T18:00:00+01:00/2026-03-29T05:59:59.999+02:00[Europe/Berlin]",
            ),
            (
                "2026-03-27 18:00..yesterday",
                "2026-03-27T18:00:00+01:00/2026-03-28T23:59:59.999+01:00[Europe/Berlin]",
            ),
            (
                "2026-03-27T18:00:00Z/2026-03-27T19:00:00Z",
                "2026-03-27T18:00:00+00:00/2026-03-27T19:00:00+00:00",
            ),
        ] {
            assert_eq!(read(text), means, "{text}");
        }
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_the_one_an_hour_later() {
        assert_eq!(read("2026-03-29 02:30"), "2026-03-29T03:30:00+02:00[Europe/Berlin]");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "soon",
            "2026-02-30",
            "2026-07-01 dusk",
            "25:00",
            "2026-07-02..2026-07-01",
            "x ago",
            "2 moons ago",
            "9999999999 hours ago",
            "this",
        ] {
            assert_eq!(read(text), "no time", "{text}");
        }
    }

    #[test]
    fn a_span_has_a_number_and_a_unit() {
        assert_eq!(span("30d"), Ok(Duration::from_secs(30 * 24 * 3600)));
        assert_eq!(span("2s"), Ok(Duration::from_secs(2)));
        for text in ["", "d", "30", "30 days", "-1d", "99999999999999999999d"] {
            assert!(span(text).is_err(), "{text}");
        }
    }
}
