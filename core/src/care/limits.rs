//! Every limit of this floor, in one place.

use mainstay_protocol::limits::{MAX_PAYLOAD_BYTES, MAX_SEALED_CONSENT_BYTES};

/// Limits of consents and shared records.
pub struct CareLimits;

impl CareLimits {
    /// Bytes of a recipient's name, of their organisation, of their role, and of a jurisdiction.
    pub const NAME_MAX_BYTES: usize = 256;
    /// Bytes of a purpose: a paragraph, in any script.
    pub const PURPOSE_MAX_BYTES: usize = 2048;
    /// Bytes of a language tag. RFC 5646, section 4.4.1, asks for room for 35.
    pub const LANGUAGE_MAX_BYTES: usize = 35;
    /// Hours that sharing may be delayed by: a year.
    pub const DELAY_MAX_HOURS: u16 = 366 * 24;
    /// Bytes of an encoded consent: it has to fit, once sealed, into
    /// [`MAX_SEALED_CONSENT_BYTES`].
    pub const CONSENT_MAX_BYTES: usize = MAX_SEALED_CONSENT_BYTES - 128;
    /// An encoded consent is a multiple of this long, so that its size tells little of its words.
    pub const CONSENT_STEP_BYTES: usize = 512;

    /// Bytes of a packed record: one envelope holds it.
    pub const RECORD_MAX_BYTES: usize = MAX_PAYLOAD_BYTES;
    /// Bytes of a record once unpacked. Text compresses at most about tenfold; a record that claims
    /// more is hostile.
    pub const RECORD_MAX_UNPACKED_BYTES: usize = 16 * MAX_PAYLOAD_BYTES;
    /// Bytes of one field of a shared entry. More than a note has when it is written
    /// ([`crate::journal::Limits::NOTE_MAX_BYTES`]): two devices that change one may add up.
    pub const VALUE_MAX_BYTES: usize = 2 * crate::journal::Limits::NOTE_MAX_BYTES;
    /// Bytes of a time's text. No form is longer.
    pub const WHEN_MAX_BYTES: usize = 128;
    /// The highest counter of a record: far beyond anybody's edits, so that there is always a next.
    pub const COUNTER_MAX: u64 = 1 << 40;
    /// Bytes of a comment.
    pub const COMMENT_MAX_BYTES: usize = 8 * 1024;
    /// Changes of a plan that wait at one time, in one record.
    pub const EDITS_MAX: usize = 64;
    /// Bytes of the name of a version of the plan. It is made of 32 bytes for each of its heads.
    pub const EDITS_BASE_MAX_BYTES: usize = 4 * 1024;
    /// Bytes of the reason given with a proposal.
    pub const WHY_MAX_BYTES: usize = 2 * 1024;
}
