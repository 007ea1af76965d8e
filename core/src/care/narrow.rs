//! Which of two consents shares less, and what both share.

use super::scope::earlier;
use super::{Consent, Event, Scope};

impl Consent {
    /// Whether it shares nothing that the other does not, not sooner, not longer, to the same key,
    /// for the same purpose, under the same law, and to be passed on no further. A consent is
    /// narrower than itself, and one that was taken back is narrower than any.
    #[must_use]
    pub fn is_narrower_than(&self, other: &Self) -> bool {
        self.is_withdrawn()
            || (!other.is_withdrawn()
                && on_same_ground(self, other)
                && self.scope.is_within(&other.scope)
                && self.delay_hours >= other.delay_hours
                && self.onward <= other.onward
                && self.counselling_notes <= other.counselling_notes
                && earlier(self.until_ms, other.until_ms) == self.until_ms)
    }
}

/// The consent that is narrower than both, for two of a person's devices that changed it at the
/// same time. It does not matter which of them asks.
///
/// If they name different keys, purposes or jurisdictions, nothing is shared until the person says
/// which: the result is withdrawn. Words in which they differ otherwise are those of the later one.
/// The number is the higher of the two; whoever publishes the result adds one.
#[must_use]
pub fn meet(a: &Consent, b: &Consent) -> Consent {
    if a == b {
        return a.clone();
    }
    let one_is_withdrawn = a.is_withdrawn() || b.is_withdrawn();
    let (scope, event) = match !one_is_withdrawn && on_same_ground(a, b) {
        true => (a.scope.meet(&b.scope), Event::Narrowed),
        false => (Scope::default(), Event::Withdrawn),
    };
    Consent {
        number: a.number.max(b.number),
        event,
        scope,
        delay_hours: a.delay_hours.max(b.delay_hours),
        onward: a.onward.min(b.onward),
        counselling_notes: a.counselling_notes && b.counselling_notes,
        asks_opened: a.asks_opened && b.asks_opened,
        granted_at_ms: a.granted_at_ms.max(b.granted_at_ms),
        until_ms: earlier(a.until_ms, b.until_ms),
        ..later(a, b).clone()
    }
}

fn on_same_ground(a: &Consent, b: &Consent) -> bool {
    a.recipient.key_fingerprint == b.recipient.key_fingerprint
        && a.purpose == b.purpose
        && a.jurisdiction == b.jurisdiction
}

/// The later of two, and of two equally late ones always the same.
fn later<'a>(a: &'a Consent, b: &'a Consent) -> &'a Consent {
    let key = |consent: &Consent| (consent.number, consent.granted_at_ms, consent.cbor());
    if key(a) >= key(b) { a } else { b }
}
