//! Lies that know what they are about.

use mainstay_protocol::envelope::Envelope;
use mainstay_protocol::frame::{Attached, Item, ItemBody, Reply};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::HeadsDigest;
use mainstay_protocol::ids::{Incarnation, SlotId};
use rand_core::Rng;

use super::Tamper;

impl Tamper {
    /// Changes something in an answer.
    pub(super) fn alter(&mut self, reply: &mut Reply) {
        match reply {
            Reply::Attached(attached) => self.alter_greeting(attached),
            Reply::Items { items, more, continues, cursor } => match self.below(5) {
                0 => *more = !*more,
                1 => *continues = !*continues,
                2 => cursor.number = self.rng.next_u64(),
                _ => self.alter_items(items),
            },
            Reply::Roster { records } => self.alter_list(records),
            Reply::Wraps { wraps } => match self.below(3) {
                0 if wraps.len() > 1 => {
                    let sealed = wraps[0].sealed.clone();
                    wraps[0].sealed = std::mem::replace(&mut wraps[1].sealed, sealed);
                }
                1 if !wraps.is_empty() => {
                    let at = self.below(wraps.len());
                    let mut sealed = wraps[at].sealed.to_vec();
                    self.flip(&mut sealed);
                    wraps[at].sealed = sealed.into();
                }
                _ => self.alter_list(wraps),
            },
            Reply::Heads { heads, .. } => self.alter_list(heads),
            Reply::Slots { slots } => {
                if self.below(2) == 0 {
                    slots.push(SlotId(self.bytes()));
                } else {
                    self.alter_list(slots);
                }
            }
            Reply::Receipts { receipts, stamp } => {
                if self.below(3) == 0 {
                    *stamp = self.rng.next_u64();
                } else {
                    self.alter_list(receipts);
                }
            }
            Reply::Letters { letters } => self.alter_list(letters),
            Reply::Pushed { statement } | Reply::Appended { statement } => {
                let others = self.heard.iter().filter_map(|reply| match reply {
                    Reply::Pushed { statement } | Reply::Appended { statement } => Some(statement),
                    _ => None,
                });
                let others: Vec<_> = others.cloned().collect();
                let at = self.below(others.len());
                if let Some(other) = others.into_iter().nth(at) {
                    *statement = other;
                }
            }
            _ => {}
        }
    }

    fn alter_greeting(&mut self, attached: &mut Attached) {
        match self.below(12) {
            0 => attached.recognised = !attached.recognised,
            1 => attached.cursor.number = self.rng.next_u64(),
            2 => attached.cursor.incarnation = Incarnation(self.bytes()),
            3 => attached.roster = Hash(self.bytes()),
            4 => attached.receipts = self.rng.next_u64(),
            5 => attached.rules.quota_bytes = self.rng.next_u64() >> self.below(64),
            6 => attached.rules.retention_ms = self.rng.next_u64() >> self.below(64),
            7 => attached.now_ms = self.rng.next_u64() >> self.below(64),
            8 => attached.heads = Some(HeadsDigest(Hash(self.bytes()))),
            9 => attached.heads = None,
            10 => attached.rules.used_bytes = self.rng.next_u64() >> self.below(64),
            _ => attached.lacks_wraps = !attached.lacks_wraps,
        }
    }

    /// Left out, doubled, swapped, turned round.
    fn alter_list<T: Clone>(&mut self, list: &mut Vec<T>) {
        if list.is_empty() {
            return;
        }
        let at = self.below(list.len());
        match self.below(5) {
            0 => {
                list.remove(at);
            }
            1 => list.insert(at, list[at].clone()),
            2 => list.reverse(),
            3 => list.truncate(at),
            _ => list.swap(0, at),
        }
    }

    fn alter_items(&mut self, items: &mut Vec<Item>) {
        if items.is_empty() {
            return;
        }
        let (at, other) = (self.below(items.len()), self.below(items.len()));
        match self.below(8) {
            0 => {
                let body = items[at].body.clone();
                items[at].body = std::mem::replace(&mut items[other].body, body);
            }
            1 => items[at].number = self.rng.next_u64() >> self.below(64),
            2 => items[at].body = self.cut(&items[at].body.clone()),
            3 => items[at].body = self.with_one_bit_over(&items[at].body.clone()),
            4 => {
                // Only announced, as if it were a snapshot's.
                if let ItemBody::Whole(bytes) = &items[at].body
                    && let Ok(envelope) = Envelope::from_bytes(bytes)
                {
                    items[at].body = ItemBody::Stub(envelope.stub().to_bytes().into());
                }
            }
            5 => {
                let known = self.heard.iter().filter_map(|reply| match reply {
                    Reply::Items { items, .. } => Some(items.clone()),
                    _ => None,
                });
                let known: Vec<Item> = known.flatten().collect();
                let again = self.below(known.len());
                items.extend(known.into_iter().nth(again));
            }
            _ => self.alter_list(items),
        }
    }

    fn cut(&mut self, body: &ItemBody) -> ItemBody {
        let longer = self.below(2) == 0;
        self.changed(body, |this, bytes| match longer {
            true => bytes.extend(this.bytes::<9>()),
            false => bytes.truncate(this.below(bytes.len())),
        })
    }

    fn with_one_bit_over(&mut self, body: &ItemBody) -> ItemBody {
        self.changed(body, |this, bytes| this.flip(bytes))
    }

    fn changed(
        &mut self,
        body: &ItemBody,
        change: impl FnOnce(&mut Self, &mut Vec<u8>),
    ) -> ItemBody {
        let (ItemBody::Whole(bytes) | ItemBody::Stub(bytes)) = body;
        let mut changed = bytes.to_vec();
        change(self, &mut changed);
        match body {
            ItemBody::Whole(_) => ItemBody::Whole(changed.into()),
            ItemBody::Stub(_) => ItemBody::Stub(changed.into()),
        }
    }
}
