//! Shares: what goes to a counsellor, and what comes from a client (decision 12).
//!
//! The vault (the private space) says which shares there are and holds their keys: [`book`]. What a
//! device knows of one share is its [`view`]; what was said in it lies in [`register`]. Nothing to be
//! sent is kept: what the roster, the consent and the journal say is compared with what was said
//! last, and the difference is sealed when it is pushed ([`giving`]).

mod book;
mod changes;
mod comparing;
mod disclosing;
mod doors;
mod editing;
mod errand;
mod giving;
mod glance;
mod info;
mod mending;
mod opened;
mod opening;
mod read;
mod recovering;
mod register;
mod side;
mod taking;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::HeadsDigest;
use mainstay_protocol::ids::{AuthorId, MemberId, SlotId, SpaceId};
use mainstay_protocol::roster::{Role, Roster};

use self::book::Book;
use self::comparing::Comparison;
pub use self::disclosing::{Disclosure, ShareHistory};
pub use self::doors::Handshake;
pub use self::editing::SharedPlanView;
pub use self::errand::Errand;
pub use self::glance::Glance;
pub use self::info::{Heard, ShareInfo, ShareMember, ShareStage};
pub use self::opening::Offer;
use self::view::ShareView;
use super::{Alarm, Replica};
use crate::engine::error::EngineError;
use crate::journal::EntryId;
use crate::space::keyring::Keyring;
use crate::space::member::MemberKeys;
use crate::space::sign::AuthorKey;

/// Keys of this device that are tried in a share before giving up: each was taken out, or its member
/// went on under other keys.
const MAX_GENERATIONS: u32 = 256;

/// One share, as this device takes part in it.
pub(super) struct Share {
    id: SpaceId,
    book: Book,
    roster: Roster,
    keyring: Keyring,
    view: ShareView,
    me: ShareMe,
    /// The record that the relay was asked to append, and the epoch that it starts.
    appending: Option<crate::space::change::Change>,
    /// Entries whose projection is to be compared with what was said last, and under which terms; none:
    /// not looked at yet.
    due: Option<([u8; 32], BTreeSet<EntryId>)>,
    /// Records that are to be taken back, or once more, of entries that are none of this journal.
    strays: Vec<SlotId>,
    /// Heads of the list of members that items named and this device does not know, asked for once.
    asked_heads: BTreeSet<Hash>,
    stale_roster: bool,
    /// Items were passed over because their key had not come.
    passed_over: bool,
    lacks_wraps: bool,
    /// Something came that may say which changes of the plan were taken in.
    plan_came: bool,
    comparison: Comparison,
    relay_ms: Option<i64>,
    /// This device's clock, when something was sealed last.
    now_ms: i64,
    received: u64,
    sent: u64,
    /// How many new records fit in, and how many did not, since everything was last compared.
    room: usize,
    left_out: u64,
}

/// Who this device is in a share.
struct ShareMe {
    role: Role,
    member: MemberId,
    /// Which of its member's secrets these keys follow from.
    generation: u32,
    keys: MemberKeys,
    author: AuthorKey,
}

impl Share {
    fn author(&self) -> AuthorId {
        self.me.author.author_id()
    }

    /// Whether this device's member is in.
    fn is_in(&self) -> bool {
        self.roster.state().share.as_ref().is_some_and(|s| s.party(&self.me.member).is_some())
    }

    /// Whether the list names this device.
    fn is_listed(&self) -> bool {
        self.roster.state().is_active(&self.author())
    }

    /// The relay's clock, as it told it last; without it, this device's.
    fn clock_ms(&self) -> i64 {
        self.relay_ms.unwrap_or(self.now_ms)
    }

    /// Whether these are the heads that this device knows, or differ from them as they did before.
    fn is_settled(&self, theirs: &HeadsDigest, now_ms: i64) -> bool {
        let difference = theirs.difference(&self.view.tally.digest);
        self.view.relay.is_settled(&difference, now_ms)
    }

    fn owns(&self) -> bool {
        self.me.role == Role::Owner
    }
}

impl Replica {
    /// The shares in the vault, by id.
    pub(super) fn books(&self) -> BTreeMap<SpaceId, Book> {
        let care = self.plan.care();
        care.iter().filter_map(|(id, values)| Some((*id, Book::read(values)?))).collect()
    }

    /// One of them.
    pub(super) fn book(&self, id: &SpaceId) -> Option<Book> {
        Book::read(&self.plan.care_of(id))
    }

    /// Runs `work` on a share that this device has a view of.
    pub(super) fn with_share<T>(
        &mut self,
        id: &SpaceId,
        work: impl FnOnce(&mut Self, &mut Share) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let mut share = self.take_share(id)?;
        let done = work(self, &mut share);
        self.shares.insert(*id, share);
        done
    }

    /// Takes a share out of memory, or reads it from the store. The vault decides under which keys.
    fn take_share(&mut self, id: &SpaceId) -> Result<Share, EngineError> {
        let book = self.book(id).ok_or(EngineError::NoSuchShare)?;
        let held = match self.shares.remove(id) {
            Some(share) => {
                (share.roster.clone(), share.keyring.clone(), share.view.clone(), Some(share))
            }
            None => {
                let view = self.share_view(id)?.ok_or(EngineError::ShareNotHere)?;
                let roster = Roster::verify(*id, &view.records)?;
                let keyring = book.keyring().ok_or(EngineError::damaged("a share's keys"))?;
                (roster, keyring, view, None)
            }
        };
        let (roster, mut keyring, mut view, before) = held;
        book.epochs.iter().for_each(|epoch| keyring.add(epoch.clone()));
        let me = self.share_me(id, &book, &roster, &mut view)?;
        Ok(match before {
            Some(share) => Share { book, keyring, view, me, ..share },
            None => Share::new(*id, book, (roster, keyring), view, me),
        })
    }

    /// Under which of its member's keys this device takes part: those that the list of members
    /// names; before it does, the newest. Its own key is one that was not taken out.
    fn share_me(
        &self,
        id: &SpaceId,
        book: &Book,
        roster: &Roster,
        view: &mut ShareView,
    ) -> Result<ShareMe, EngineError> {
        let share = roster.state().share.as_ref();
        let present = |member: &MemberId| share.is_some_and(|s| s.party(member).is_some());
        let keys = book.secrets.iter().map(|(generation, secret)| (*generation, secret.keys()));
        let mut keys: Vec<(u32, MemberKeys)> = keys.collect();
        let at = keys.iter().rposition(|(_, keys)| present(&keys.member_id()));
        let at = at.or(keys.len().checked_sub(1)).ok_or(EngineError::damaged("a share's keys"))?;
        let (generation, keys) = keys.swap_remove(at);
        let member = keys.member_id();
        let mut author = self.me.secret.keys(id, view.generation).author;
        for _ in 0..MAX_GENERATIONS {
            let known = share.and_then(|share| share.authors.get(&author.author_id()));
            if known.is_none_or(|known| known.ended.is_none() && known.member == member) {
                break;
            }
            view.generation += 1;
            author = self.me.secret.keys(id, view.generation).author;
        }
        Ok(ShareMe { role: book.role, member, generation, keys, author })
    }

    /// The list of members has changed: this device may go on under other keys.
    pub(super) fn renew_me(&self, share: &mut Share) -> Result<(), EngineError> {
        share.me = self.share_me(&share.id, &share.book, &share.roster, &mut share.view)?;
        Ok(())
    }

    /// Something that an honest relay and honest members never cause.
    pub(super) fn share_alarm(&mut self, alarm: Alarm) {
        self.alarm(alarm);
    }
}

impl Share {
    fn new(
        id: SpaceId,
        book: Book,
        (roster, keyring): (Roster, Keyring),
        view: ShareView,
        me: ShareMe,
    ) -> Self {
        Self {
            id,
            book,
            roster,
            keyring,
            view,
            me,
            appending: None,
            due: None,
            strays: Vec::new(),
            asked_heads: BTreeSet::new(),
            stale_roster: false,
            passed_over: false,
            lacks_wraps: false,
            plan_came: false,
            comparison: Comparison::default(),
            relay_ms: None,
            now_ms: 0,
            received: 0,
            sent: 0,
            room: giving::MAX_SHARED_RECORDS,
            left_out: 0,
        }
    }
}
