//! Which version of a document one has.

use automerge::ChangeHash;
use sha2::{Digest, Sha256};

/// A document has at most this many heads; one edit joins them all.
pub const MAX_HEADS: usize = 1024;

/// The heads of a document's change graph: 32-byte hashes, sorted, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Heads(Vec<[u8; 32]>);

const DIGEST_LABEL: &[u8] = b"mainstay document heads v1";

impl Heads {
    /// Heads from hashes in any order.
    #[must_use]
    pub fn new(mut hashes: Vec<[u8; 32]>) -> Self {
        hashes.sort_unstable();
        hashes.dedup();
        Self(hashes)
    }

    /// The hashes, sorted.
    #[must_use]
    pub fn hashes(&self) -> &[[u8; 32]] {
        &self.0
    }

    /// Whether there are none: the document holds nothing yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// 16 bytes that stand for these heads: SHA-256 over a label and the sorted hashes, cut.
    #[must_use]
    pub fn digest(&self) -> [u8; 16] {
        let mut hasher = Sha256::new_with_prefix(DIGEST_LABEL);
        for hash in &self.0 {
            hasher.update(hash);
        }
        let mut digest = [0; 16];
        digest.copy_from_slice(&hasher.finalize()[..16]);
        digest
    }

    pub(super) fn of(hashes: &[ChangeHash]) -> Self {
        Self::new(hashes.iter().map(|hash| hash.0).collect())
    }
}

impl<C> minicbor::Encode<C> for Heads {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(self.0.len() as u64)?;
        self.0.iter().try_for_each(|hash| e.bytes(hash).map(|_| ()))
    }
}

impl<'b, C> minicbor::Decode<'b, C> for Heads {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let bad = minicbor::decode::Error::message;
        let count = d.array()?.ok_or_else(|| bad("heads of unknown number"))?;
        if count > MAX_HEADS as u64 {
            return Err(bad("too many heads"));
        }
        let hashes = (0..count)
            .map(|_| d.bytes()?.try_into().map_err(|_| bad("a head has 32 bytes")))
            .collect::<Result<Vec<[u8; 32]>, _>>()?;
        if !hashes.is_sorted_by(|a, b| a < b) {
            return Err(bad("heads out of order"));
        }
        Ok(Self(hashes))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn heads_survive_cbor_and_refuse_disorder() {
        let heads = Heads::new(vec![[9; 32], [1; 32], [9; 32]]);
        assert_eq!(heads.hashes(), [[1; 32], [9; 32]]);
        let bytes = minicbor::to_vec(&heads).unwrap();
        assert_eq!(minicbor::decode::<Heads>(&bytes).unwrap(), heads);
        let disorder = minicbor::to_vec(Heads(vec![[9; 32], [1; 32]])).unwrap();
        assert!(minicbor::decode::<Heads>(&disorder).is_err());
    }

    #[test]
    fn a_digest_depends_on_every_head() {
        assert_ne!(Heads::new(vec![[1; 32]]).digest(), Heads::new(vec![[1; 32], [2; 32]]).digest());
        assert_ne!(Heads::default().digest(), [0; 16]);
    }
}
