//! The one object that an app holds.
//!
//! [`Engine`] is what an app calls; [`Replica`] is the same journal without threads, sockets or a
//! clock, for simulators.
//!
//! # The screens of a journal
//!
//! | a screen needs | it comes from |
//! |---|---|
//! | the timeline | [`Engine::timeline`] for a span; [`Engine::chapters`] and [`Engine::chapter`] to page through everything, a month at a time |
//! | staying in step while the app is in front | [`Engine::follow`]; otherwise [`Engine::sync`], and [`Engine::sync_once`] in the background |
//! | when to read again | [`Engine::revisions`]: a counter that moves with every change from here or elsewhere; no entry's words pass through it |
//! | writing, editing | [`Engine::log`]; [`Engine::edit`] with only the fields that the person changed, so that edits of other devices to other fields stay |
//! | delete and undo | [`Engine::delete`], [`Engine::restore_deleted`]; [`Engine::deleted`] for a list of what is hidden; [`Engine::forget`] has no undo. To undo an edit, keep the old value and `edit` it back |
//! | two devices that differ | a row's `conflicted` mark; [`Engine::show`] has each field's value that stands and those that lost. `edit` with any of them, also the one that stands, settles it. For the plan [`Engine::show_plan`] |
//! | "saved", "on the relay", "on my tablet" | [`Engine::status`]; after a sync also its [`SyncReport`] |
//! | sharing | [`Engine::share_invite`] gives a link; both sides sync, [`Engine::shares`] has the code to compare on either screen, and [`Engine::share_confirm`] lets the other side in. [`Engine::share_preview`] is exactly what they see; [`Engine::share_choose`], [`Engine::share_set_consent`], [`Engine::share_end`] change it, and reach them with the next sync |
//! | a counsellor's clients | [`Engine::share_join`] answers a link; [`Engine::shares`], [`Engine::share_records`], and [`Engine::share_say`] for comments and proposals |
//! | an error | its text can be shown to a person as it is; match on [`EngineError`] for what to offer: try later ([`EngineError::Offline`]), unlock ([`EngineError::Key`]), close the other program or make room ([`EngineError::Store`] with its [`StoreError`]) |
//!
//! # Threads, waiting, units
//!
//! A journal has one thread of its own, and calls are done there one after the other; a call waits
//! for those before it, not for a sync's turns to the relay. Syncing needs a tokio runtime with time
//! and I/O enabled; any flavour does. One process holds a journal at a time: a second one (an
//! extension, a widget) gets [`EngineError::Store`] until the first has called
//! [`Engine::suspend`] or ended. Instants are Unix milliseconds in fields and parameters whose names
//! end in `_ms`; sizes are bytes of UTF-8. The limits of fields are in
//! [`crate::journal::Limits`], and a value beyond one is refused with the field's name and the range.

mod anchor;
mod arriving;
mod checkpoint;
mod config;
mod error;
mod following;
mod glancing;
mod handle;
mod keys;
mod layer;
mod replica;
mod sharing;
mod syncing;
mod taking_back;
mod tx;
mod vault;
mod worker;

pub use arriving::LinkOffer;
pub use checkpoint::{Checkpoint, CheckpointError, Witness};
pub use config::Config;
pub use error::EngineError;
pub use following::Live;
pub use handle::Engine;
pub use keys::{KeyError, KeyProvider};
pub use mainstay_protocol::address::{AddressError, RelayAddress};
pub use mainstay_protocol::ids::{MemberId, SpaceId};
pub use mainstay_store::{Backend, StoreError};
pub use replica::{
    Alarm, AsOf, BoxRng, Conflict, Counts, DeviceInfo, DeviceSync, Disclosure, Errand, Fork,
    Glance, Handshake, Heard, Imported, Job, Offer, Problem, Replica, Setup, ShareHistory,
    ShareInfo, ShareMember, ShareStage, SharedPlanView, Shown, ShownPlan, Status,
};
pub use syncing::SyncReport;
