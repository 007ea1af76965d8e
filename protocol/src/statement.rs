//! What a relay states, signed with the key that its address pins.

use minicbor::{Decode, Encode};

use crate::hash::{Hash, label};
use crate::heads::HeadsDigest;
use crate::ids::{Incarnation, SpaceId};
use crate::sign::{Signable, purpose};

/// A place in a space's feed that can be recognised again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Cursor {
    /// Which life of the relay's store numbered the feed.
    #[n(0)]
    pub incarnation: Incarnation,
    /// The number of the last item; the first is 1, and 0 is before the first.
    #[n(1)]
    pub number: u64,
    /// The running hash of the feed up to that item.
    #[n(2)]
    pub running: Hash,
}

impl Cursor {
    /// The place before a feed's first item.
    pub fn start(incarnation: Incarnation) -> Self {
        Self { incarnation, number: 0, running: Hash([0; 32]) }
    }

    /// The place after one more item.
    pub fn next(&self, envelope: &Hash) -> Self {
        let number = self.number + 1;
        let parts: [&[u8]; 4] = [
            self.incarnation.as_bytes(),
            &number.to_be_bytes(),
            self.running.as_bytes(),
            envelope.as_bytes(),
        ];
        Self { number, running: Hash::of(label::FEED, &parts), ..*self }
    }
}

/// An envelope and the number it has in the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Stored {
    /// The envelope's hash.
    #[n(0)]
    pub envelope: Hash,
    /// Its number; 0 for one that a snapshot has already replaced.
    #[n(1)]
    pub number: u64,
}

/// What the relay says it holds durably at the moment of signing.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Statement {
    /// [`crate::FORMAT_VERSION`].
    #[n(0)]
    pub version: u8,
    /// Which space.
    #[n(1)]
    pub space: SpaceId,
    /// Where the feed stands.
    #[n(2)]
    pub cursor: Cursor,
    /// What is stated.
    #[n(3)]
    pub claim: Claim,
}

/// What a [`Statement`] states.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum Claim {
    /// These envelopes are stored.
    #[n(0)]
    Stored(#[n(0)] Vec<Stored>),
    /// This is the roster's head.
    #[n(1)]
    Roster(#[n(0)] Hash),
    /// These are the heads of all chains, as their digest; the list comes beside it.
    #[n(2)]
    Heads(#[n(0)] HeadsDigest),
}

impl Signable for Statement {
    const PURPOSE: &'static str = purpose::STATEMENT;
}
