//! What a consent consists of beside its scope.

use super::class::coded;
use super::words::{EVENT_WORDS, ONWARD_WORDS, VERIFIED_WORDS};

/// Whom a consent is for (42 CFR 2.31(a)(4): the recipient is named).
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Their name; at most [`super::CareLimits::NAME_MAX_BYTES`], as the other texts here.
    pub name: String,
    /// Where they work; empty if nowhere.
    pub organisation: String,
    /// What they are to the person, in words that the two chose; may be empty.
    pub role: String,
    /// The hash of the key that they sign with in this share.
    pub key_fingerprint: [u8; 32],
    /// How the person made sure that the key is theirs.
    pub verified: Verified,
}

/// Names are a person's words: not printed.
impl std::fmt::Debug for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recipient").field("verified", &self.verified).finish_non_exhaustive()
    }
}

/// How a person made sure that a key belongs to whom they share with. A way that only a newer
/// version knows reads as [`Verified::Not`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verified {
    /// Not at all.
    Not,
    /// Both compared a short code, by voice or video.
    Remotely,
    /// Both compared a short code while they were in one room.
    InPerson,
}

coded!(Verified, VERIFIED_WORDS, Not, Remotely, InPerson);

/// To whom the recipient may pass on what they see. Mainstay says it; it cannot enforce it. A rule
/// that only a newer version knows reads as [`Onward::Nobody`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Onward {
    /// To nobody.
    Nobody,
    /// To those who treat the person together with the recipient.
    TreatingTeam,
    /// As the law of the jurisdiction allows (in the United States 42 CFR 2.33 and HIPAA).
    AsLawAllows,
}

coded!(Onward, ONWARD_WORDS, Nobody, TreatingTeam, AsLawAllows);

/// What this version of a consent did. An event that only a newer version knows reads as
/// [`Event::Withdrawn`]: what is not understood shares nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// Given, for the first time or anew.
    Given,
    /// It shows no more than the one before, to the same person and for the same purpose.
    Narrowed,
    /// Anything else: the person is asked again, as for a new one.
    Widened,
    /// Taken back: nothing is shared.
    Withdrawn,
}

coded!(Event, EVENT_WORDS, Given, Narrowed, Widened, Withdrawn);

/// Which notice the person read when they agreed: what sharing means, how to take it back, and what
/// that does and cannot do (42 CFR 2.31(a)(6), GDPR 7(3)). The text is [`super::words::notice`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its version.
    pub version: u32,
    /// Its language: a BCP 47 tag of at most [`super::CareLimits::LANGUAGE_MAX_BYTES`].
    pub language: String,
    /// SHA-256 of its text in UTF-8.
    pub hash: [u8; 32],
}

impl Notice {
    /// The notice of this version of Mainstay, in English.
    #[must_use]
    pub fn current() -> Self {
        let (version, language) = super::words::CURRENT_NOTICE;
        let text = super::words::notice(version, language).unwrap_or_default();
        Self { version, language: language.to_owned(), hash: hash(text) }
    }

    /// The text that was agreed to. `None` if this version does not have exactly that text: it is
    /// not replaced by another.
    #[must_use]
    pub fn text(&self) -> Option<&'static str> {
        let text = super::words::notice(self.version, &self.language)?;
        (hash(text) == self.hash).then_some(text)
    }
}

fn hash(text: &str) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes()).into()
}
