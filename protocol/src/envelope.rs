//! The signed, sealed unit that devices store on the relay.
//!
//! An envelope is a plain header, a ciphertext and a signature. The signature covers the header's
//! exact bytes, the space and the ciphertext's hash, so that a [`Stub`] (an envelope without its
//! ciphertext) verifies just as well: who already holds what a snapshot covers skips its body.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::codec::{self, CodecError};
use crate::hash::{Hash, label};
use crate::heads::{AuthorHead, Head};
use crate::ids::{AuthorId, EpochId, SlotId, SpaceId};
use crate::limits;
use crate::sign::{BadSignature, Signature, VerifyKey, purpose, signing_input};

/// What an envelope is to the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
#[non_exhaustive]
pub enum Kind {
    /// Changes. Kept until a snapshot covers them.
    #[n(0)]
    Change,
    /// A part of a snapshot: a chapter's bundle, a chapter's page, or the plan. When its last part
    /// is stored it replaces exactly what it covers.
    #[n(1)]
    Snapshot,
    /// In a share: the newest state of one record, whole. It replaces at once what it covers, which
    /// is what its member said in its slot before.
    #[n(2)]
    Record,
}

/// Which part of a whole this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Chunk {
    /// Counted from 0.
    #[n(0)]
    pub index: u32,
    /// How many there are, at most [`limits::MAX_CHUNKS`].
    #[n(1)]
    pub count: u32,
}

impl Chunk {
    /// A whole in one part.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Whether this is the last part.
    pub fn is_last(&self) -> bool {
        self.index + 1 == self.count
    }
}

/// The plain part of an envelope. All of it is signed, and all of it is bound to the ciphertext as
/// additional data.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Header {
    /// [`crate::FORMAT_VERSION`].
    #[n(0)]
    pub version: u8,
    /// The roster head under which the author acted.
    #[n(1)]
    pub roster: Hash,
    /// The epoch whose key seals it.
    #[n(2)]
    pub epoch: EpochId,
    /// Where it belongs.
    #[n(3)]
    pub slot: SlotId,
    /// Who signed it.
    #[n(4)]
    pub author: AuthorId,
    /// Its place in the author's chain in this slot; the first is 1.
    #[n(5)]
    pub seq: u64,
    /// The hash of the envelope before it in that chain; zeros for the first.
    #[n(6)]
    pub previous: Hash,
    /// What it is.
    #[n(7)]
    pub kind: Kind,
    /// Which part of a whole it is.
    #[n(8)]
    pub chunk: Chunk,
    /// In every part of a snapshot, and in a record: the heads that it replaces, its own author's among
    /// them when that author has one. Sorted by author. Empty for a change.
    #[n(9)]
    pub covers: Vec<AuthorHead>,
    /// In a snapshot: what it replaces is to be destroyed at once instead of after the retention
    /// period, because it holds something that was to be forgotten. Always set in a record.
    #[n(10)]
    pub destroys: bool,
    /// In a snapshot: it holds something that no covered envelope held, so that even who holds
    /// every covered head fetches it. It says nothing in a record, which is always served whole.
    #[n(11)]
    pub news: bool,
    /// In a snapshot that destroys: how many documents it forgets that no covered snapshot had
    /// forgotten. It is the author's word, there for a relay that cannot look inside; whoever opens
    /// the snapshot counts for itself. See [`limits::MAX_FORGOTTEN_A_DAY`].
    #[cbor(n(12), default)]
    pub forgets: u32,
    /// In every part of a snapshot: what is in it, as a digest under a key that only members have, so that
    /// who holds every covered head can tell without the body whether it lacks something. `None` is of a
    /// version that did not say, or of rows, which can be made again.
    #[n(13)]
    pub contents: Option<Hash>,
}

impl Header {
    /// The head that a snapshot covers of `author`.
    pub fn covered(&self, author: &AuthorId) -> Option<Head> {
        self.covers.iter().find(|cover| cover.author == *author).map(|cover| cover.head)
    }

    /// The head that this follows in its chain; none for the first.
    fn before(&self) -> Option<Head> {
        let seq = self.seq.checked_sub(1).filter(|seq| *seq > 0)?;
        Some(Head { seq, hash: self.previous })
    }

    fn check(&self) -> Result<(), CodecError> {
        let malformed = |why: &str| Err(CodecError::Malformed(format!("envelope header: {why}")));
        if self.version != crate::FORMAT_VERSION {
            return Err(CodecError::Newer(self.version));
        }
        if self.covers.len() > limits::MAX_COVERS {
            return Err(CodecError::Limit { what: "covered heads", limit: limits::MAX_COVERS });
        }
        if self.chunk.count > limits::MAX_CHUNKS {
            let limit = limits::MAX_CHUNKS as usize;
            return Err(CodecError::Limit { what: "chunks of a snapshot", limit });
        }
        let places = self.covers.iter().map(|cover| cover.head.seq).chain([self.seq]);
        if places.max() > Some(limits::MAX_SEQ) {
            return malformed("a place that no chain reaches");
        }
        if self.seq == 0 || self.chunk.index >= self.chunk.count {
            return malformed("counts from the wrong number");
        }
        if self.seq <= u64::from(self.chunk.index) {
            return malformed("a part comes before the chain's start");
        }
        match self.kind {
            Kind::Change if self.destroys || self.news || !self.covers.is_empty() => {
                malformed("a change covers nothing")
            }
            Kind::Change | Kind::Record if self.contents.is_some() => {
                malformed("only a snapshot says what is in it")
            }
            Kind::Change if self.chunk != Chunk::WHOLE => malformed("a change has one part"),
            Kind::Record if self.chunk != Chunk::WHOLE => malformed("a record has one part"),
            Kind::Record if !self.destroys || self.forgets > 0 => {
                malformed("a record destroys what it replaces, and forgets nothing")
            }
            // Of one device, a slot never holds two records.
            Kind::Record if self.covered(&self.author) != self.before() => {
                malformed("a record does not replace the one before it in its chain")
            }
            _ if self.forgets > 0 && !self.destroys => {
                malformed("what is forgotten must be destroyed")
            }
            _ if !self.covers.is_sorted_by(|a, b| a.author < b.author) => {
                malformed("covered heads are not sorted by author")
            }
            _ => Ok(()),
        }
    }
}

/// An envelope without its ciphertext: enough to verify, to count and to decide whether the body is
/// needed.
#[derive(Clone, PartialEq, Eq)]
pub struct Stub {
    header: Header,
    header_bytes: Vec<u8>,
    ciphertext_hash: Hash,
    signature: Signature,
}

/// A whole envelope.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    stub: Stub,
    ciphertext: Vec<u8>,
}

/// What an envelope's additional data and signature start from: the space and the header's exact
/// bytes.
pub fn additional_data(space: &SpaceId, header_bytes: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(SpaceId::LEN + header_bytes.len());
    data.extend_from_slice(space.as_bytes());
    data.extend_from_slice(header_bytes);
    data
}

impl Stub {
    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The name of this envelope in chains, feeds and statements.
    pub fn hash(&self, space: &SpaceId) -> Hash {
        Hash::of(label::ENVELOPE, &[&self.signed_bytes(space)])
    }

    /// Checks the author's signature.
    ///
    /// # Errors
    /// [`BadSignature`] when it does not match, or `key` is not the header's author's.
    pub fn verify(&self, space: &SpaceId, key: &VerifyKey) -> Result<(), BadSignature> {
        if key.author_id() != self.header.author {
            return Err(BadSignature);
        }
        key.verify(purpose::ENVELOPE, &self.signed_bytes(space), &self.signature)
    }

    fn signed_bytes(&self, space: &SpaceId) -> Vec<u8> {
        let mut bytes = additional_data(space, &self.header_bytes);
        bytes.extend_from_slice(self.ciphertext_hash.as_bytes());
        bytes
    }

    /// The stub's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(&StubWire {
            header: self.header_bytes.clone().into(),
            ciphertext_hash: self.ciphertext_hash,
            signature: self.signature,
        })
    }

    /// Reads a stub. Nothing is verified but form and limits.
    ///
    /// # Errors
    /// [`CodecError`] for anything malformed, too large or too new.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        let wire: StubWire = codec::decode(bytes)?;
        Self::new(wire.header.into(), wire.ciphertext_hash, wire.signature)
    }

    fn new(header_bytes: Vec<u8>, hash: Hash, signature: Signature) -> Result<Self, CodecError> {
        let header: Header = codec::decode(&header_bytes)?;
        header.check()?;
        Ok(Self { header, header_bytes, ciphertext_hash: hash, signature })
    }
}

impl Envelope {
    /// Seals and signs: `seal` turns (additional data) into the ciphertext, `sign` signs the
    /// signing input it gets.
    pub fn make(
        space: &SpaceId,
        header: Header,
        seal: impl FnOnce(&[u8]) -> Vec<u8>,
        sign: impl FnOnce(&[u8]) -> Signature,
    ) -> Self {
        let header_bytes = codec::encode(&header);
        let ciphertext = seal(&additional_data(space, &header_bytes));
        let ciphertext_hash = Hash::of(label::CIPHERTEXT, &[&ciphertext]);
        let signature = Signature([0; Signature::LEN]);
        let mut stub = Stub { header, header_bytes, ciphertext_hash, signature };
        stub.signature = sign(&signing_input(purpose::ENVELOPE, &stub.signed_bytes(space)));
        Self { stub, ciphertext }
    }

    /// The envelope without its ciphertext.
    pub fn stub(&self) -> &Stub {
        &self.stub
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.stub.header
    }

    /// See [`Stub::hash`].
    pub fn hash(&self, space: &SpaceId) -> Hash {
        self.stub.hash(space)
    }

    /// See [`Stub::verify`]; that the ciphertext is the signed one was checked when it was read.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, space: &SpaceId, key: &VerifyKey) -> Result<(), BadSignature> {
        self.stub.verify(space, key)
    }

    /// The sealed bytes.
    pub fn ciphertext(&self) -> &[u8] {
        &self.ciphertext
    }

    /// What the ciphertext is bound to.
    pub fn additional_data(&self, space: &SpaceId) -> Vec<u8> {
        additional_data(space, &self.stub.header_bytes)
    }

    /// The envelope's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(&EnvelopeWire {
            header: self.stub.header_bytes.clone().into(),
            ciphertext: self.ciphertext.clone().into(),
            signature: self.stub.signature,
        })
    }

    /// Reads an envelope. Nothing is verified but form and limits.
    ///
    /// # Errors
    /// [`CodecError`] for anything malformed, too large or too new.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        if bytes.len() > limits::MAX_ENVELOPE_BYTES {
            let limit = limits::MAX_ENVELOPE_BYTES;
            return Err(CodecError::Limit { what: "envelope bytes", limit });
        }
        let wire: EnvelopeWire = codec::decode(bytes)?;
        let ciphertext: Vec<u8> = wire.ciphertext.into();
        if ciphertext.len() > limits::MAX_CIPHERTEXT_BYTES {
            let limit = limits::MAX_CIPHERTEXT_BYTES;
            return Err(CodecError::Limit { what: "ciphertext bytes", limit });
        }
        let hash = Hash::of(label::CIPHERTEXT, &[&ciphertext]);
        Ok(Self { stub: Stub::new(wire.header.into(), hash, wire.signature)?, ciphertext })
    }
}

impl std::fmt::Debug for Stub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stub({:?} seq {})", self.header.kind, self.header.seq)
    }
}

impl std::fmt::Debug for Envelope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Envelope({:?} seq {})", self.stub.header.kind, self.stub.header.seq)
    }
}

#[derive(Encode, Decode)]
struct EnvelopeWire {
    #[n(0)]
    header: ByteVec,
    #[n(1)]
    ciphertext: ByteVec,
    #[n(2)]
    signature: Signature,
}

#[derive(Encode, Decode)]
struct StubWire {
    #[n(0)]
    header: ByteVec,
    #[n(1)]
    ciphertext_hash: Hash,
    #[n(2)]
    signature: Signature,
}
