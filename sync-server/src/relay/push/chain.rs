//! Whether an envelope continues its chain.

use mainstay_protocol::codec::encode;
use mainstay_protocol::envelope::{Header, Kind};
use mainstay_protocol::frame::{Refusal, Signer};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{AuthorHead, Head};

use super::plan::{Plan, bad};
use crate::feed::{FeedError, FeedStore, Part};
use crate::relay::Stop;

/// The label of [`Part::whole`]; it never leaves the relay.
const SNAPSHOT: &str = "relay: parts of one snapshot";

/// Checks an envelope's place, and for a snapshot or a record what it covers.
pub(super) fn check<S: FeedStore>(
    plan: &Plan<'_, S>,
    header: &Header,
) -> Result<Option<Part>, Stop> {
    let head = plan.head(&header.slot, &header.author)?;
    if !follows(header, head.as_ref()) {
        return Err(out_of_order(header, head));
    }
    match header.kind {
        Kind::Change => return Ok(None),
        Kind::Record => {
            header.covers.iter().try_for_each(|cover| check_cover(plan, header, cover))?;
            return Ok(None);
        }
        _ => {}
    }
    let part = part(header);
    if part.index > 0 && !continues(plan, header, &part)? {
        return Err(out_of_order(header, head));
    }
    if header.covered(&header.author).is_some_and(|own| own.seq >= first_seq(header)) {
        return Err(bad("a snapshot covers itself"));
    }
    if part.index == 0 || header.chunk.is_last() {
        header.covers.iter().try_for_each(|cover| check_cover(plan, header, cover))?;
    }
    Ok(Some(part))
}

/// Whether all parts of a snapshot are stored, the last of which is `header`'s. They are consecutive
/// in their chain; another device's snapshot may have replaced the first ones in the meantime.
pub(super) fn is_whole<S: FeedStore>(
    plan: &Plan<'_, S>,
    header: &Header,
) -> Result<bool, FeedError> {
    let whole = part(header).whole;
    for seq in first_seq(header)..header.seq {
        let item = plan.item_at(&header.slot, &header.author, seq)?;
        let there = item.is_some_and(|item| {
            item.dropped.is_none() && item.part.is_some_and(|part| part.whole == whole)
        });
        if !there {
            return Ok(false);
        }
    }
    Ok(true)
}

fn follows(header: &Header, head: Option<&Head>) -> bool {
    let before = header.seq - 1;
    let present = head.map_or(Head { seq: 0, hash: Hash([0; 32]) }, |head| *head);
    if before == present.seq {
        return header.previous == present.hash;
    }
    // A snapshot or a record that stands for everything up to it may begin anywhere ahead.
    let claimed = Head { seq: before, hash: header.previous };
    before > present.seq
        && header.kind != Kind::Change
        && header.chunk.index == 0
        && header.covered(&header.author) == Some(claimed)
}

fn continues<S: FeedStore>(
    plan: &Plan<'_, S>,
    header: &Header,
    part: &Part,
) -> Result<bool, FeedError> {
    let before = plan.item_at(&header.slot, &header.author, header.seq - 1)?;
    let before = before.and_then(|item| item.part);
    Ok(before.is_some_and(|p| p.whole == part.whole && p.index + 1 == part.index))
}

/// A device that covers another history than the relay's has lost something, or is at fault; so is one
/// that would replace what another member of a share said.
fn check_cover<S: FeedStore>(
    plan: &Plan<'_, S>,
    header: &Header,
    cover: &AuthorHead,
) -> Result<(), Stop> {
    if !plan.space.roster.state().may_cover(&header.author, &cover.author) {
        return Err(bad("it covers what somebody else stored"));
    }
    let head = plan.head(&header.slot, &cover.author)?;
    // Names that nobody ever had would fill the chapter's list of chains, which has a limit. Of a device
    // that a recovery has voided there may be envelopes here, and they may be replaced.
    let known = plan.space.roster.state().known_key(&Signer::Device(cover.author)).is_some();
    if head.is_none() && !known {
        return Err(bad("a snapshot covers a device that was never on the list"));
    }
    let known = match head {
        Some(head) if head.seq == cover.head.seq => Some(head.hash),
        _ => plan.item_at(&header.slot, &cover.author, cover.head.seq)?.map(|item| item.hash),
    };
    match known {
        Some(hash) if hash != cover.head.hash => {
            Err(bad("it covers an envelope that the relay knows otherwise"))
        }
        _ => Ok(()),
    }
}

/// What all parts of one snapshot have in common: where it begins, and what its headers say of it.
fn part(header: &Header) -> Part {
    let parts: [&[u8]; 5] = [
        &first_seq(header).to_be_bytes(),
        &header.chunk.count.to_be_bytes(),
        &[u8::from(header.destroys)],
        &header.forgets.to_be_bytes(),
        &encode(&header.covers),
    ];
    Part { whole: Hash::of(SNAPSHOT, &parts), index: header.chunk.index }
}

/// The place of a snapshot's first part. A header's `seq` is above its part's index, which
/// `Envelope::from_bytes` has checked.
fn first_seq(header: &Header) -> u64 {
    header.seq - u64::from(header.chunk.index)
}

fn out_of_order(header: &Header, head: Option<Head>) -> Stop {
    Refusal::OutOfOrder { slot: header.slot, author: header.author, head }.into()
}
