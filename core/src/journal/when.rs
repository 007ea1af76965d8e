//! When something happened, as exactly as the person knows.

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};

use super::{Month, Place};

/// A part of a civil day. The hours are ours, kept simple and without overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartOfDay {
    /// 00:00 to 06:00 of the named day.
    Night,
    /// 06:00 to 12:00.
    Morning,
    /// 12:00 to 18:00.
    Afternoon,
    /// 18:00 to 24:00.
    Evening,
}

impl PartOfDay {
    pub(super) const ALL: [(Self, &'static str); 4] = [
        (Self::Night, "night"),
        (Self::Morning, "morning"),
        (Self::Afternoon, "afternoon"),
        (Self::Evening, "evening"),
    ];

    /// The stable code: `night`, `morning`, `afternoon`, `evening`.
    #[must_use]
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(part, _)| *part == self).map_or("night", |(_, code)| code)
    }

    const fn first_hour(self) -> i8 {
        match self {
            Self::Night => 0,
            Self::Morning => 6,
            Self::Afternoon => 12,
            Self::Evening => 18,
        }
    }
}

/// A time as the person knows it: an instant, a day, a part of a day, or a range.
///
/// Each form carries the [`Place`] it was experienced at. Precision is the millisecond.
/// Its text forms are described at [`super::ParseWhenError`] and in `docs/ndjson.md`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// An exact instant.
    Exact {
        /// The instant.
        at: Timestamp,
        /// Where it was experienced.
        place: Place,
    },
    /// Some time on this civil day.
    Day {
        /// The civil date at `place`.
        date: Date,
        /// The offset at the start of that day.
        place: Place,
    },
    /// Some time in this part of a civil day.
    Part {
        /// The civil date at `place`.
        date: Date,
        /// Which part of it.
        part: PartOfDay,
        /// The offset at the start of that part.
        place: Place,
    },
    /// Between two instants, the first not after the second.
    Range {
        /// Not before this.
        from: Timestamp,
        /// The place of `from`.
        from_place: Place,
        /// Not after this.
        to: Timestamp,
        /// The place of `to`.
        to_place: Place,
    },
}

impl When {
    /// An exact instant in a zone; in UTC if the zone is unknown to the built-in data.
    /// Finer parts than a millisecond are dropped.
    #[must_use]
    pub fn exact(at: Timestamp, zone: &str) -> Self {
        let at = whole_millisecond(at);
        Self::Exact { at, place: Place::at(at, zone).unwrap_or(Place::UTC) }
    }

    /// A civil day in a zone; in UTC if the zone is unknown.
    #[must_use]
    pub fn day(date: Date, zone: &str) -> Self {
        let place = Place::at_civil(date.at(0, 0, 0, 0), zone).unwrap_or(Place::UTC);
        Self::Day { date, place }
    }

    /// A part of a civil day in a zone; in UTC if the zone is unknown.
    #[must_use]
    pub fn part(date: Date, part: PartOfDay, zone: &str) -> Self {
        let start = date.at(part.first_hour(), 0, 0, 0);
        Self::Part { date, part, place: Place::at_civil(start, zone).unwrap_or(Place::UTC) }
    }

    /// A range between two instants in one zone, put in order.
    #[must_use]
    pub fn range(a: Timestamp, b: Timestamp, zone: &str) -> Self {
        let (from, to) = (whole_millisecond(a.min(b)), whole_millisecond(a.max(b)));
        let place = |at| Place::at(at, zone).unwrap_or(Place::UTC);
        Self::Range { from, from_place: place(from), to, to_place: place(to) }
    }

    /// Milliseconds since 1970 UTC to sort by: the earliest instant, by recorded offsets only, so
    /// that every device sorts alike whatever zone data it has.
    #[must_use]
    pub fn sort_key_ms(&self) -> i64 {
        self.start_by(Place::instant).as_millisecond()
    }

    /// The chapter an entry of this time is created in.
    #[must_use]
    pub fn month(&self) -> Month {
        Month::of(self.start_by(Place::instant))
    }

    /// The earliest instant this can mean.
    #[must_use]
    pub fn earliest(&self) -> Timestamp {
        self.start_by(Place::instant_by_rule)
    }

    /// The latest instant this can mean: for a day or a part, its last millisecond.
    #[must_use]
    pub fn latest(&self) -> Timestamp {
        let latest = match self {
            Self::Exact { at, .. } => *at,
            Self::Range { to, .. } => *to,
            Self::Day { date, place } => before(place.instant_by_rule(next_midnight(*date))),
            Self::Part { date, part, place } => {
                let end = match part.first_hour() + 6 {
                    24 => next_midnight(*date),
                    hour => date.at(hour, 0, 0, 0),
                };
                before(place.instant_by_rule(end))
            }
        };
        // A day beyond the last instant that there is has no end of its own.
        latest.max(self.earliest())
    }

    /// The civil date it (first) happened on, where it happened.
    #[must_use]
    pub fn date(&self) -> Date {
        match self {
            Self::Exact { at, place } | Self::Range { from: at, from_place: place, .. } => {
                place.offset().to_datetime(*at).date()
            }
            Self::Day { date, .. } | Self::Part { date, .. } => *date,
        }
    }

    /// Where it (first) happened.
    #[must_use]
    pub const fn place(&self) -> &Place {
        match self {
            Self::Exact { place, .. }
            | Self::Day { place, .. }
            | Self::Part { place, .. }
            | Self::Range { from_place: place, .. } => place,
        }
    }

    /// Whether the instant is known.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        matches!(self, Self::Exact { .. })
    }

    fn start_by(&self, instant: impl Fn(&Place, DateTime) -> Timestamp) -> Timestamp {
        match self {
            Self::Exact { at, .. } | Self::Range { from: at, .. } => *at,
            Self::Day { date, place } => instant(place, date.at(0, 0, 0, 0)),
            Self::Part { date, part, place } => instant(place, date.at(part.first_hour(), 0, 0, 0)),
        }
    }
}

pub(super) fn whole_millisecond(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_nanosecond().div_euclid(1_000_000).try_into().unwrap_or(0))
        .unwrap_or(at)
}

pub(super) fn part_start(date: Date, part: PartOfDay) -> DateTime {
    date.at(part.first_hour(), 0, 0, 0)
}

fn next_midnight(date: Date) -> DateTime {
    date.tomorrow().unwrap_or(date).at(0, 0, 0, 0)
}

fn before(end: Timestamp) -> Timestamp {
    end.checked_sub(SignedDuration::from_millis(1)).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_day_with_a_clock_change_has_its_real_length() {
        let hours = |date: Date| {
            let day = When::day(date, "Europe/Berlin");
            (day.latest().as_millisecond() + 1 - day.earliest().as_millisecond()) / 3_600_000
        };
        assert_eq!(hours(jiff::civil::date(2026, 3, 28)), 24);
        assert_eq!(hours(jiff::civil::date(2026, 3, 29)), 23);
        assert_eq!(hours(jiff::civil::date(2026, 10, 25)), 25);
    }

    #[test]
    fn the_civil_date_is_the_one_where_it_happened() {
        let at: Timestamp = "2026-06-01T03:30:00Z".parse().unwrap();
        assert_eq!(When::exact(at, "America/New_York").date(), jiff::civil::date(2026, 5, 31));
        assert_eq!(When::exact(at, "Asia/Tokyo").date(), jiff::civil::date(2026, 6, 1));
    }

    #[test]
    fn a_part_of_a_day_lies_within_the_day() {
        let date = jiff::civil::date(2026, 10, 25);
        let day = When::day(date, "Europe/Berlin");
        let mut end = day.earliest().as_millisecond();
        for (part, _) in PartOfDay::ALL {
            let when = When::part(date, part, "Europe/Berlin");
            assert_eq!(when.earliest().as_millisecond(), end);
            assert_eq!(when.sort_key_ms(), end);
            end = when.latest().as_millisecond() + 1;
        }
        assert_eq!(end, day.latest().as_millisecond() + 1);
    }

    #[test]
    fn the_last_days_that_there_are_end_after_they_begin() {
        for text in ["9999-12-30", "9999-12-31 evening -12:00"] {
            let when: When = text.parse().unwrap();
            assert!(when.earliest() <= when.latest(), "{text}");
        }
    }

    #[test]
    fn the_chapter_is_the_month_in_utc() {
        let late: Timestamp = "2026-10-31T23:30:00Z".parse().unwrap();
        assert_eq!(When::exact(late, "Europe/Berlin").month().to_string(), "2026-10");
        let first = When::day(jiff::civil::date(2026, 11, 1), "Europe/Berlin");
        assert_eq!(first.month().to_string(), "2026-10");
    }
}
