//! A consent as bytes: CBOR with numbered fields, filled up with zeros.

use jiff::civil::Date;
use mainstay_protocol::codec::{self, CodecError};
use minicbor::bytes::ByteArray;
use minicbor::{Decode, Decoder, Encode};

use super::scope_text::read_date;
use super::{
    CareLimits, Class, ClassScope, Consent, Detail, Event, Notice, Onward, PlanDetail, Recipient,
    Scope, Verified,
};

/// A consent that does not keep its limits: which field, and what to do. Never its content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidConsent {
    /// A text that has to say something is empty.
    #[error("the consent's {0} is empty; say it")]
    Empty(&'static str),
    /// A text is too long.
    #[error("the consent's {field} is longer than {max} bytes; shorten it")]
    TooLong {
        /// Which.
        field: &'static str,
        /// Most bytes allowed.
        max: usize,
    },
    /// A number or a day is out of range.
    #[error("the consent's {0} is out of range; check it")]
    Range(&'static str),
}

/// Bytes that are no consent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConsentError {
    /// They do not follow the format.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// They do, and exceed a limit.
    #[error(transparent)]
    Invalid(#[from] InvalidConsent),
    /// What follows the consent is not only zeros, or it is longer than any consent.
    #[error("the consent is damaged: its length or its filling is wrong")]
    Filling,
}

#[derive(Encode, Decode)]
struct Wire {
    #[n(0)]
    number: u32,
    #[n(1)]
    event: u32,
    #[n(2)]
    recipient: RecipientWire,
    #[n(3)]
    classes: Vec<ClassWire>,
    #[n(4)]
    plan: Option<u32>,
    #[n(5)]
    delay_hours: u16,
    #[n(6)]
    purpose: String,
    #[n(7)]
    notice: NoticeWire,
    #[n(8)]
    jurisdiction: String,
    #[n(9)]
    onward: u32,
    #[n(10)]
    counselling_notes: bool,
    #[n(11)]
    granted_at_ms: i64,
    #[n(12)]
    until_ms: Option<i64>,
    /// Not asked for where nothing says so.
    #[cbor(n(13), default)]
    asks_opened: bool,
}

#[derive(Encode, Decode)]
struct RecipientWire {
    #[n(0)]
    name: String,
    #[n(1)]
    organisation: String,
    #[n(2)]
    role: String,
    #[n(3)]
    key_fingerprint: ByteArray<32>,
    #[n(4)]
    verified: u32,
}

#[derive(Encode, Decode)]
struct ClassWire {
    #[n(0)]
    class: u32,
    #[n(1)]
    detail: u32,
    #[n(2)]
    since: Option<String>,
    #[n(3)]
    until: Option<String>,
}

#[derive(Encode, Decode)]
struct NoticeWire {
    #[n(0)]
    version: u32,
    #[n(1)]
    language: String,
    #[n(2)]
    hash: ByteArray<32>,
}

impl Consent {
    /// The bytes to seal: a multiple of [`CareLimits::CONSENT_STEP_BYTES`], at most
    /// [`CareLimits::CONSENT_MAX_BYTES`].
    ///
    /// # Errors
    /// [`InvalidConsent`] if it does not keep its limits.
    pub fn to_bytes(&self) -> Result<Vec<u8>, InvalidConsent> {
        self.validate()?;
        let mut bytes = self.cbor();
        bytes.resize(bytes.len().next_multiple_of(CareLimits::CONSENT_STEP_BYTES), 0);
        Ok(bytes)
    }

    /// Reads what [`Consent::to_bytes`] wrote. Fields that this version does not know are skipped;
    /// a class or a detail that it does not know is not covered.
    ///
    /// # Errors
    /// [`ConsentError`] if they are none, or do not keep the limits.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ConsentError> {
        if bytes.len() > CareLimits::CONSENT_MAX_BYTES {
            return Err(ConsentError::Filling);
        }
        let mut decoder = Decoder::new(bytes);
        let wire: Wire =
            decoder.decode().map_err(|error| CodecError::Malformed(error.to_string()))?;
        if bytes[decoder.position()..].iter().any(|byte| *byte != 0) {
            return Err(ConsentError::Filling);
        }
        let consent = read(wire)?;
        consent.validate()?;
        Ok(consent)
    }

    /// Checks every limit.
    ///
    /// # Errors
    /// The first field that exceeds one.
    pub fn validate(&self) -> Result<(), InvalidConsent> {
        let names = CareLimits::NAME_MAX_BYTES;
        said("recipient's name", &self.recipient.name)?;
        short("recipient's name", &self.recipient.name, names)?;
        short("recipient's organisation", &self.recipient.organisation, names)?;
        short("recipient's role", &self.recipient.role, names)?;
        said("purpose", &self.purpose)?;
        short("purpose", &self.purpose, CareLimits::PURPOSE_MAX_BYTES)?;
        short("jurisdiction", &self.jurisdiction, names)?;
        said("notice's language", &self.notice.language)?;
        short("notice's language", &self.notice.language, CareLimits::LANGUAGE_MAX_BYTES)?;
        let in_range = [
            ("number", self.number >= 1),
            ("delay", self.delay_hours <= CareLimits::DELAY_MAX_HOURS),
            ("time", self.granted_at_ms >= 0),
            ("end", self.until_ms.is_none_or(|until_ms| until_ms >= 0)),
        ];
        match in_range.iter().find(|(_, fits)| !fits) {
            Some((field, _)) => Err(InvalidConsent::Range(field)),
            None => Ok(()),
        }
    }

    /// Its encoding, neither checked nor filled up.
    pub(super) fn cbor(&self) -> Vec<u8> {
        codec::encode(&write(self))
    }
}

fn said(field: &'static str, text: &str) -> Result<(), InvalidConsent> {
    if text.trim().is_empty() { Err(InvalidConsent::Empty(field)) } else { Ok(()) }
}

fn short(field: &'static str, text: &str, max: usize) -> Result<(), InvalidConsent> {
    if text.len() > max { Err(InvalidConsent::TooLong { field, max }) } else { Ok(()) }
}

fn write(consent: &Consent) -> Wire {
    let Recipient { name, organisation, role, key_fingerprint, verified } =
        consent.recipient.clone();
    let Notice { version, language, hash } = consent.notice.clone();
    let text = |day: Option<Date>| day.map(|day| day.to_string());
    let classes = consent.scope.entries().map(|(class, how)| ClassWire {
        class: class.number(),
        detail: how.detail.number(),
        since: text(how.since),
        until: text(how.until),
    });
    Wire {
        number: consent.number,
        event: consent.event.number(),
        recipient: RecipientWire {
            name,
            organisation,
            role,
            key_fingerprint: key_fingerprint.into(),
            verified: verified.number(),
        },
        classes: classes.collect(),
        plan: consent.scope.plan().map(PlanDetail::number),
        delay_hours: consent.delay_hours,
        purpose: consent.purpose.clone(),
        notice: NoticeWire { version, language, hash: hash.into() },
        jurisdiction: consent.jurisdiction.clone(),
        onward: consent.onward.number(),
        counselling_notes: consent.counselling_notes,
        granted_at_ms: consent.granted_at_ms,
        until_ms: consent.until_ms,
        asks_opened: consent.asks_opened,
    }
}

fn read(wire: Wire) -> Result<Consent, InvalidConsent> {
    let mut scope = Scope::default();
    for part in wire.classes {
        let (since, until) = (day(part.since)?, day(part.until)?);
        if let (Some(class), Some(detail)) =
            (Class::from_number(part.class), Detail::from_number(part.detail))
        {
            scope.set(class, Some(ClassScope { detail, since, until }));
        }
    }
    scope.set_plan(wire.plan.and_then(PlanDetail::from_number));
    Ok(Consent {
        number: wire.number,
        event: Event::from_number(wire.event).unwrap_or(Event::Withdrawn),
        recipient: Recipient {
            name: wire.recipient.name,
            organisation: wire.recipient.organisation,
            role: wire.recipient.role,
            key_fingerprint: wire.recipient.key_fingerprint.into(),
            verified: Verified::from_number(wire.recipient.verified).unwrap_or(Verified::Not),
        },
        scope,
        delay_hours: wire.delay_hours,
        purpose: wire.purpose,
        notice: Notice {
            version: wire.notice.version,
            language: wire.notice.language,
            hash: wire.notice.hash.into(),
        },
        jurisdiction: wire.jurisdiction,
        onward: Onward::from_number(wire.onward).unwrap_or(Onward::Nobody),
        counselling_notes: wire.counselling_notes,
        granted_at_ms: wire.granted_at_ms,
        until_ms: wire.until_ms,
        asks_opened: wire.asks_opened,
    })
}

/// A day that cannot be read must not widen: it is refused, not taken for "no end".
fn day(text: Option<String>) -> Result<Option<Date>, InvalidConsent> {
    let read = |text: String| read_date(&text).ok_or(InvalidConsent::Range("days"));
    text.map(read).transpose()
}
