//! How a [`When`] is written and read.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::when::{part_start, whole_millisecond};
use super::{PartOfDay, Place, When};

/// A text that is no time. The forms are:
///
/// | form | written |
/// |---|---|
/// | exact | `2026-03-29T09:30:00+02:00[Europe/Berlin]` (RFC 9557; the zone may be missing; `Z` is read) |
/// | day | `2026-03-29 +01:00[Europe/Berlin]` |
/// | part of a day | `2026-03-29 evening +02:00[Europe/Berlin]` |
/// | range | `2026-03-27T18:00:00+01:00/2026-03-29T12:00:00+02:00[Europe/Berlin]` |
///
/// When reading a day or a part, the offset may be missing if the zone is known (it then follows
/// from the zone), and both may be missing (UTC).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a time; write 2026-03-29T09:30:00+02:00[Europe/Berlin], 2026-03-29, \
     2026-03-29 evening +02:00[Europe/Berlin], or two exact times with / between"
)]
pub struct ParseWhenError;

/// No form is longer: two exact times and a zone name.
const MAX_LEN: usize = 128;

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact { at, place } => {
                write_exact(*at, place, f)?;
                write_zone(place, f)
            }
            Self::Day { date, place } => {
                write!(f, "{date} ")?;
                write_offset(place.offset(), f)?;
                write_zone(place, f)
            }
            Self::Part { date, part, place } => {
                write!(f, "{date} {} ", part.code())?;
                write_offset(place.offset(), f)?;
                write_zone(place, f)
            }
            Self::Range { from, from_place, to, to_place } => {
                write_exact(*from, from_place, f)?;
                if from_place.zone() != to_place.zone() {
                    write_zone(from_place, f)?;
                }
                write!(f, "/")?;
                write_exact(*to, to_place, f)?;
                write_zone(to_place, f)
            }
        }
    }
}

fn write_exact(at: Timestamp, place: &Place, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let civil = place.offset().to_datetime(at);
    let (date, time) = (civil.date(), civil.time());
    write!(f, "{date}T{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())?;
    if time.millisecond() != 0 {
        write!(f, ".{:03}", time.millisecond())?;
    }
    write_offset(place.offset(), f)
}

fn write_offset(offset: Offset, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

fn write_zone(place: &Place, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    place.zone().map_or(Ok(()), |zone| write!(f, "[{zone}]"))
}

impl FromStr for When {
    type Err = ParseWhenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_LEN || !text.is_ascii() {
            return Err(ParseWhenError);
        }
        parse(text).ok_or(ParseWhenError)
    }
}

fn parse(text: &str) -> Option<When> {
    if let Some((from, to)) = split_range(text) {
        let (to, to_zone) = split_zone(to)?;
        let (from, from_zone) = split_zone(from)?;
        let (from, from_place) = exact(from, from_zone.or(to_zone))?;
        let (to, to_place) = exact(to, to_zone)?;
        return (from <= to).then_some(When::Range { from, from_place, to, to_place });
    }
    let (rest, zone) = split_zone(text)?;
    if rest.contains('T') {
        let (at, place) = exact(rest, zone)?;
        return Some(When::Exact { at, place });
    }
    let mut words = rest.split(' ').peekable();
    let date = civil_date(words.next()?)?;
    let part = words
        .peek()
        .and_then(|word| PartOfDay::ALL.iter().find(|(_, code)| code == word))
        .map(|(part, _)| *part);
    if part.is_some() {
        words.next();
    }
    let offset = words.next();
    if words.next().is_some() {
        return None;
    }
    let start = part.map_or(date.at(0, 0, 0, 0), |part| part_start(date, part));
    let place = approximate_place(start, offset, zone)?;
    Some(match part {
        Some(part) => When::Part { date, part, place },
        None => When::Day { date, place },
    })
}

/// The first `/` outside brackets separates a range; a zone name holds slashes too.
fn split_range(text: &str) -> Option<(&str, &str)> {
    let mut inside = false;
    let at = text.bytes().position(|byte| {
        inside = (inside || byte == b'[') && byte != b']';
        byte == b'/' && !inside
    })?;
    Some((&text[..at], &text[at + 1..]))
}

fn split_zone(text: &str) -> Option<(&str, Option<&str>)> {
    match text.split_once('[') {
        None => Some((text, None)),
        Some((rest, zone)) => Some((rest, Some(zone.strip_suffix(']')?))),
    }
}

fn exact(text: &str, zone: Option<&str>) -> Option<(Timestamp, Place)> {
    let (civil, offset) = match text.strip_suffix('Z') {
        Some(civil) => (civil, 0),
        None => {
            let at = text.len().checked_sub(6)?;
            (text.get(..at)?, offset_seconds(text.get(at..)?)?)
        }
    };
    civil_date(civil.get(..10)?)?;
    let civil: DateTime = civil.parse().ok()?;
    let place = Place::new(offset, zone)?;
    let at = place.offset().to_timestamp(civil).ok()?;
    // A zone with `Z` means: the instant is known, the offset follows from the zone.
    let place = match zone {
        Some(zone) if text.ends_with('Z') => Place::at(at, zone).unwrap_or(place),
        _ => place,
    };
    Some((whole_millisecond(at), place))
}

fn approximate_place(start: DateTime, offset: Option<&str>, zone: Option<&str>) -> Option<Place> {
    match (offset, zone) {
        (Some(offset), _) => Place::new(offset_seconds(offset)?, zone),
        (None, Some(zone)) => Place::at_civil(start, zone),
        (None, None) => Some(Place::UTC),
    }
}

fn civil_date(text: &str) -> Option<Date> {
    let shape = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    shape.then(|| text.parse().ok()).flatten()
}

/// `+02:00` in seconds.
fn offset_seconds(text: &str) -> Option<i32> {
    let sign = match text.as_bytes() {
        [b'+', _, _, b':', _, _] => 1,
        [b'-', _, _, b':', _, _] => -1,
        _ => return None,
    };
    let two = |at: usize| {
        let digits = text.get(at..at + 2)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<i32>().ok()).flatten()
    };
    let (hours, minutes) = (two(1)?, two(4)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes) * 60)
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_prints_what_it_read() {
        for text in [
            "2026-03-29T09:30:00+02:00[Europe/Berlin]",
            "2026-03-29T09:30:00.120+02:00",
            "2026-03-29 +01:00[Europe/Berlin]",
            "2026-03-29 evening +02:00[Europe/Berlin]",
            "2026-03-29 night -05:00",
            "2026-03-27T18:00:00+01:00/2026-03-29T12:00:00+02:00[Europe/Berlin]",
            "2026-03-27T18:00:00+01:00[Europe/Berlin]/2026-03-29T12:00:00+09:00[Asia/Tokyo]",
        ] {
            assert_eq!(text.parse::<When>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_missing_offset_follows_from_the_zone_and_a_missing_zone_means_utc() {
        let read = |text: &str| text.parse::<When>().unwrap().to_string();
        assert_eq!(read("2026-07-01[Europe/Berlin]"), "2026-07-01 +02:00[Europe/Berlin]");
        assert_eq!(read("2026-07-01 morning[Asia/Tokyo]"), "2026-07-01 morning +09:00[Asia/Tokyo]");
        assert_eq!(read("2026-07-01"), "2026-07-01 +00:00");
        assert_eq!(
            read("2026-07-01T10:00:00Z[Europe/Berlin]"),
            "2026-07-01T12:00:00+02:00[Europe/Berlin]"
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-02-30",
            "2026-03-29T09:30:00",
            "2026-03-29 dusk",
            "2026-03-29T09:30:00+02:00[",
            "2026-03-29T12:00:00Z/2026-03-28T12:00:00Z",
            "2026-03-29 evening +02:00 x",
            "+002026-03-29",
            "2026-03-29T09:30:00+25:00",
        ] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_any_text_never_panics(text in "\\PC{0,60}") {
            let _ = text.parse::<When>();
        }

        #[test]
        fn any_instant_in_any_of_three_zones_reads_back(
            ms in -2_000_000_000_000i64..7_000_000_000_000,
            zone in prop_oneof![Just("Europe/Berlin"), Just("America/New_York"), Just("Asia/Tokyo")],
        ) {
            let when = When::exact(Timestamp::from_millisecond(ms).unwrap(), zone);
            prop_assert_eq!(when.to_string().parse::<When>().unwrap(), when);
        }
    }
}
