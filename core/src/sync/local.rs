//! What a sync needs of the device.

use mainstay_protocol::frame::{Attach, Grant, Item, Proof, Request, Signer};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{HeadsDigest, SlotHead};
use mainstay_protocol::ids::{AuthorId, Incarnation, SlotId, SpaceId};
use mainstay_protocol::receipt::Receipt;
use mainstay_protocol::roster::{Record, Wrap};
use mainstay_protocol::sign::{Signature, Signed, VerifyKey};
use mainstay_protocol::statement::{Cursor, Statement, Stored};

use super::SyncError;

/// Envelopes to push, and whether they are all that waits.
pub struct Outgone {
    /// Whole envelopes with their hashes, oldest first.
    pub envelopes: Vec<(Hash, Vec<u8>)>,
    /// Nothing else waits.
    pub all: bool,
}

/// What a device makes of the list of devices that the relay shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownRoster {
    /// It is taken over, or was known.
    Taken,
    /// It is behind this device's: the relay has to be taught the rest.
    Behind,
    /// It parts from this device's, and this device can join the two.
    Forked,
}

/// What a restore asks for next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestoreAsk {
    /// The names of all slots.
    Names,
    /// What these slots hold, from a number on in the first of them.
    Slots(Vec<SlotId>, u64),
}

/// The device's side of a sync: reads and durable writes, no network, no clock.
///
/// Every method may fail with what the device's store says; the sync then ends, and whatever was
/// taken in before stays.
pub trait Local {
    /// What the device's own failures are.
    type Error: From<SyncError>;

    /// The space.
    fn space(&self) -> SpaceId;
    /// Who this device is there.
    fn author(&self) -> AuthorId;
    /// As whom this device introduces itself: as itself, or in a share that does not list it yet as
    /// the member whose device it is.
    fn speaker(&self) -> Signer {
        Signer::Device(self.author())
    }
    /// The relay has another list of devices than this device's, and does not know its name: from here on it
    /// speaks under a former one, until the lists are joined. Tells whether it has one that was not tried.
    fn speak_formerly(&mut self) -> bool {
        false
    }
    /// Whether it does so now. All that it may do then is to join the lists.
    fn speaks_formerly(&self) -> bool {
        false
    }
    /// From here on it speaks under its present name again.
    fn speak_presently(&mut self) {}
    /// Signs the proof that a connection speaks for [`Local::speaker`].
    fn sign_attach(&self, proof: &Proof) -> Signature;
    /// Where this device stands in the relay's feed; none before the first sync.
    fn cursor(&self) -> Option<Cursor>;
    /// The furthest place in the feed that the relay is known to have been at.
    fn witness(&self) -> Option<Cursor>;
    /// The roster head that it has accepted.
    fn roster_head(&self) -> Hash;
    /// The stamp of the newest receipt.
    fn receipts_stamp(&self) -> u64;
    /// Whether what the relay had acknowledged still stands.
    fn intact(&self) -> bool;

    /// Whether a relay that is behind may have the list of devices from this one: who takes part, and who
    /// left by themselves, which nobody else may know.
    fn may_teach(&self) -> bool {
        self.is_member()
    }

    /// What makes the space known to a relay.
    ///
    /// # Errors
    /// What the device's store says.
    fn creation(&mut self) -> Result<Request, Self::Error>;
    /// The relay knows the space now, and may say so again later.
    ///
    /// # Errors
    /// What the device's store says.
    fn created(&mut self, grant: Signed<Grant>) -> Result<(), Self::Error>;
    /// The relay says that it does not know the space: nothing is on it, whatever it once signed.
    ///
    /// # Errors
    /// What the device's store says.
    fn space_unknown(&mut self) -> Result<(), Self::Error>;
    /// What the relay's clock says, in Unix milliseconds.
    fn heard_clock(&mut self, relay_ms: u64);
    /// Whether the relay said that it lacks wraps of the present epoch's key.
    fn relay_lacks_wraps(&mut self, lacks: bool);
    /// The relay's feed is another one than this device knew.
    ///
    /// # Errors
    /// What the device's store says.
    fn relay_lost(&mut self, now: &Cursor) -> Result<(), Self::Error>;
    /// The relay does not know the place that this device's cursor names: its feed is read from the start.
    ///
    /// # Errors
    /// What the device's store says.
    fn place_unknown(&mut self) -> Result<(), Self::Error>;
    /// Takes over roster records.
    ///
    /// # Errors
    /// When they are not lawful, or show another history that this device cannot join, or not
    /// without the person's word.
    fn take_roster(&mut self, records: &[Signed<Record>]) -> Result<ShownRoster, Self::Error>;
    /// After [`ShownRoster::Forked`]: the record that joins both, as an append to the shown head.
    /// `None` while the key of the shown branch's epoch is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    fn heal(&mut self) -> Result<Option<Request>, Self::Error>;
    /// Whether an item named a record that the list of devices here does not hold; asked once.
    fn roster_is_stale(&mut self) -> bool;
    /// Whether this device is still listed.
    fn is_member(&self) -> bool;
    /// Whether the present epoch's key is missing.
    fn lacks_key(&self) -> bool;
    /// Takes in wrapped keys, those of a branch that is to be joined among them.
    ///
    /// # Errors
    /// When none of them opens.
    fn take_wraps(&mut self, wraps: &[Wrap]) -> Result<(), Self::Error>;

    /// Takes in items of the feed. The cursor is kept with them if nothing is left waiting.
    ///
    /// # Errors
    /// What the device's store says.
    fn take_items(
        &mut self,
        items: Vec<Item>,
        cursor: Option<Cursor>,
        now_ms: i64,
    ) -> Result<(), Self::Error>;
    /// Numbers of items that are wanted whole.
    ///
    /// # Errors
    /// What the device's store says.
    fn wanted(&mut self) -> Result<Vec<u64>, Self::Error>;
    /// The wanted items were asked for, and this is all that came. Tells whether the feed is to be read from its
    /// start in this sync, because they may lie elsewhere.
    ///
    /// # Errors
    /// What the device's store says.
    fn end_wanted(&mut self) -> Result<bool, Self::Error>;
    /// The feed has been read to its end.
    ///
    /// # Errors
    /// What the device's store says.
    fn end_pull(&mut self) -> Result<(), Self::Error>;

    /// What an unfinished restore asks for first, with the sync's greeting.
    fn restore_first(&mut self, now_ms: i64) -> Option<Vec<Request>>;
    /// What an unfinished restore asks for next.
    ///
    /// # Errors
    /// What the device's store says.
    fn restore_next(&mut self) -> Result<Option<RestoreAsk>, Self::Error>;
    /// The names of all slots.
    ///
    /// # Errors
    /// What the device's store says.
    fn take_slots(&mut self, slots: Vec<SlotId>, now_ms: i64) -> Result<(), Self::Error>;
    /// An answer to [`RestoreAsk::Slots`] has come: all of it, or up to this slot and number so far.
    ///
    /// # Errors
    /// What the device's store says.
    fn restored_to(
        &mut self,
        asked: &[SlotId],
        stopped: Option<(SlotId, u64)>,
    ) -> Result<(), Self::Error>;

    /// Takes in receipts.
    ///
    /// # Errors
    /// What the device's store says.
    fn take_receipts(
        &mut self,
        receipts: &[Signed<Receipt>],
        incarnation: Incarnation,
        stamp: u64,
    ) -> Result<(), Self::Error>;
    /// Compares the relay's chains with this device's.
    ///
    /// # Errors
    /// When the statement is not about these heads.
    fn compare_heads(
        &mut self,
        heads: &[SlotHead],
        statement: &Signed<Statement>,
        relay: &VerifyKey,
    ) -> Result<(), Self::Error>;

    /// Whether the relay's chains, by their digest, are this device's, or differ from them only as they did
    /// when they were last compared; also while that cannot be judged.
    ///
    /// # Errors
    /// What the device's store says.
    fn agrees(&mut self, theirs: &HeadsDigest) -> Result<bool, Self::Error>;
    /// Slots in which the relay's heads, as they were last compared, go further than this device's.
    ///
    /// # Errors
    /// What the device's store says.
    fn behind(&mut self) -> Result<Vec<SlotId>, Self::Error>;
    /// What they hold was asked for, and has come as far as the relay gave it.
    ///
    /// # Errors
    /// What the device's store says.
    fn end_comparison(&mut self) -> Result<(), Self::Error>;
    /// The stamp of the newest receipt that the relay has.
    fn heard_receipts(&mut self, newest: u64);
    /// The counter of this device's own receipt that the relay has: where it is behind, the relay lost the
    /// last one, and it is stated again.
    fn heard_own_receipt(&mut self, counter: u64);

    /// The next change of the list of devices, as an append to the present head.
    ///
    /// # Errors
    /// When it cannot be made.
    fn next_append(&mut self) -> Result<Option<Request>, Self::Error>;
    /// It was appended.
    ///
    /// # Errors
    /// What the device's store says.
    fn appended(&mut self) -> Result<(), Self::Error>;
    /// It was refused for good.
    fn append_refused(&mut self);

    /// What is to be pushed, up to a bound: what was sent before without an answer, or what is
    /// sealed now.
    ///
    /// # Errors
    /// What the device's store says.
    fn outgoing(&mut self, now_ms: i64, limit_bytes: usize) -> Result<Outgone, Self::Error>;
    /// The relay has signed for these.
    ///
    /// # Errors
    /// What the device's store says.
    fn stored(&mut self, stored: &[Stored], cursor: Cursor) -> Result<(), Self::Error>;
    /// What was pushed was refused: its content waits again.
    ///
    /// # Errors
    /// What the device's store says.
    fn take_back(&mut self) -> Result<(), Self::Error>;
    /// The relay knows chains otherwise than this device covers them: its heads decide.
    ///
    /// # Errors
    /// What the device's store says.
    fn heads_differ(&mut self) -> Result<(), Self::Error>;
    /// The relay's chain in a slot is not where this device's is.
    ///
    /// # Errors
    /// What the device's store says.
    fn out_of_order(
        &mut self,
        slot: SlotId,
        author: AuthorId,
        head: Option<mainstay_protocol::heads::Head>,
    ) -> Result<(), Self::Error>;
    /// A receipt, if one is owed.
    ///
    /// # Errors
    /// What the device's store says.
    fn receipt(&mut self) -> Result<Option<Signed<Receipt>>, Self::Error>;
    /// The relay has the receipt that was given last. Until then it is owed.
    ///
    /// # Errors
    /// What the device's store says.
    fn receipt_stored(&mut self) -> Result<(), Self::Error>;
    /// Everything is done.
    ///
    /// # Errors
    /// What the device's store says.
    fn finished(&mut self, now_ms: i64) -> Result<(), Self::Error>;
}

/// Builds the request that attaches a connection.
pub(super) fn attach<L: Local>(
    local: &L,
    exporter: Option<[u8; 32]>,
    relay: &VerifyKey,
) -> Request {
    let (space, signer) = (local.space(), local.speaker());
    let signature = exporter
        .map(|exporter| local.sign_attach(&Proof { exporter, relay: *relay, space, signer }));
    Request::Attach(Attach { space, signer, signature, cursor: local.witness() })
}
