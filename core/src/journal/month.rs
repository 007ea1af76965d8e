//! A calendar month in UTC: the chapter an entry belongs to.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

/// A calendar month (UTC), counted from January 1970, which is month 0.
///
/// Times before 1970 and after June 7431 are clamped to the first and last month that fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(u16);

const EPOCH_YEAR: i32 = 1970;

impl Month {
    /// The month with this number of months since January 1970.
    #[must_use]
    pub const fn from_index(index: u16) -> Self {
        Self(index)
    }

    /// Months since January 1970.
    #[must_use]
    pub const fn index(self) -> u16 {
        self.0
    }

    /// The UTC month an instant falls in.
    #[must_use]
    pub fn of(instant: Timestamp) -> Self {
        let date = Offset::UTC.to_datetime(instant).date();
        let months = (i32::from(date.year()) - EPOCH_YEAR) * 12 + i32::from(date.month()) - 1;
        Self(u16::try_from(months.max(0)).unwrap_or(u16::MAX))
    }

    /// The following month (the last one follows itself).
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The month before (the first one precedes itself).
    #[must_use]
    pub const fn prev(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// First instant of the month, and first instant of the next one (exclusive), in UTC.
    #[must_use]
    pub fn bounds(self) -> (Timestamp, Timestamp) {
        (self.start(), self.next().start())
    }

    fn start(self) -> Timestamp {
        Date::new(self.year(), self.number(), 1)
            .ok()
            .and_then(|date| Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok())
            .unwrap_or(Timestamp::MAX)
    }

    fn year(self) -> i16 {
        i16::try_from(EPOCH_YEAR + i32::from(self.0) / 12).unwrap_or(i16::MAX)
    }

    fn number(self) -> i8 {
        i8::try_from(self.0 % 12 + 1).unwrap_or(1)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.number())
    }
}

/// A text that is no month. Write it as `2026-11`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a month between 1970-01 and 7431-04; write it as 2026-11")]
pub struct ParseMonthError;

impl FromStr for Month {
    type Err = ParseMonthError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (year, month) = text.split_once('-').ok_or(ParseMonthError)?;
        if year.len() != 4
            || month.len() != 2
            || !text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
        {
            return Err(ParseMonthError);
        }
        let year: i32 = year.parse().map_err(|_| ParseMonthError)?;
        let month: i32 = month.parse().map_err(|_| ParseMonthError)?;
        if !(1..=12).contains(&month) {
            return Err(ParseMonthError);
        }
        u16::try_from((year - EPOCH_YEAR) * 12 + month - 1).map(Self).map_err(|_| ParseMonthError)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_month_reads_back_what_it_prints() {
        for index in [0, 1, 11, 12, 682, 40_000, u16::MAX] {
            let month = Month(index);
            assert_eq!(month.to_string().parse::<Month>(), Ok(month));
        }
        assert!("2026-13".parse::<Month>().is_err());
        assert!("1969-12".parse::<Month>().is_err());
        assert!("2026-+1".parse::<Month>().is_err());
    }

    #[test]
    fn the_last_millisecond_of_a_month_still_belongs_to_it() {
        let november: Month = "2026-11".parse().unwrap();
        let (from, to) = november.bounds();
        assert_eq!(from.to_string(), "2026-11-01T00:00:00Z");
        assert_eq!(Month::of(from), november);
        assert_eq!(
            Month::of(Timestamp::from_millisecond(to.as_millisecond() - 1).unwrap()),
            november
        );
        assert_eq!(Month::of(to), november.next());
        assert_eq!(november.next().prev(), november);
    }
}
