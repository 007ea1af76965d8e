//! One device's copy of a journal, over a sealed store: synchronous and deterministic.
//!
//! Given the same store, randomness and calls, a replica does the same, which is what the simulator
//! in `tests/` rests on. It knows no clock (callers pass `now_ms`), no thread and no socket.

mod adopt;
mod bounded;
mod compact;
mod contents;
mod crossed;
mod docs;
mod forget;
mod fork;
mod held;
mod import;
mod incoming;
mod inspect;
mod known;
mod local;
mod log;
mod members;
mod mend;
mod names;
mod open;
mod outbox;
mod parked;
mod plan;
mod read;
mod receipts;
mod records;
mod refill;
mod relay;
mod salvage;
mod shares;
mod slots;
mod stash;
mod status;
mod timers;
mod verify;
mod voice;
mod wanted;
mod witness;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::{AuthorId, SlotId, SpaceId};
use mainstay_protocol::roster::Roster;
use rand_core::CryptoRng;

pub use fork::Fork;
pub use import::Imported;
pub use members::{DeviceInfo, Job};
pub use open::Setup;
pub use plan::ShownPlan;
pub use read::{Conflict, Shown};
pub use shares::{
    Disclosure, Errand, Glance, Handshake, Heard, Offer, ShareHistory, ShareInfo, ShareMember,
    ShareStage, SharedPlanView,
};
pub use status::{DeviceSync, Status};
pub use verify::Problem;
pub use witness::AsOf;

use self::records::{Catalog, RelayView, Tally};
use super::error::EngineError;
use super::tx::Tx;
use super::vault::Vault;
use crate::chapter::{Bundle, SlotName};
use crate::document::{PlanDoc, Row};
use crate::journal::Month;
use crate::space::device::{DeviceKeys, DeviceSecret};
use crate::space::keyring::Keyring;

/// Randomness that a replica owns.
pub type BoxRng = Box<dyn CryptoRng + Send>;

/// One device's copy of a journal.
pub struct Replica {
    vault: Arc<Vault>,
    rng: BoxRng,
    me: Me,
    roster: Roster,
    keyring: Keyring,
    relay: Option<RelayView>,
    tally: Tally,
    catalog: BTreeMap<Month, Catalog>,
    plan: PlanDoc,
    /// The next intent's place.
    next_intent: u64,
    /// The next outgoing envelope's place.
    next_out: u64,
    /// Something was logged that is no document yet.
    unfolded: bool,
    /// The first entry of a chapter was logged, and when: earlier ones may be packed.
    tidy_at: Option<i64>,
    /// Grows with every change that a reader could see.
    revision: u64,
    /// The chapter unpacked last: editing an old month again is common.
    bundle: Option<(Month, u32, Bundle)>,
    page: Option<(Month, u32, Vec<Row>)>,
    slot_names: HashMap<SlotId, SlotName>,
    /// Alarms raised since the last sync began.
    alarms: Vec<Alarm>,
    jobs: VecDeque<members::Job>,
    /// Removals that the rules or the relay refused, and under which head: tried again under another.
    not_removed: Vec<(AuthorId, Hash)>,
    /// The head under which the rules or the relay refused to bound waiting devices.
    bound_refused: Option<Hash>,
    /// The list of devices that the relay showed, where it parts from this device's.
    fork: Option<fork::Parted>,
    intake: incoming::Intake,
    /// The change of the list of devices that the relay was asked to append.
    appending: Option<crate::space::change::Change>,
    /// Since the sync began.
    counts: Counts,
    /// A restore that has not finished.
    restoring: Option<records::Restoring>,
    /// Shares that were read from the store.
    shares: BTreeMap<SpaceId, shares::Share>,
    /// The shares of this journal, which look at each entry that changes.
    owned: Vec<SpaceId>,
}

/// What a sync has moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Entries (and the plan) that the relay signed for.
    pub sent: u64,
    /// Entries that came, new or changed.
    pub received: u64,
}

/// Requests for another key of this device whose fate is not known. Only a relay that lies about the list of
/// devices brings it to more than one.
const MAX_GOING_ON: usize = 16;

/// Who this device is in the journal's space.
struct Me {
    secret: DeviceSecret,
    space: SpaceId,
    keys: DeviceKeys,
    /// A device that was cloned, or let in again, goes on under the next one.
    generation: u32,
    /// Names that this device went under before.
    former: Vec<AuthorId>,
    name: String,
    /// The generations that it asked to go on under, and the records that say so, until it does: the last
    /// [`MAX_GOING_ON`], the newest last.
    going_on: Vec<(u32, Hash)>,
}

impl Me {
    fn new(secret: DeviceSecret, space: SpaceId, generation: u32, name: String) -> Self {
        let keys = secret.keys(&space, generation);
        let former = secret.former_authors(&space, generation);
        Self { secret, space, keys, generation, former, name, going_on: Vec::new() }
    }

    /// Notes a request to go on under another generation's key.
    fn asked_to_go_on(&mut self, generation: u32, record: Hash) {
        if self.going_on.len() == MAX_GOING_ON {
            self.going_on.remove(0);
        }
        self.going_on.push((generation, record));
    }

    /// Goes on under another generation's key.
    fn go_on(&mut self, generation: u32) {
        self.keys = self.secret.keys(&self.space, generation);
        self.former = self.secret.former_authors(&self.space, generation);
        self.generation = generation;
        self.going_on.clear();
    }
}

/// Something that an honest relay and honest devices never cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Alarm {
    /// The relay showed an envelope that nobody on the list of devices signed.
    Forged,
    /// The relay withholds a part of a chain.
    Withheld,
    /// An envelope signed by a device of this journal could not be read.
    Unreadable,
    /// The relay showed another history of who is on the list of devices, and it takes the
    /// person's word to join the two.
    Fork,
    /// Two histories of the list of devices were joined.
    Healed,
    /// The relay's history is not the one this device knew: it was wiped or rolled back.
    RelayLost,
    /// The store on this device is an older copy of itself.
    OldStore,
    /// A device that the person removed could not be removed yet, and still takes part.
    NotRemoved,
    /// Somebody in a share wrote what is not theirs to write.
    Overstepped,
    /// The relay showed two histories of who is in a share.
    ShareFork,
    /// Somebody is in a share whom the person never let in.
    Stranger,
    /// Somebody who knew a former device's keys goes on with a share in the person's place.
    ShareTaken,
    /// A device that was removed knew the keys of clients' shares.
    InviteAnew,
}

impl Alarm {
    /// What to tell a person.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Forged => {
                "The relay sent something that none of your devices made. It was ignored. If this goes on, ask whoever runs the relay."
            }
            Self::Withheld => {
                "The relay is holding something back that one of your devices sent. What you have here is complete as far as it goes; this device keeps asking."
            }
            Self::Unreadable => {
                "One of your devices sent something that this one cannot read. Update the app on both."
            }
            Self::Fork => {
                "There are two different lists of your devices, and they disagree about who was removed. Nothing was changed, and nothing is lost. Look at both lists. If you know every device that stays, join them; if one is in strange hands, remove it first, or take the journal back with your twelve words."
            }
            Self::Healed => {
                "The relay had lost a part of the list of your devices, and two lists had come of it. They are one again. Look at it once: every device on it should be yours."
            }
            Self::OldStore => {
                "The journal on this device was put back from an older copy. What your other devices and the relay hold comes back with the next syncs."
            }
            Self::NotRemoved => {
                "A device that you removed is still on the list: the removal was refused. It is tried again when the list changes. If the device is in strange hands, take the journal back with your twelve words."
            }
            Self::Overstepped => {
                "Somebody you share with sent something that is not theirs to write. It was ignored. Speak with them, or end the sharing."
            }
            Self::Stranger => {
                "Somebody is in one of your shares whom you did not let in. Nothing new is shared there. Take them out, or end that share and make another."
            }
            Self::ShareTaken => {
                "Somebody with the keys of a device that you removed goes on with one of your shares. Nothing new is shared there from here. Take it back with your twelve words, or tell the other side and make another share."
            }
            Self::InviteAnew => {
                "A device that you removed can still read what your clients share. Ask each of them for a new invitation."
            }
            Self::ShareFork => {
                "The relay shows two different lists of who is in a share. Nothing was changed, and nothing new is shared there. End that share and make another."
            }
            Self::RelayLost => {
                "The relay lost a part of what it held. Your devices are filling it again; nothing is missing here."
            }
        }
    }
}

impl Replica {
    fn tx(&self) -> Tx {
        Tx::new(&self.vault)
    }

    /// Grows with every change that a reader could see.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The alarms raised since they were last taken.
    pub fn take_alarms(&mut self) -> Vec<Alarm> {
        std::mem::take(&mut self.alarms)
    }

    /// Puts what was logged in its place, and makes everything durable that was committed lazily.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn flush(&mut self) -> Result<(), EngineError> {
        self.fold()?;
        self.vault.layer().settle(&self.vault, &mut *self.rng)?;
        Ok(self.vault.store().flush()?)
    }

    fn alarm(&mut self, alarm: Alarm) {
        if !self.alarms.contains(&alarm) {
            self.alarms.push(alarm);
        }
    }

    fn bytes16(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        rand_core::Rng::fill_bytes(&mut *self.rng, &mut bytes);
        bytes
    }
}
