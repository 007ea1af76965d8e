//! What a person does in a session, step by step, and what they write.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use mainstay_core::journal::{
    CheckIn, ContactAttempt, Entry, EntryBody, EntryId, Meeting, Note, Urge, When,
};
use mainstay_core::plan::ItemId;
use mainstay_power_cut::random::Random;

/// One thing that is done. Texts are told by their numbers, see [`text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Log(u64),
    Edit(EntryId, u64),
    Delete(EntryId),
    Forget(EntryId),
    AddToPlan(ItemId, u64),
    EditPlan(ItemId, u64),
    /// The entries of [`imported`].
    Import(u64),
    Sync,
    /// The app is closed and opened again.
    Reopen,
    RestartRelay,
}

/// What kind of step comes; whom it meets is chosen by who lives the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Log,
    Edit,
    Delete,
    Forget,
    AddToPlan,
    EditPlan,
    Import,
    Sync,
    Reopen,
    RestartRelay,
}

/// Which session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Session {
    /// Two hundred writes, with what comes between them.
    Whole,
    /// A little of everything, for a fault at every call.
    Short,
}

const WHOLE_STEPS: u64 = 228;
/// Ends with what may go on after a fault: the app and the relay are opened again.
const SHORT: [Kind; 14] = [
    Kind::Log,
    Kind::AddToPlan,
    Kind::Sync,
    Kind::Log,
    Kind::Edit,
    Kind::Import,
    Kind::Sync,
    Kind::Delete,
    Kind::Forget,
    Kind::Reopen,
    Kind::Log,
    Kind::RestartRelay,
    Kind::EditPlan,
    Kind::Sync,
];

impl Session {
    /// From its name in the worker's orders.
    pub(crate) fn named(name: &str) -> Self {
        if name == "Short" { Self::Short } else { Self::Whole }
    }

    pub(crate) fn steps(self) -> u64 {
        match self {
            Self::Whole => WHOLE_STEPS,
            Self::Short => SHORT.len() as u64,
        }
    }

    /// What kind the step with this number is, from 1.
    pub(crate) fn kind(self, number: u64) -> Kind {
        match self {
            Self::Short => SHORT[number as usize - 1],
            Self::Whole if number.is_multiple_of(60) => Kind::Reopen,
            Self::Whole if number == 100 => Kind::RestartRelay,
            Self::Whole if number % 90 == 25 => Kind::Import,
            Self::Whole if number % 10 == 8 => Kind::Sync,
            Self::Whole => match Random::new(number).below(20) {
                0..11 => Kind::Log,
                11..15 => Kind::Edit,
                15 => Kind::Delete,
                16 => Kind::Forget,
                17 => Kind::AddToPlan,
                _ => Kind::EditPlan,
            },
        }
    }
}

/// A text that no step has: of what is written once all is over.
pub(crate) const AFTERWARDS: u64 = 9_000_000;

/// What the person writes: mostly a line, now and then more than fits into one value of the store.
pub(crate) fn text(number: u64) -> String {
    let mut text = format!("text {number}: ");
    let mut random = Random::new(number);
    let words = if number % 11 == 3 { 900 } else { 3 + random.below(20) };
    for _ in 0..words {
        text.push_str(&format!("{:x} ", random.below(1 << 24)));
    }
    text
}

/// The number of a text, if it is one, whole.
pub(crate) fn number_of(found: &str) -> Option<u64> {
    let number = found.strip_prefix("text ")?.split(':').next()?.parse().ok()?;
    (text(number) == found).then_some(number)
}

/// An entry of one of several kinds.
pub(crate) fn body(number: u64) -> EntryBody {
    let note = Some(text(number));
    let scale = Some((number % 10) as u8);
    match number % 5 {
        0 => EntryBody::CheckIn(CheckIn { mood: scale, note, ..CheckIn::default() }),
        1 => EntryBody::Urge(Urge { intensity: scale, note, ..Urge::default() }),
        2 => EntryBody::Meeting(Meeting { note, ..Meeting::default() }),
        3 => EntryBody::ContactAttempt(ContactAttempt { note, ..ContactAttempt::default() }),
        _ => EntryBody::Note(Note { note }),
    }
}

/// When the entry happened: today, or in one of the months before.
pub(crate) fn when(number: u64) -> When {
    let mut random = Random::new(!number);
    let days = if random.below(2) == 0 { 0 } else { random.below(150) as i64 };
    exact(Timestamp::now().as_second() - days * DAY_S)
}

const DAY_S: i64 = 24 * 3600;
/// The first of January 2024.
const IMPORTS_FROM_S: i64 = 1_704_067_200;
/// As many as are committed at once, so that an import is there whole or not at all.
const IMPORTED: u64 = 24;

/// Entries from elsewhere, of two months that are long over, with the numbers of their texts.
pub(crate) fn imported(number: u64) -> Vec<(u64, Entry)> {
    let entry = |index: u64| {
        let text = number * 1000 + index;
        let at = IMPORTS_FROM_S + (number * 20 + index * 2) as i64 * DAY_S;
        let id = EntryId::derive(exact(at).month(), &text.to_be_bytes());
        let written = Timestamp::from_second(at).unwrap();
        (text, Entry::typed(id, body(text), exact(at), written))
    };
    (0..IMPORTED).map(entry).collect()
}

fn exact(at_s: i64) -> When {
    When::exact(Timestamp::from_second(at_s).unwrap(), "Europe/Berlin")
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(text) => write!(f, "log {text}"),
            Self::Edit(id, text) => write!(f, "edit {id} {text}"),
            Self::Delete(id) => write!(f, "delete {id}"),
            Self::Forget(id) => write!(f, "forget {id}"),
            Self::AddToPlan(id, text) => write!(f, "add-to-plan {id} {text}"),
            Self::EditPlan(id, text) => write!(f, "edit-plan {id} {text}"),
            Self::Import(number) => write!(f, "import {number}"),
            Self::Sync => f.write_str("sync"),
            Self::Reopen => f.write_str("reopen"),
            Self::RestartRelay => f.write_str("restart-relay"),
        }
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split(' ').collect();
        let entry = |at: usize| words[at].parse::<EntryId>().unwrap();
        let item = |at: usize| words[at].parse::<ItemId>().unwrap();
        let number = |at: usize| words[at].parse::<u64>().unwrap();
        Ok(match words[0] {
            "log" => Self::Log(number(1)),
            "edit" => Self::Edit(entry(1), number(2)),
            "delete" => Self::Delete(entry(1)),
            "forget" => Self::Forget(entry(1)),
            "add-to-plan" => Self::AddToPlan(item(1), number(2)),
            "edit-plan" => Self::EditPlan(item(1), number(2)),
            "import" => Self::Import(number(1)),
            "sync" => Self::Sync,
            "reopen" => Self::Reopen,
            "restart-relay" => Self::RestartRelay,
            _ => return Err(format!("no step: {line}")),
        })
    }
}
