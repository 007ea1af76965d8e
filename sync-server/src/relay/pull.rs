//! Serving items of the feed, in frames that a slow line can make use of one by one.

use std::ops::ControlFlow;

use mainstay_protocol::frame::{Item, ItemBody, Pull, Refusal, Reply};
use mainstay_protocol::ids::{SlotId, SpaceId};
use mainstay_protocol::limits::{MAX_FETCH_NUMBERS, MAX_FETCH_SLOTS, MAX_PULL_BYTES};
use mainstay_protocol::statement::Cursor;

use crate::feed::{FeedError, FeedStore, Form, ItemRow};
use crate::relay::{Connection, Relay, Space, Stop, malformed};

/// A frame's size, unless a single envelope is larger.
const FRAME_BYTES: usize = 64 * 1024;
/// What an item takes up beside its envelope, at most.
const ITEM_OVERHEAD_BYTES: usize = 24;

/// Frames in the making, up to a byte limit.
struct Packer {
    frames: Vec<Vec<Item>>,
    frame_bytes: usize,
    total_bytes: usize,
    limit_bytes: usize,
    /// The limit was met with more to come.
    more: bool,
}

impl Packer {
    fn new(limit_bytes: u32) -> Self {
        let limit_bytes = limit_bytes.min(MAX_PULL_BYTES) as usize;
        let frames = vec![vec![]];
        Self { frames, frame_bytes: 0, total_bytes: 0, limit_bytes, more: false }
    }

    /// Adds an item, if there is room or it is the first.
    fn add(&mut self, number: u64, body: ItemBody) -> ControlFlow<()> {
        let (ItemBody::Whole(bytes) | ItemBody::Stub(bytes)) = &body;
        let cost = bytes.len() + ITEM_OVERHEAD_BYTES;
        if self.total_bytes > 0 && self.total_bytes + cost > self.limit_bytes {
            self.more = true;
            return ControlFlow::Break(());
        }
        if self.frame_bytes > 0 && self.frame_bytes + cost > FRAME_BYTES {
            self.frames.push(vec![]);
            self.frame_bytes = 0;
        }
        self.frame_bytes += cost;
        self.total_bytes += cost;
        if let Some(frame) = self.frames.last_mut() {
            frame.push(Item { number, body });
        }
        ControlFlow::Continue(())
    }
}

impl<S: FeedStore> Relay<S> {
    pub(super) fn pull(
        &self,
        connection: &Connection,
        space: &SpaceId,
        pull: &Pull,
        now_ms: u64,
    ) -> Result<Vec<Reply>, Stop> {
        self.with_space(space, |space| {
            connection.reader(space, now_ms)?;
            if space.roster.state().share.is_some() {
                // A relay that stopped in between shows nobody what was taken back.
                self.finish_coverings(space, now_ms)?;
            }
            match pull {
                Pull::After { cursor, limit_bytes } => self.pull_after(space, cursor, *limit_bytes),
                Pull::Slots { slots, after, stubs, limit_bytes } => {
                    if slots.len() > MAX_FETCH_SLOTS {
                        return Err(malformed("too many slots in one pull"));
                    }
                    let mut packer = Packer::new(*limit_bytes);
                    self.pack_slots(space, slots, *after, *stubs, &mut packer)?;
                    Ok(self.frames(space, packer))
                }
                Pull::Numbers { numbers, limit_bytes } => {
                    if numbers.len() > MAX_FETCH_NUMBERS {
                        return Err(malformed("too many numbers in one pull"));
                    }
                    let mut packer = Packer::new(*limit_bytes);
                    self.pack_numbers(space, numbers, &mut packer)?;
                    Ok(self.frames(space, packer))
                }
                _ => Err(malformed("the relay does not know this pull; it may be too old")),
            }
        })
    }

    fn pull_after(
        &self,
        space: &Space,
        cursor: &Cursor,
        limit_bytes: u32,
    ) -> Result<Vec<Reply>, Stop> {
        if !self.recognises(space, cursor)? {
            return Err(Refusal::CursorUnknown { incarnation: self.incarnation }.into());
        }
        let mut packer = Packer::new(limit_bytes);
        let mut outcome = Ok(());
        self.store.items_after(&space.id, cursor.number, &mut |row| match self
            .body(space, &row, true)
        {
            Ok(body) => packer.add(row.number, body),
            Err(error) => {
                outcome = Err(error);
                ControlFlow::Break(())
            }
        })?;
        outcome?;
        let more = packer.more;
        let mut replies = self.frames(space, packer);
        let last = replies.len() - 1;
        for (index, reply) in replies.iter_mut().enumerate() {
            // The last frame stands at the feed's end, which spares the dropped numbers before it.
            if let Reply::Items { items, cursor, .. } = reply
                && (index < last || more)
                && let Some(item) = items.last()
            {
                let running = self.running(space, item.number)?;
                let running = running.ok_or(FeedError::Damaged { what: "a running hash" })?;
                *cursor = Cursor { number: item.number, running, ..*cursor };
            }
        }
        Ok(replies)
    }

    fn pack_slots(
        &self,
        space: &Space,
        slots: &[SlotId],
        after: u64,
        stubs: bool,
        packer: &mut Packer,
    ) -> Result<(), Stop> {
        for (index, slot) in slots.iter().enumerate() {
            let after = if index == 0 { after } else { 0 };
            let mut outcome = Ok(());
            self.store.numbers_in_slot(&space.id, slot, after, &mut |number| {
                let added = self.live(space, number).and_then(|row| self.body(space, &row, stubs));
                match added {
                    Ok(body) => packer.add(number, body),
                    Err(error) => {
                        outcome = Err(error);
                        ControlFlow::Break(())
                    }
                }
            })?;
            outcome?;
            if packer.more {
                break;
            }
        }
        Ok(())
    }

    fn pack_numbers(
        &self,
        space: &Space,
        numbers: &[u64],
        packer: &mut Packer,
    ) -> Result<(), Stop> {
        for number in numbers {
            let Some(whole) = self.store.body(&space.id, *number, Form::Whole)? else { continue };
            if packer.add(*number, ItemBody::Whole(whole.into())).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn live(&self, space: &Space, number: u64) -> Result<ItemRow, FeedError> {
        let row = self.store.item(&space.id, number)?;
        row.ok_or(FeedError::Damaged { what: "an item that a slot names" })
    }

    fn body(&self, space: &Space, row: &ItemRow, stubs: bool) -> Result<ItemBody, FeedError> {
        let form = if stubs && row.part.is_some() { Form::Stub } else { Form::Whole };
        let bytes = self.store.body(&space.id, row.number, form)?;
        let bytes = bytes.ok_or(FeedError::Damaged { what: "an envelope" })?.into();
        Ok(match form {
            Form::Whole => ItemBody::Whole(bytes),
            Form::Stub => ItemBody::Stub(bytes),
        })
    }

    fn frames(&self, space: &Space, packer: Packer) -> Vec<Reply> {
        let Packer { frames, more, .. } = packer;
        let last = frames.len() - 1;
        let cursor = self.tail(&space.row);
        let frame = |(index, items)| {
            let continues = index < last;
            Reply::Items { items, continues, more: more && !continues, cursor }
        };
        frames.into_iter().enumerate().map(frame).collect()
    }
}
