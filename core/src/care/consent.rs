//! What a person agreed to share.

use super::{Class, Event, Notice, Onward, Recipient, Scope};

/// A consent: an object that both sides keep, each version sealed for the share's members and held
/// by a record that the person signs.
///
/// Beside what it says, the record's signer is who discloses, and its signature and time are those
/// that 42 CFR 2.31(a)(8) and (9) ask for. A later version takes the place of an earlier one.
#[derive(Clone, PartialEq, Eq)]
pub struct Consent {
    /// 1 for the first version, and one more with each change.
    pub number: u32,
    /// What this version did.
    pub event: Event,
    /// Whom it is for.
    pub recipient: Recipient,
    /// Which classes of data it covers and in what detail (42 CFR 2.31(a)(3); explicit consent for
    /// data concerning health, GDPR 9(2)(a)).
    pub scope: Scope,
    /// Hours between writing an entry down and sharing it; at most
    /// [`super::CareLimits::DELAY_MAX_HOURS`].
    pub delay_hours: u16,
    /// What it is for (42 CFR 2.31(a)(5), where "at my own request" is enough; GDPR 5(1)(b)); not
    /// empty, at most [`super::CareLimits::PURPOSE_MAX_BYTES`].
    pub purpose: String,
    /// The notice that was read (GDPR 7(2), ISO/IEC TS 27560).
    pub notice: Notice,
    /// Whose law applies, such as `DE` or `US-CA`; may be empty; at most
    /// [`super::CareLimits::NAME_MAX_BYTES`].
    pub jurisdiction: String,
    /// To whom it may be passed on.
    pub onward: Onward,
    /// Whether it also covers a counsellor's own notes of sessions, kept apart from the record. In
    /// the United States these need a consent of their own (42 CFR 2.31(b)). Mainstay holds none.
    pub counselling_notes: bool,
    /// Whether the person would like to see when the reader last opened what is shared. The reader
    /// decides for themselves whether to tell ([`super::SharedBody::Opened`]).
    pub asks_opened: bool,
    /// When this version was given: Unix milliseconds by the clock of the person's device.
    pub granted_at_ms: i64,
    /// After this Unix time (milliseconds) nothing is shared (42 CFR 2.31(a)(7)); `None`: until it
    /// is taken back.
    pub until_ms: Option<i64>,
}

/// Names and purposes are a person's words: not printed.
impl std::fmt::Debug for Consent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consent")
            .field("number", &self.number)
            .field("event", &self.event)
            .field("scope", &self.scope.to_string())
            .finish_non_exhaustive()
    }
}

impl Consent {
    /// A first consent under the current notice: without delay or end, passed on to nobody.
    #[must_use]
    pub fn given(recipient: Recipient, scope: Scope, purpose: &str, granted_at_ms: i64) -> Self {
        Self {
            number: 1,
            event: Event::Given,
            recipient,
            scope,
            delay_hours: 0,
            purpose: purpose.to_owned(),
            notice: Notice::current(),
            jurisdiction: String::new(),
            onward: Onward::Nobody,
            counselling_notes: false,
            asks_opened: false,
            granted_at_ms,
            until_ms: None,
        }
    }

    /// Whether a class of data is covered while the consent lasts.
    #[must_use]
    pub fn covers(&self, class: Class) -> bool {
        !self.is_withdrawn() && self.scope.covers(class)
    }

    /// Whether it was taken back. One that covers no class is not: single entries may be shared
    /// under it.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        self.event == Event::Withdrawn
    }

    /// Whether it shares nothing at this Unix time (milliseconds): taken back, or over.
    #[must_use]
    pub fn is_over(&self, now_ms: i64) -> bool {
        self.is_withdrawn() || self.until_ms.is_some_and(|until_ms| now_ms > until_ms)
    }

    /// The version that takes it back.
    #[must_use]
    pub fn withdrawn(&self, now_ms: i64) -> Self {
        Self {
            number: self.number.saturating_add(1),
            event: Event::Withdrawn,
            scope: Scope::default(),
            granted_at_ms: now_ms,
            ..self.clone()
        }
    }

    /// This consent as the version after another: its number and event follow from that one.
    #[must_use]
    pub fn following(mut self, old: &Self) -> Self {
        self.event = self.change_from(old);
        self.number = old.number.saturating_add(1);
        self
    }

    /// What changing from an older version to this one does. [`Event::Narrowed`] takes effect at
    /// once; [`Event::Widened`] is asked for like a new consent, and so is any change of words, such
    /// as of the purpose.
    #[must_use]
    pub fn change_from(&self, old: &Self) -> Event {
        if self.is_withdrawn() {
            Event::Withdrawn
        } else if old.is_withdrawn() {
            Event::Given
        } else if self.is_narrower_than(old) && self.says_the_same_as(old) {
            Event::Narrowed
        } else {
            Event::Widened
        }
    }

    fn says_the_same_as(&self, other: &Self) -> bool {
        self.recipient == other.recipient && self.notice == other.notice
    }
}
