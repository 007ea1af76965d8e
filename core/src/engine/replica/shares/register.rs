//! What was said in a share, record by record.

use std::ops::ControlFlow;

use mainstay_protocol::codec;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{AuthorHead, Head, SlotHead};
use mainstay_protocol::ids::{AuthorId, MemberId, SlotId, SpaceId};
use mainstay_protocol::limits::MAX_RECEIPT_HEADS;
use mainstay_protocol::roster::{Role, State};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::{Replica, Share};
use crate::care::{RecordId, SharedRecord};
use crate::engine::error::EngineError;
use crate::engine::replica::records::Tally;
use crate::engine::tx::Tx;
use crate::engine::vault::{Key, Table};
use crate::space::slot::SlotName;

/// Who stands on one side of a share: all zeros for the owner, whichever keys they go under; for
/// anybody else their member id.
pub(super) type SideId = [u8; 16];

/// A slot of a share: one record, and where the chains of its member's devices stand.
// A person's words are in it: not printed.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Register {
    #[n(0)]
    pub(super) slot: SlotId,
    /// Whose it is.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(super) side: SideId,
    #[n(2)]
    pub(super) heads: Vec<AuthorHead>,
    /// What stands, of each device at most once.
    #[n(3)]
    pub(super) said: Vec<Said>,
    /// What this device is to say and no envelope holds yet.
    #[n(4)]
    pub(super) pending: Option<ByteVec>,
    /// Of which entry an owner's record is the projection.
    #[n(5)]
    pub(super) entry: Option<[u8; 16]>,
    /// The relay lost what this device said.
    #[n(6)]
    pub(super) lost: bool,
}

/// What one device said.
// A person's words are in it: not printed.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Said {
    #[n(0)]
    pub(super) author: AuthorId,
    #[n(1)]
    pub(super) head: Head,
    #[n(2)]
    pub(super) counter: u64,
    /// [`SharedRecord`] bytes.
    #[n(3)]
    pub(super) record: ByteVec,
}

/// An envelope whose fate is unknown.
// A person's words are in it: not printed.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Sent {
    #[n(0)]
    pub(super) envelope: ByteVec,
    #[n(1)]
    pub(super) hash: Hash,
    #[n(2)]
    pub(super) slot: SlotId,
}

impl Register {
    pub(super) fn new(slot: SlotId, side: SideId) -> Self {
        Self {
            slot,
            side,
            heads: Vec::new(),
            said: Vec::new(),
            pending: None,
            entry: None,
            lost: false,
        }
    }

    pub(super) fn head(&self, author: &AuthorId) -> Option<Head> {
        self.heads.iter().find(|head| head.author == *author).map(|head| head.head)
    }

    /// What stands: the highest counter, and of two equal ones the higher hash.
    pub(super) fn winner(&self) -> Option<&Said> {
        self.said.iter().max_by_key(|said| (said.counter, said.head.hash))
    }

    pub(super) fn record(&self) -> Option<SharedRecord> {
        SharedRecord::from_bytes(&self.winner()?.record).ok()
    }

    /// What a new record of a device covers: the chains of its side's devices, sorted.
    pub(super) fn covers_of(&self, state: &State, author: &AuthorId) -> Vec<AuthorHead> {
        let mut heads = self.heads.clone();
        heads.retain(|head| state.may_cover(author, &head.author));
        heads.sort();
        heads
    }

    /// Takes in that a device's chain has come to a place, if that is further than was known.
    pub(super) fn advance(&mut self, tally: &mut Tally, author: &AuthorId, head: Head) {
        let before = self.head(author);
        if before.is_some_and(|before| before.seq >= head.seq) {
            return;
        }
        self.set_head(tally, author, Some(head));
        self.said.retain(|said| said.author != *author || said.head.seq >= head.seq);
    }

    /// Sets a chain's end, here and in what this device states to hold.
    pub(super) fn set_head(&mut self, tally: &mut Tally, author: &AuthorId, head: Option<Head>) {
        let before = self.head(author);
        self.heads.retain(|known| known.author != *author);
        self.heads.extend(head.map(|head| AuthorHead { author: *author, head }));
        let named = |head| SlotHead { slot: self.slot, author: *author, head };
        for head in [before, head].into_iter().flatten() {
            tally.digest.toggle(&named(head));
        }
        tally.recent.retain(|known| known.slot != self.slot || known.author != *author);
        if let Some(head) = head {
            tally.recent.insert(0, named(head));
            tally.recent.truncate(MAX_RECEIPT_HEADS);
        }
        tally.owed = true;
    }
}

impl Share {
    /// On which side a member stands.
    pub(super) fn side_of(&self, member: &MemberId) -> SideId {
        let share = self.roster.state().share.as_ref();
        let party = share.and_then(|share| share.parties.get(member));
        match party.is_some_and(|state| state.party.role == Role::Owner) {
            true => [0; 16],
            false => member.0,
        }
    }

    pub(super) fn my_side(&self) -> SideId {
        if self.owns() { [0; 16] } else { self.me.member.0 }
    }

    /// The slot of a record.
    pub(super) fn slot_of(&self, record: &RecordId) -> SlotId {
        self.keyring.space_key().slot(SlotName::Record(*record.as_bytes()))
    }
}

impl Replica {
    /// Each side has registers of its own: nobody takes a place that is somebody else's.
    fn register_key(&self, share: &SpaceId, side: &SideId, slot: &SlotId) -> Key {
        self.vault.key(Table::ShareRecord, &[share.as_bytes(), side, slot.as_bytes()])
    }

    /// By side too: what somebody else puts in the same slot does not make this device silent.
    fn say_key(&self, share: &SpaceId, register: &Register) -> Key {
        let (side, slot) = (&register.side, register.slot.as_bytes());
        self.vault.key(Table::ShareSay, &[share.as_bytes(), side, slot])
    }

    pub(super) fn register(
        &self,
        tx: &Tx,
        share: &SpaceId,
        (side, slot): (&SideId, &SlotId),
    ) -> Result<Option<Register>, EngineError> {
        tx.get(&self.register_key(share, side, slot))
    }

    pub(super) fn put_register(
        &self,
        tx: &mut Tx,
        share: &SpaceId,
        register: &Register,
    ) -> Result<(), EngineError> {
        let say = self.say_key(share, register);
        match register.pending.is_some() || register.lost {
            true => tx.put(&say, &register.slot)?,
            false => tx.delete(&say)?,
        }
        tx.put(&self.register_key(share, &register.side, &register.slot), register)
    }

    /// Slots in which something is to be said.
    pub(super) fn to_say(&self, share: &SpaceId) -> Result<Vec<SlotId>, EngineError> {
        let mut slots = Vec::new();
        let all = self.vault.key(Table::ShareSay, &[share.as_bytes()]);
        self.tx().scan(&all, &mut |_, bytes| {
            slots.push(codec::decode(&bytes)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(slots)
    }

    pub(super) fn drop_register(
        &self,
        tx: &mut Tx,
        share: &SpaceId,
        register: &Register,
    ) -> Result<(), EngineError> {
        tx.delete(&self.say_key(share, register))?;
        tx.delete(&self.register_key(share, &register.side, &register.slot))
    }

    /// Visits every register of a share.
    pub(super) fn each_register(
        &self,
        share: &SpaceId,
        visit: &mut dyn FnMut(Register) -> Result<ControlFlow<()>, EngineError>,
    ) -> Result<(), EngineError> {
        let all = self.vault.key(Table::ShareRecord, &[share.as_bytes()]);
        self.tx().scan(&all, &mut |_, bytes| visit(codec::decode(&bytes)?))
    }

    /// All registers of a share.
    pub(super) fn registers(&self, share: &SpaceId) -> Result<Vec<Register>, EngineError> {
        let mut registers = Vec::new();
        self.each_register(share, &mut |register| {
            registers.push(register);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(registers)
    }

    /// How much waits in all shares to be said, or for the relay's word.
    pub(in crate::engine::replica) fn unsaid(&self) -> Result<usize, EngineError> {
        let mut waits = 0;
        for table in [Table::ShareSay, Table::ShareOut] {
            self.tx().scan(&self.vault.table(table), &mut |_, _| {
                waits += 1;
                Ok(ControlFlow::Continue(()))
            })?;
        }
        Ok(waits)
    }

    fn sent_key(&self, share: &SpaceId, slot: &SlotId) -> Key {
        self.vault.key(Table::ShareOut, &[share.as_bytes(), slot.as_bytes()])
    }

    /// The envelopes of a share whose fate is unknown: of each slot at most one.
    pub(super) fn sent(&self, share: &SpaceId) -> Result<Vec<Sent>, EngineError> {
        let mut sent = Vec::new();
        let all = self.vault.key(Table::ShareOut, &[share.as_bytes()]);
        self.tx().scan(&all, &mut |_, bytes| {
            sent.push(codec::decode(&bytes)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(sent)
    }

    pub(super) fn put_sent(
        &self,
        tx: &mut Tx,
        share: &SpaceId,
        sent: &Sent,
    ) -> Result<(), EngineError> {
        tx.put(&self.sent_key(share, &sent.slot), sent)
    }

    pub(super) fn drop_sent(
        &self,
        tx: &mut Tx,
        share: &SpaceId,
        slot: &SlotId,
    ) -> Result<(), EngineError> {
        tx.delete(&self.sent_key(share, slot))
    }

    /// An entry changed: every share of this person's looks at it with its next sync.
    pub(in crate::engine::replica) fn touch(
        &self,
        tx: &mut Tx,
        entry: &crate::journal::EntryId,
    ) -> Result<(), EngineError> {
        self.owned.iter().try_for_each(|share| self.touch_one(tx, share, entry))
    }

    /// One share looks at an entry with its next sync.
    pub(super) fn touch_one(
        &self,
        tx: &mut Tx,
        share: &SpaceId,
        entry: &crate::journal::EntryId,
    ) -> Result<(), EngineError> {
        let key = self.vault.key(Table::ShareDue, &[share.as_bytes(), entry.as_bytes()]);
        tx.put_bytes(&key, entry.as_bytes())
    }

    pub(super) fn touched(
        &self,
        share: &SpaceId,
    ) -> Result<Vec<crate::journal::EntryId>, EngineError> {
        let mut entries = Vec::new();
        let all = self.vault.key(Table::ShareDue, &[share.as_bytes()]);
        self.tx().scan(&all, &mut |_, bytes| {
            let id = bytes[..].try_into().map_err(|_| EngineError::damaged("an entry's id"))?;
            entries.push(crate::journal::EntryId::from_bytes(id));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(entries)
    }

    pub(super) fn untouch(
        &self,
        tx: &mut Tx,
        share: &SpaceId,
        entry: &crate::journal::EntryId,
    ) -> Result<(), EngineError> {
        tx.delete(&self.vault.key(Table::ShareDue, &[share.as_bytes(), entry.as_bytes()]))
    }
}
