//! The records of a roster.

use minicbor::bytes::ByteVec;
use minicbor::decode::{Decoder, Error as DecodeError};
use minicbor::{Decode, Encode};

use crate::frame::Signer;
use crate::hash::{Hash, label};
use crate::heads::Head;
use crate::ids::{AuthorId, EpochId, MemberId, SlotId, SpaceId};
use crate::limits::MAX_ROSTER_ACTS;
use crate::sign::{Signable, Signed, VerifyKey, purpose};

/// Acts that take effect together, signed by one signer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Record {
    /// [`crate::FORMAT_VERSION`].
    #[n(0)]
    pub version: u8,
    /// Which space.
    #[n(1)]
    pub space: SpaceId,
    /// 0 for the founding record; one more than the parent's.
    #[n(2)]
    pub number: u32,
    /// The parent's hash; none for the founding record.
    #[n(3)]
    pub parent: Option<Hash>,
    /// Whose signature it bears.
    #[n(4)]
    pub signer: Signer,
    /// What is done, in order; at most [`MAX_ROSTER_ACTS`].
    #[cbor(n(5), decode_with = "decode_acts")]
    pub acts: Vec<Act>,
}

/// Two bytes can be an act, which takes about a hundred times that in memory: too many are refused
/// before they are held.
fn decode_acts<C>(d: &mut Decoder<'_>, ctx: &mut C) -> Result<Vec<Act>, DecodeError> {
    let mut acts = Vec::new();
    for act in d.array_iter_with(ctx)? {
        if acts.len() == MAX_ROSTER_ACTS {
            return Err(DecodeError::message("a roster record has too many acts"));
        }
        acts.push(act?);
    }
    Ok(acts)
}

impl Signable for Record {
    const PURPOSE: &'static str = purpose::ROSTER;
}

/// One thing that a record does.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum Act {
    /// Founds the space. The founding record's first act.
    #[n(0)]
    Found {
        /// The recovery key, whose hash is the space's id.
        #[n(0)]
        recovery: VerifyKey,
        /// The key to wrap epochs for it.
        #[n(1)]
        recovery_kem: KemKey,
    },
    /// Admits a device, or confirms one that a recovery left waiting.
    #[n(1)]
    Admit {
        /// The device.
        #[n(0)]
        device: Device,
        /// The present epoch, wrapped for it; none if the same record starts a new one.
        #[n(1)]
        wrap: Option<WrapRef>,
        /// The signer itself, if it goes on under this key: both are one device. Nobody can say so of
        /// another device.
        #[n(2)]
        succeeds: Option<AuthorId>,
    },
    /// Removes a device. The same record must start an epoch.
    #[n(2)]
    Remove {
        /// Whom.
        #[n(0)]
        author: AuthorId,
        /// The last heads of theirs that are accepted, where no snapshot covers them. Anything
        /// later, and anything in a slot that is not named, counts only if a snapshot covers it.
        #[n(1)]
        last: Vec<LastHead>,
    },
    /// Starts an epoch.
    #[n(3)]
    Epoch(#[n(0)] Epoch),
    /// Takes the space back with the recovery key. The first act of its record, followed by one
    /// `Admit` and one `Epoch`.
    #[n(4)]
    Recover,
    /// Joins two branches. The first act of its record, followed by one `Epoch`.
    #[n(5)]
    Heal {
        /// The other branch from the fork on; at most [`crate::limits::MAX_HEAL_RECORDS`].
        #[n(0)]
        branch: Vec<Signed<Record>>,
    },
    /// Makes the space a share. Follows `Found` in its founding record, before the first `Epoch`.
    #[n(6)]
    Share {
        /// The person who shares.
        #[n(0)]
        owner: Party,
    },
    /// Adds one of the signing member's devices.
    #[n(7)]
    Certify {
        /// The device's key in this share.
        #[n(0)]
        key: VerifyKey,
    },
    /// Takes out a device, of the signing member or on the owner's word.
    #[n(8)]
    Retire {
        /// Which.
        #[n(0)]
        author: AuthorId,
        /// As in [`Act::Remove`].
        #[n(1)]
        last: Vec<LastHead>,
    },
    /// Lets a member in. The same record must start an epoch.
    #[n(9)]
    Enter {
        /// Whom.
        #[n(0)]
        member: Party,
    },
    /// A member goes: on the owner's word, and then the same record must start an epoch; or by
    /// themselves.
    #[n(10)]
    Leave {
        /// Who.
        #[n(0)]
        member: MemberId,
        /// The last heads of each of their devices that are accepted.
        #[n(1)]
        last: Vec<AuthorLast>,
    },
    /// The owner goes on under other keys. The same record must start an epoch.
    #[n(11)]
    Rekey {
        /// The owner's new keys.
        #[n(0)]
        owner: Party,
        /// The last heads of each of the old keys' devices that are accepted.
        #[n(1)]
        last: Vec<AuthorLast>,
    },
    /// What the owner agrees to share, in place of what they agreed to before.
    #[n(12)]
    Consent {
        /// The epoch whose key seals it.
        #[n(0)]
        epoch: EpochId,
        /// The consent, sealed for the members; at most
        /// [`crate::limits::MAX_SEALED_CONSENT_BYTES`].
        #[n(1)]
        sealed: ByteVec,
        /// After this Unix time (milliseconds) nobody but the owner reads or writes here.
        #[n(2)]
        until_ms: Option<u64>,
    },
    /// Says how much of a waiting device's chains is known: whoever read them after the recovery
    /// signs for it. Nobody but the relay could tell what the device signs from then on from what it
    /// had signed before, so that counts only once the person confirms the device.
    #[n(13)]
    Bound {
        /// Whom.
        #[n(0)]
        author: AuthorId,
        /// As in a removal.
        #[n(1)]
        last: Vec<LastHead>,
    },
}

/// What a member of a share may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
#[non_exhaustive]
pub enum Role {
    /// The person whose journal it is.
    #[n(0)]
    Owner,
    /// Somebody they share with.
    #[n(1)]
    Counsellor,
}

/// A member of a share as the roster knows them: one human.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Party {
    /// Signs for them, whichever of their devices they use.
    #[n(0)]
    pub key: VerifyKey,
    /// Epochs are wrapped for them under this key.
    #[n(1)]
    pub kem: KemKey,
    /// What they may do.
    #[n(2)]
    pub role: Role,
    /// Their name, sealed for the members.
    #[n(3)]
    pub sealed_name: ByteVec,
}

impl Party {
    /// The member's id in this share.
    pub fn member(&self) -> MemberId {
        self.key.member_id()
    }
}

/// An author, a slot and the last head there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct AuthorLast {
    /// Whose chain.
    #[n(0)]
    pub author: AuthorId,
    /// Where it ends.
    #[n(1)]
    pub last: LastHead,
}

/// A slot and the last head in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct LastHead {
    /// The slot.
    #[n(0)]
    pub slot: SlotId,
    /// The head.
    #[n(1)]
    pub head: Head,
}

/// A device as the roster knows it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Device {
    /// Signs its envelopes and records in this space.
    #[n(0)]
    pub key: VerifyKey,
    /// Epochs are wrapped for it under this key.
    #[n(1)]
    pub kem: KemKey,
    /// Its name, sealed for the space's members.
    #[n(2)]
    pub sealed_name: ByteVec,
}

impl Device {
    /// The device's id in this space.
    pub fn author(&self) -> AuthorId {
        self.key.author_id()
    }
}

/// An X-Wing public key (draft-connolly-cfrg-xwing-kem): 1,216 bytes, opaque to this crate.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct KemKey(#[n(0)] pub ByteVec);

impl KemKey {
    /// The bytes of an X-Wing public key.
    pub const LEN: usize = 1216;
}

impl std::fmt::Debug for KemKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KemKey({} bytes)", self.0.len())
    }
}

/// One generation of a space's key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Epoch {
    /// A commitment to the key.
    #[n(0)]
    pub id: EpochId,
    /// One more than the epoch before it.
    #[n(1)]
    pub number: u32,
    /// The hashes of its wraps: one for each active device and one for the recovery key.
    #[n(2)]
    pub wraps: Vec<WrapRef>,
    /// Earlier keys, sealed under this one: that of the epoch before, and after a heal also that of
    /// the other branch.
    #[n(3)]
    pub previous: Vec<SealedKey>,
}

/// Whom a wrap is for, and its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct WrapRef {
    /// Who can open it.
    #[n(0)]
    pub to: Signer,
    /// [`wrap_hash`] of the wrap.
    #[n(1)]
    pub hash: Hash,
}

/// An epoch key sealed under a later one.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SealedKey {
    /// Whose key it is.
    #[n(0)]
    pub epoch: EpochId,
    /// Opaque to this crate.
    #[n(1)]
    pub sealed: ByteVec,
}

/// An epoch key wrapped for one recipient. It lies beside the roster, which holds its hash.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Wrap {
    /// Whom it is for.
    #[n(0)]
    pub to: Signer,
    /// Which epoch it holds.
    #[n(1)]
    pub epoch: EpochId,
    /// The hash of the parent of the record that names it, which the wrap is bound to.
    #[n(2)]
    pub parent: Option<Hash>,
    /// Encapsulated key and ciphertext, at most [`crate::limits::MAX_WRAP_BYTES`].
    #[n(3)]
    pub sealed: ByteVec,
}

/// The hash that names a record in its chain.
pub fn record_hash(record: &Signed<Record>) -> Hash {
    Hash::of(label::ROSTER, &[record.body()])
}

/// The hash under which a record names a wrap.
pub fn wrap_hash(wrap: &Wrap) -> Hash {
    Hash::of(label::WRAP, &[&crate::codec::encode(wrap)])
}
