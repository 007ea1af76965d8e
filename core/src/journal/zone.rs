//! Where on the clock something happened: the UTC offset, and the IANA zone if it is known.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

/// The zone data built into the program, so that every device computes the same days whatever
/// its operating system knows.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The UTC offset in force where and when something happened, and the zone's name if known.
///
/// The offset is a fact that was true on that day; where it disagrees with the zone data of this
/// version of the program, the offset stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    offset: Offset,
    zone: Option<String>,
}

impl Place {
    /// Universal time, no zone named.
    pub const UTC: Self = Self { offset: Offset::UTC, zone: None };

    /// A place from an offset in seconds east of UTC (whole minutes, within ±25 h as jiff allows)
    /// and a zone name. `None` if either is out of shape.
    #[must_use]
    pub fn new(offset_seconds: i32, zone: Option<&str>) -> Option<Self> {
        let offset = Offset::from_seconds(offset_seconds).ok().filter(|o| o.seconds() % 60 == 0)?;
        match zone {
            Some(name) if !is_zone_name(name) => None,
            _ => Some(Self { offset, zone: zone.map(str::to_owned) }),
        }
    }

    /// The place a zone puts an instant at; `None` if the zone is not in the built-in data.
    #[must_use]
    pub fn at(instant: Timestamp, zone: &str) -> Option<Self> {
        let offset = whole_minutes(find(zone)?.to_offset(instant));
        Some(Self { offset, zone: Some(zone.to_owned()) })
    }

    /// The place of a civil time in a zone: in a gap the later offset, in an overlap the earlier.
    #[must_use]
    pub fn at_civil(civil: DateTime, zone: &str) -> Option<Self> {
        let instant = find(zone)?.to_ambiguous_timestamp(civil).compatible().ok()?;
        Self::at(instant, zone)
    }

    /// The offset east of UTC.
    #[must_use]
    pub const fn offset(&self) -> Offset {
        self.offset
    }

    /// The IANA name, if it was recorded.
    #[must_use]
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// The instant of a civil time, by the recorded offset alone: the same on every device. Beyond the
    /// last instant that there is, that one; before the first, the first.
    pub(super) fn instant(&self, civil: DateTime) -> Timestamp {
        let end = if civil.year() > 0 { Timestamp::MAX } else { Timestamp::MIN };
        self.offset.to_timestamp(civil).unwrap_or(end)
    }

    /// The instant of a civil time on the same or a nearby day, by the zone's rules where they are
    /// known, so that a day with a clock change has its real length.
    pub(super) fn instant_by_rule(&self, civil: DateTime) -> Timestamp {
        self.zone()
            .and_then(find)
            .and_then(|zone| zone.to_ambiguous_timestamp(civil).compatible().ok())
            .unwrap_or_else(|| self.instant(civil))
    }
}

fn find(name: &str) -> Option<TimeZone> {
    ZONES.get(name).ok()
}

/// Offsets of the nineteenth century had seconds; we keep whole minutes, as RFC 3339 does.
fn whole_minutes(offset: Offset) -> Offset {
    Offset::from_seconds(offset.seconds() / 60 * 60).unwrap_or(Offset::UTC)
}

/// The shape of an IANA name: letters, digits, `/ _ - +`, at most 48 of them.
fn is_zone_name(name: &str) -> bool {
    (1..=48).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-' | b'+'))
}
