//! Letting a second device in, with the first one at hand, or somebody into a share.
//!
//! 1. The inviter shows an [`Invitation`] (as a text link or a code to scan): where the relay is, a
//!    one-time secret, its own key's fingerprint, and a *commitment* to a nonce.
//! 2. The joiner answers, under that secret, with its keys, its name and a nonce of its own.
//! 3. Only then the inviter reveals its nonce. Both show a [`Code`] over everything that was said.
//!    Whoever stands in between had to choose what to say before the nonces were known, and so
//!    cannot search for a way to make the two codes equal.
//! 4. The person compares the codes and tells the inviter that they are equal
//!    ([`Inviter::confirm`]). It admits the joiner to the roster and says so.
//!
//! Letters travel through a mailbox on the relay, which sees three messages of one size. The two need
//! not be there at the same time: each half is stored as bytes ([`Inviter::to_bytes`],
//! [`Joiner::to_bytes`]) before its letters leave. One invitation lets one device, or one person, in,
//! once.
//!
//! The two kinds of invitations ([`InvitationKind`]) differ in who joins with which keys: to a private
//! space a device with its own, to a share a member with the keys made for that share.

mod code;
mod invitation;
mod inviter;
mod joiner;
mod letter;
mod stored;
mod text;

pub use code::Code;
pub use invitation::{Invitation, InvitationKind};
pub use inviter::{Inviter, Place};
pub use joiner::Joiner;

use mainstay_protocol::limits;

use super::epoch::NameTooLong;

/// How long an invitation may be good for: as long as a mailbox may stay open.
pub const MAX_LIFE_MS: u64 = limits::MAX_MAILBOX_LIFE_MS;

/// Where the joiner's answer lies in the mailbox.
pub const ANSWER_PLACE: u32 = 0;
/// Where the inviter's nonce lies.
pub const REVEAL_PLACE: u32 = 1;
/// Where the inviter's verdict lies.
pub const VERDICT_PLACE: u32 = 2;

/// Why a device could not be linked, or somebody not let into a share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The text is no invitation.
    #[error("this is no invitation of Mainstay: {0}; copy the whole link, or scan it again")]
    NotAnInvitation(&'static str),
    /// It is an invitation to a share, where one to link a device is wanted.
    #[error(
        "this is an invitation to something that somebody shares with you, not to your journal on another device; open it where you accept what others share"
    )]
    IsShare,
    /// It is an invitation to link a device, where one to a share is wanted.
    #[error(
        "this invitation links a device to somebody's whole journal and is not meant for sharing; use it for nothing else, and ask whoever sent it for an invitation to share"
    )]
    IsDevice,
    /// Something in the invitation's text changed on the way.
    #[error("the invitation was cut or mistyped; copy the whole link, or scan it again")]
    Damaged,
    /// A newer version wrote it.
    #[error("the other device has a newer version; update the app on this one")]
    Newer,
    /// Too late.
    #[error("the invitation has expired; have a new one made where this one was made")]
    Expired,
    /// Another device answered this invitation.
    #[error(
        "the invitation was used already; if nobody but you should have it, stop and find out who did, else make a new one"
    )]
    Used,
    /// A letter does not open, or is not what comes next.
    #[error(
        "a message between the two devices was altered or is not theirs; make a new invitation and start again"
    )]
    Altered,
    /// The nonce is not the one that was committed to.
    #[error(
        "the other device does not keep to what it promised; somebody may be in between, so start again"
    )]
    Commitment,
    /// The inviter's key is not the invitation's.
    #[error("the other device is not the one that made the invitation; start again")]
    WrongInviter,
    /// The inviter's key is not the one that the stored half was made with.
    #[error("your keys have changed since you made this invitation; make a new one")]
    KeysChanged,
    /// A stored half of a handshake cannot be read.
    #[error("what was kept of an invitation is damaged; nothing else is lost, make a new one")]
    Stored,
    /// The person said no.
    #[error("the other side declined; nobody was let in")]
    Declined,
    /// A step was taken before its time. A mistake of the caller.
    #[error("the step does not come now")]
    OutOfOrder,
    /// The life asked for is zero or too long.
    #[error("an invitation is good for at most 7 days")]
    Life,
    /// The joiner's name is too long.
    #[error(transparent)]
    Name(#[from] NameTooLong),
}

#[cfg(test)]
mod tests;
