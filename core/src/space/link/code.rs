//! The short code that both screens show.

use std::fmt;

use mainstay_protocol::hash::Hash;
use minicbor::{Decode, Encode};

use super::letter::LINK_HASH;

/// Nine decimal digits (29.9 bits) in three groups. One attempt to stand in between succeeds with
/// a chance of one in a thousand million, and each attempt needs a new invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Code(#[n(0)] u32);

/// The number of codes.
const CODES: u64 = 1_000_000_000;

impl Code {
    /// The code of what was said: the whole invitation, the whole answer as it was signed, and the
    /// inviter's nonce. All three were fixed or committed to before the nonce was known; nothing
    /// that a party could still vary afterwards goes in.
    pub(super) fn of(invitation: &[u8], answer: &[u8], nonce: &[u8; 32]) -> Self {
        let hash = Hash::of(LINK_HASH, &[b"code", invitation, answer, nonce]);
        let (start, _) = hash.0.split_first_chunk::<8>().expect("a hash has 32 bytes");
        // Of 2^64 numbers, the bias of the remainder is below 2^-34.
        Self((u64::from_be_bytes(*start) % CODES) as u32)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (millions, thousands) = (self.0 / 1_000_000, self.0 / 1000 % 1000);
        write!(f, "{millions:03} {thousands:03} {:03}", self.0 % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_three_groups_of_three_digits() {
        assert_eq!(Code(7).to_string(), "000 000 007");
        assert_eq!(Code(123_456_789).to_string(), "123 456 789");
    }

    #[test]
    fn every_part_of_the_handshake_changes_the_code() {
        let code = Code::of(b"invitation", b"answer", &[1; 32]);
        assert_ne!(code, Code::of(b"invitatioN", b"answer", &[1; 32]));
        assert_ne!(code, Code::of(b"invitation", b"answeR", &[1; 32]));
        assert_ne!(code, Code::of(b"invitation", b"answer", &[2; 32]));
        assert_ne!(code, Code::of(b"invitationa", b"nswer", &[1; 32]));
    }
}
