//! What can go wrong, and what to do next.

use mainstay_protocol::codec::CodecError;
use mainstay_protocol::frame::Refusal;
use mainstay_protocol::roster::RosterError;
use mainstay_store::StoreError;

use crate::chapter::PackError;
use crate::journal::{EntryId, Invalid};
use crate::plan::PlanError;

/// Why the engine could not do what was asked. No message holds a word of a journal, a key or an
/// id of a space; nothing that was acknowledged before is lost by any of these.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The device's secret is locked away or gone.
    #[error(transparent)]
    Key(#[from] super::keys::KeyError),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something in the store is not what was written there. Opening it again repairs what can be
    /// repaired; [`Engine::set_aside`](crate::engine::Engine::set_aside) is for what stays.
    #[error(
        "the journal's store is damaged ({what}); it was left as it is. Open it again: what the relay holds comes back with the next sync. If it says so again, set it aside and open it once more"
    )]
    Damaged {
        /// What was found.
        what: &'static str,
    },
    /// The store could not be opened and was moved aside; nothing of it was deleted.
    #[error("the journal's store could not be opened and was set aside at {}; open the journal again to start from what the relay holds, or restore it from its twelve words", path.display())]
    SetAside {
        /// Where its files are now.
        path: std::path::PathBuf,
    },
    /// An entry breaks a limit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A change of the plan breaks a rule.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// There is no such entry.
    #[error("there is no entry {id}")]
    NoSuchEntry {
        /// What was asked for.
        id: EntryId,
    },
    /// The entry is shown from a page, and its document has not come yet.
    #[error(
        "this entry is still on its way from the relay; it can be read, and changed after the next sync"
    )]
    StillRestoring,
    /// There is already a journal in this place.
    #[error("there is a journal here already; choose another folder, or open this one")]
    AlreadyThere,
    /// There is no journal in this place.
    #[error("there is no journal here yet; create one, or restore one from its twelve words")]
    NothingHere,
    /// No relay was set.
    #[error("no relay is set; everything stays on this device until one is")]
    NoRelay,
    /// The relay cannot be reached.
    #[error(
        "the relay cannot be reached ({why}); everything is safe on this device, try again later"
    )]
    Offline {
        /// What the network said.
        why: String,
    },
    /// The relay has another key than its address says.
    #[error(
        "the relay at this address has another key than the address says; nothing was sent. Ask whoever runs it for the present address"
    )]
    WrongRelay,
    /// The relay refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The relay's answer makes no sense.
    #[error("the relay gave an answer that makes no sense ({what}); nothing was changed")]
    BadReply {
        /// What was wrong with it.
        what: &'static str,
    },
    /// The list of devices is not lawful.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// This device takes part no longer, or not yet.
    #[error(
        "this device is not on the journal's list of devices; link it again, or confirm it on another device. What is on it stays on it"
    )]
    NotADevice,
    /// There is no other list of devices to join, or this device may not join it.
    #[error(
        "there is no second list of devices that this device could join with its own; sync again, or link this device anew"
    )]
    NothingToHeal,
    /// An invitation is for another journal than the one on this device.
    #[error("this invitation is for another journal than the one on this device")]
    OtherJournal,
    /// The twelve words are of another journal than the one on this device.
    #[error(
        "these twelve words are of another journal than the one on this device; look for its own"
    )]
    OtherWords,
    /// There is no device of this name, or there are several.
    #[error(
        "no device on the list goes by what was asked for, or several do; list them and take the beginning of its id"
    )]
    NoSuchDevice,
    /// The recovery phrase does not open anything on this relay.
    #[error(
        "these twelve words belong to no journal on this relay; check the words and the relay's address"
    )]
    NothingToRestore,
    /// A device link does not work.
    #[error(transparent)]
    Link(#[from] crate::space::link::LinkError),
    /// A change of the list of devices cannot be made.
    #[error(transparent)]
    Devices(#[from] crate::space::change::ChangeError),
    /// A key of the journal is missing.
    #[error(transparent)]
    Keyring(#[from] crate::space::keyring::KeyringError),
    /// Something cannot be sealed: a mistake of this library.
    #[error(transparent)]
    Seal(#[from] crate::space::seal::SealError),
    /// Fields that make no entry.
    #[error(transparent)]
    Fields(#[from] crate::journal::FieldsError),
    /// Other devices kept changing the list of devices.
    #[error("other devices keep changing the list of devices; try again in a while")]
    Restless,
    /// A recovery phrase cannot be read.
    #[error(transparent)]
    Phrase(#[from] crate::space::phrase::PhraseError),
    /// A document cannot be read.
    #[error(transparent)]
    Document(#[from] crate::document::DocError),
    /// There is no such share.
    #[error("there is no such share; list them to see what there is")]
    NoSuchShare,
    /// The vault names the share, and this device has not fetched it yet.
    #[error("this share is still on its way from the relay; sync first")]
    ShareNotHere,
    /// The share has ended, or is not this person's to change.
    #[error("this share has ended, or is not yours to change; to share again, invite anew")]
    ShareOver,
    /// The consent has ended.
    #[error(
        "the time for which this was shared is over; ask the person to share again if both of you want that"
    )]
    ShareExpired,
    /// No invitation is open.
    #[error("no invitation to this share is open on this device; invite again")]
    NoInvitation,
    /// A member may not say that.
    #[error("that is for the other side of this share to say")]
    NotYours,
    /// Too many changes of a client's plan wait for their phone.
    #[error(
        "{max} changes of this plan wait until the other side has synced; sync, and change more then"
    )]
    EditsWait {
        /// How many may wait.
        max: usize,
    },
    /// Something that was to be said in a share breaks a limit.
    #[error(transparent)]
    Record(#[from] crate::care::RecordError),
    /// A consent breaks a limit.
    #[error(transparent)]
    Consent(#[from] crate::care::InvalidConsent),
    /// The engine was shut down, or is suspended.
    #[error("the journal is closed; open or resume it first")]
    Closed,
    /// The time given for a sync ran out; what was done by then counts.
    #[error("the time for this sync ran out; it goes on where it stopped")]
    OutOfTime,
}

impl EngineError {
    pub(crate) fn damaged(what: &'static str) -> Self {
        Self::Damaged { what }
    }
}

impl From<CodecError> for EngineError {
    fn from(_: CodecError) -> Self {
        Self::damaged("a value cannot be read")
    }
}

impl From<PackError> for EngineError {
    fn from(_: PackError) -> Self {
        Self::damaged("a chapter cannot be unpacked")
    }
}
