//! Receipts: one register for each author.

use mainstay_protocol::FORMAT_VERSION;
use mainstay_protocol::frame::{Refusal, Reply, Signer};
use mainstay_protocol::ids::{AuthorId, SpaceId};
use mainstay_protocol::limits::MAX_RECEIPT_HEADS;
use mainstay_protocol::receipt::Receipt;
use mainstay_protocol::sign::Signed;

use crate::feed::{Change, FeedStore};
use crate::relay::{Connection, Relay, Space, Stop, malformed};

impl<S: FeedStore> Relay<S> {
    pub(super) fn put_receipt(
        &self,
        connection: &Connection,
        space: &SpaceId,
        signed: Signed<Receipt>,
        now_ms: u64,
    ) -> Result<Reply, Stop> {
        self.with_space(space, |space| {
            let receipt = verified(connection, space, &signed, now_ms)?;
            if let Some((_, present)) = self.store.receipt(&space.id, &receipt.author)? {
                if present == signed {
                    return Ok(Reply::Done);
                }
                let present = present.peek().map_or(0, |present| present.counter);
                if receipt.counter <= present {
                    return Err(malformed("a receipt's counter must grow"));
                }
            }
            let mut row = space.row;
            row.receipts += 1;
            let author = receipt.author;
            let change = Change::Receipt(space.id, author, row.receipts, signed);
            self.store.commit(&[change, Change::Space(space.id, row)])?;
            space.row = row;
            self.note_change(&space.id);
            Ok(Reply::Done)
        })
    }

    /// The counter of an author's receipt, 0 without one.
    pub(super) fn counter(&self, space: &Space, author: &AuthorId) -> Result<u64, Stop> {
        let present = self.store.receipt(&space.id, author)?;
        Ok(present
            .and_then(|(_, receipt)| receipt.peek().ok())
            .map_or(0, |receipt| receipt.counter))
    }

    pub(super) fn receipts(
        &self,
        connection: &Connection,
        space: &SpaceId,
        after: u64,
        now_ms: u64,
    ) -> Result<Reply, Stop> {
        self.with_space(space, |space| {
            connection.reader(space, now_ms)?;
            let mut receipts = Vec::new();
            let state = space.roster.state();
            let of_share = state.share.iter().flat_map(|share| share.authors.keys());
            for author in state.members.keys().chain(of_share).filter(|a| state.is_active(a)) {
                let found = self.store.receipt(&space.id, author)?;
                receipts.extend(found.filter(|(stamp, _)| *stamp > after));
            }
            receipts.sort_by_key(|(stamp, _)| *stamp);
            let receipts = receipts.into_iter().map(|(_, receipt)| receipt).collect();
            Ok(Reply::Receipts { receipts, stamp: space.row.receipts })
        })
    }
}

fn verified(
    connection: &Connection,
    space: &Space,
    signed: &Signed<Receipt>,
    now_ms: u64,
) -> Result<Receipt, Stop> {
    let receipt = signed.peek().map_err(|error| malformed(&error.to_string()))?;
    connection.author(space, &receipt.author, now_ms)?;
    let key = space.roster.state().key(&Signer::Device(receipt.author));
    let key = key.ok_or(Refusal::NotAuthorised)?;
    let receipt = signed.verify(key).map_err(|error| malformed(&error.to_string()))?;
    if receipt.version != FORMAT_VERSION || receipt.space != space.id {
        return Err(malformed("a receipt of another version or space"));
    }
    match receipt.recent.len() {
        0..=MAX_RECEIPT_HEADS => Ok(receipt),
        _ => Err(malformed("a receipt names too many heads")),
    }
}
