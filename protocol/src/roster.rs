//! Who is in a space: a signed, hash-chained log, and the rules that both ends enforce on it.
//!
//! A [`Record`] is a list of acts that take effect together. [`Roster`] holds a chain of verified
//! records and the [`State`] after each; [`Roster::merge`] decides what to make of the chain that a
//! relay shows. The rules, in short:
//!
//! * The founding record is signed by the key whose hash is the space's id: the recovery key.
//! * A device that is active in the parent's state may admit, remove and start an epoch.
//! * A removal starts an epoch in the same record, and every epoch is wrapped for exactly the
//!   active devices and the recovery key. Nobody can leave the recovery key out.
//! * A *recovery*, signed by the recovery key, may follow any earlier record and voids what came
//!   after it, but no other recovery. It admits one device, leaves every other one waiting, also
//!   those that had been removed, and starts an epoch. Whoever has read their chains says how much of
//!   them is known; what they sign beyond counts only once they are confirmed.
//! * Two successors of one record are a fork. A device leaves a head that it has accepted only for
//!   a chain with more recoveries, or with a *heal*, which carries its branch. Removals of both
//!   branches win; where the branches removed different devices, those that only one of them knows
//!   wait.
//! * The number of records and of devices is bounded. Where ordinary records end, removals still fit
//!   in, and where these end, recoveries do; each opens room for more.
//!
//! A *share* has members, one human each, instead of devices ([`ShareState`]):
//!
//! * Its founding record, signed by the root key, names one owner ([`Act::Share`]).
//! * Members sign, not devices. Each adds and takes out devices of their own ([`Act::Certify`],
//!   [`Act::Retire`]); a counsellor may also leave, and does nothing else.
//! * The owner lets counsellors in and removes them, takes out anybody's device, changes their own keys,
//!   starts epochs and consents. Whoever comes or goes on the owner's word comes with a new epoch, which
//!   is wrapped once for each member and for the root, and holds no earlier key.
//! * A key is used for one thing once. Nobody comes back under an old one.
//! * A recovery gives the owner new keys; the counsellors stay. Nothing joins two branches: a fork is an
//!   alarm, and the owner makes another share.

mod apply;
mod chain;
mod record;
mod room;
mod share;
mod share_rules;
mod state;

pub use chain::{Merged, Roster};
pub use record::{
    Act, AuthorLast, Device, Epoch, KemKey, LastHead, Party, Record, Role, SealedKey, Wrap,
    WrapRef, record_hash, wrap_hash,
};
pub use share::{AuthorState, ConsentState, PartyState, ShareState};
pub use state::{DeviceStatus, Member, State};

use crate::hash::Hash;
use crate::sign::VerifyError;

/// Why a roster record, or a whole roster, was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RosterError {
    /// A signature or the form is wrong.
    #[error("roster record {number}: {source}")]
    Record {
        /// Which record.
        number: u32,
        /// What is wrong with it.
        source: VerifyError,
    },
    /// A rule is broken.
    #[error("roster record {number}: {rule}")]
    Rule {
        /// Which record.
        number: u32,
        /// The rule.
        rule: &'static str,
    },
    /// The relay shows a history that neither continues nor lawfully replaces the accepted one.
    #[error(
        "the relay shows two different histories of who may read this journal; nothing was changed. Compare the list of devices on each of your devices"
    )]
    Fork {
        /// The accepted head.
        accepted: Hash,
        /// The head that was shown.
        shown: Hash,
    },
    /// The relay shows less than this device has already accepted.
    #[error("the relay shows an older list of devices than this device has seen")]
    Stale,
    /// The records are of another space, or there are none.
    #[error("the list of devices is of another space, or empty")]
    NotThisSpace,
}
