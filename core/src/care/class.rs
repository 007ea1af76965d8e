//! Classes of data, and in what detail one may be shared.

use super::words::{CLASS_WORDS, DETAIL_WORDS, PLAN_DETAIL_WORDS};

/// Fieldless enums whose variants have a code, a word and a number. Appended to, never reordered:
/// the number is the position.
macro_rules! coded {
    ($name:ident, $words:ident, $($variant:ident),+) => {
        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The stable codes, each with its word in plain English, in the same order.
            pub const CODES: &'static [(&'static str, &'static str)] = &$words;

            /// The stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                $words[self as usize].0
            }

            /// What to show.
            #[must_use]
            pub const fn word(self) -> &'static str {
                $words[self as usize].1
            }

            /// The one with this code; `None` for any other text.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.code() == code)
            }

            pub(super) const fn number(self) -> u32 {
                self as u32
            }

            /// `None` for a number that only a newer version knows.
            pub(super) fn from_number(number: u32) -> Option<Self> {
                Self::ALL.get(usize::try_from(number).ok()?).copied()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}
pub(super) use coded;

/// A class of data that a consent covers or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Check-ins.
    CheckIns,
    /// Urges.
    Urges,
    /// Episodes of use.
    Use,
    /// Attempts to reach somebody.
    Contacts,
    /// Meetings.
    Meetings,
    /// Free texts.
    Notes,
    /// The recovery plan. It has details of its own: [`PlanDetail`].
    Plan,
}

coded!(Class, CLASS_WORDS, CheckIns, Urges, Use, Contacts, Meetings, Notes, Plan);

impl Class {
    /// The class that a kind of entry belongs to. A kind this version does not know has none and is
    /// never shared: a new class is not covered by a consent given before it existed.
    #[must_use]
    pub fn of_kind(kind: &str) -> Option<Self> {
        match kind {
            "check-in" => Some(Self::CheckIns),
            "urge" => Some(Self::Urges),
            "use" => Some(Self::Use),
            "contact" => Some(Self::Contacts),
            "meeting" => Some(Self::Meetings),
            "note" => Some(Self::Notes),
            _ => None,
        }
    }
}

/// In what detail entries of a class are shared. Each shows what the one before shows, and more.
///
/// At none of them leave: an entry's id, devices, that and how it was edited, values that lost,
/// fields that this version does not know, and entries that are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detail {
    /// That there was an entry of this kind on this civil day.
    Count,
    /// Also numbers, and what is answered by yes or no.
    Numbers,
    /// Also the time as exactly as it is known, with its offset but without the name of the zone,
    /// and what was picked from built-in lists. The person's own words in such a list do not leave:
    /// a list may be shown shorter than it is, but never empty unless it is.
    Items,
    /// Everything the entry holds for people: texts, own words, the zone, when it was written down.
    Full,
}

coded!(Detail, DETAIL_WORDS, Count, Numbers, Items, Full);

/// How the plan is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlanDetail {
    /// It is shown; changes are proposed.
    View,
    /// It is written together.
    Edit,
}

coded!(PlanDetail, PLAN_DETAIL_WORDS, View, Edit);
