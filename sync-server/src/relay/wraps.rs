//! Wrapped epoch keys: stored beside the roster, served to their recipient alone.

use std::collections::BTreeSet;

use mainstay_protocol::codec::encode;
use mainstay_protocol::frame::{Reply, Signer};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::limits::MAX_WRAP_BYTES;
use mainstay_protocol::roster::{Act, Record, Wrap, WrapRef, wrap_hash};

use crate::feed::FeedStore;
use crate::relay::{Connection, Relay, Space, Stop, roster};

/// Wraps in one reply: the newest. Each epoch holds the key of the one before it.
const MAX_WRAPS_SERVED: usize = 32;
/// The same in a share, where no epoch holds another one's key: as many as fit into a frame.
const MAX_SHARE_WRAPS_SERVED: usize = 160;

impl<S: FeedStore> Relay<S> {
    pub(super) fn wraps(
        &self,
        connection: &Connection,
        space: &SpaceId,
        now_ms: u64,
    ) -> Result<Reply, Stop> {
        self.with_space(space, |space| {
            let signer = connection.participant(space, now_ms)?;
            let (recipient, most) = recipient(space, signer);
            let mut wraps = Vec::new();
            let records = space.roster.records().collect::<Vec<_>>();
            let refs = records.iter().rev().flat_map(|(_, _, record)| named(record));
            for WrapRef { to, hash } in refs.filter(|wrap| wrap.to == recipient) {
                wraps.extend(self.store.wrap(&space.id, &to, &hash)?);
                if wraps.len() == most {
                    break;
                }
            }
            Ok(Reply::Wraps { wraps })
        })
    }
}

impl<S: FeedStore> Relay<S> {
    /// Whether wraps of the present epoch's key are not here: a rolled back relay may have learnt
    /// its record from a device that has no copy of them.
    pub(super) fn lacks_wraps(&self, space: &Space) -> Result<bool, Stop> {
        let records = space.roster.records().collect::<Vec<_>>();
        for (_, _, record) in records.into_iter().rev() {
            for wrap in named(record) {
                if self.store.wrap(&space.id, &wrap.to, &wrap.hash)?.is_none() {
                    return Ok(true);
                }
            }
            if record.acts.iter().any(|act| matches!(act, Act::Epoch(_))) {
                break;
            }
        }
        Ok(false)
    }
}

/// Whose wraps a signer gets, and how many: in a share a device gets its member's.
fn recipient(space: &Space, signer: Signer) -> (Signer, usize) {
    let Some(share) = &space.roster.state().share else { return (signer, MAX_WRAPS_SERVED) };
    let member = match signer {
        Signer::Device(author) => share.author_of(&author).map(|(member, _)| member),
        Signer::Member(_) | Signer::Recovery => None,
    };
    (member.map_or(signer, Signer::Member), MAX_SHARE_WRAPS_SERVED)
}

/// The wraps that a record names.
pub(super) fn named(record: &Record) -> Vec<WrapRef> {
    let mut refs = Vec::new();
    for act in &record.acts {
        match act {
            Act::Admit { wrap, .. } => refs.extend(*wrap),
            Act::Epoch(epoch) => refs.extend(&epoch.wraps),
            _ => {}
        }
    }
    refs
}

/// Matches wraps with the references that must name them.
pub(super) fn check(named: &[WrapRef], wraps: Vec<Wrap>) -> Result<Vec<(Hash, Wrap)>, Stop> {
    let named: BTreeSet<(Signer, Hash)> = named.iter().map(|r| (r.to, r.hash)).collect();
    let mut checked = Vec::new();
    for wrap in wraps {
        if wrap.sealed.len() > MAX_WRAP_BYTES {
            return Err(roster::bad("a wrapped key is too long"));
        }
        let hash = wrap_hash(&wrap);
        if !named.contains(&(wrap.to, hash)) {
            return Err(roster::bad("a wrapped key is not one that the record names"));
        }
        checked.push((hash, wrap));
    }
    Ok(checked)
}

/// As [`check`], when none may be missing: an epoch whose key somebody cannot get locks them out.
pub(super) fn check_all(named: &[WrapRef], wraps: Vec<Wrap>) -> Result<Vec<(Hash, Wrap)>, Stop> {
    let checked = check(named, wraps)?;
    let there: BTreeSet<Hash> = checked.iter().map(|(hash, _)| *hash).collect();
    match named.iter().all(|wrap| there.contains(&wrap.hash)) {
        true => Ok(checked),
        false => Err(roster::bad("a wrapped key that the record names is missing")),
    }
}

/// What a wrap counts towards the space's quota.
pub(super) fn size(wrap: &Wrap) -> u64 {
    encode(wrap).len() as u64
}
