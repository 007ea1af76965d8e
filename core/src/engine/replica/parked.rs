//! Items of the feed that wait for others, in memory, until the sync ends.
//!
//! A relay can withhold what comes before them for as long as it likes, so they are bounded, and an
//! answer looks only at those that it lets go on. What there is no room for is dropped: the cursor stays
//! where it is then, and the next sync reads it again, with what has been taken in by then behind it.

use std::collections::{BTreeMap, BTreeSet};

use mainstay_protocol::frame::{Item, ItemBody};
use mainstay_protocol::ids::{AuthorId, EpochId, SlotId};

/// Items that wait at one time. In an honest feed some dozens wait for a snapshot that is further on.
const MAX_PARKED_ITEMS: usize = 4096;
/// What they take together, in bytes: what a phone has to spare for them.
const MAX_PARKED_BYTES: usize = 16 * 1024 * 1024;

/// What an item waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// The one before it in its chain, or a snapshot that stands for it.
    Before(SlotId, AuthorId, u64),
    /// The key of its epoch; none if its body was left out.
    Key(Option<EpochId>),
}

/// Items that wait.
#[derive(Default)]
pub(super) struct Parked {
    chains: BTreeMap<(SlotId, AuthorId), BTreeMap<u64, Vec<Item>>>,
    sealed: Vec<(Option<EpochId>, Item)>,
    /// Places from which a chain may go on, met since the last answer; `true`: everything before
    /// such a place is settled, too.
    reached: BTreeSet<(SlotId, AuthorId, u64, bool)>,
    items: usize,
    bytes: usize,
    /// There was no room for something.
    dropped: bool,
}

impl Parked {
    /// Whether something waits, or was dropped: the feed does not count as read up to there.
    pub(super) fn holds_something(&self) -> bool {
        self.items > 0 || self.dropped
    }

    /// Keeps an item, once, if there is room.
    pub(super) fn park(&mut self, item: Item, wait: Wait) {
        let known = match &wait {
            Wait::Before(slot, author, seq) => {
                let chain = self.chains.get(&(*slot, *author));
                chain.and_then(|chain| chain.get(seq)).is_some_and(|same| same.contains(&item))
            }
            Wait::Key(_) => self.sealed.iter().any(|(_, other)| *other == item),
        };
        if known {
            return;
        }
        let bytes = self.bytes + size(&item);
        if self.items == MAX_PARKED_ITEMS || bytes > MAX_PARKED_BYTES {
            self.dropped = true;
            return;
        }
        (self.items, self.bytes) = (self.items + 1, bytes);
        match wait {
            Wait::Before(slot, author, seq) => {
                let chain = self.chains.entry((slot, author)).or_default();
                chain.entry(seq).or_default().push(item);
            }
            Wait::Key(epoch) => self.sealed.push((epoch, item)),
        }
    }

    /// A chain has come up to a place: what is next in it, and before, need not wait any more.
    pub(super) fn moved(&mut self, slot: SlotId, author: AuthorId, seq: u64) {
        if self.chains.contains_key(&(slot, author)) {
            self.reached.insert((slot, author, seq, true));
        }
    }

    /// A snapshot stands for a chain up to a place: what is next in it need not wait any more.
    pub(super) fn announced(&mut self, slot: SlotId, author: AuthorId, seq: u64) {
        if self.chains.contains_key(&(slot, author)) {
            self.reached.insert((slot, author, seq, false));
        }
    }

    /// The items that need not wait any more for what comes before them.
    pub(super) fn take_next(&mut self) -> Vec<Item> {
        let mut next = Vec::new();
        for (slot, author, seq, all_before) in std::mem::take(&mut self.reached) {
            let Some(chain) = self.chains.get_mut(&(slot, author)) else { continue };
            let after = seq.saturating_add(1);
            let from = if all_before { 0 } else { after };
            let places: Vec<u64> = chain.range(from..=after).map(|(seq, _)| *seq).collect();
            next.extend(places.iter().filter_map(|seq| chain.remove(seq)).flatten());
            if chain.is_empty() {
                self.chains.remove(&(slot, author));
            }
        }
        self.gone(&next);
        next
    }

    /// The items whose key is here now.
    pub(super) fn take_sealed(&mut self, is_here: impl Fn(&EpochId) -> bool) -> Vec<Item> {
        let waiting = std::mem::take(&mut self.sealed);
        let (open, sealed): (Vec<_>, _) =
            waiting.into_iter().partition(|(epoch, _)| epoch.as_ref().is_some_and(&is_here));
        self.sealed = sealed;
        let open: Vec<Item> = open.into_iter().map(|(_, item)| item).collect();
        self.gone(&open);
        open
    }

    fn gone(&mut self, items: &[Item]) {
        self.items -= items.len();
        self.bytes -= items.iter().map(size).sum::<usize>();
    }
}

fn size(item: &Item) -> usize {
    let (ItemBody::Whole(bytes) | ItemBody::Stub(bytes)) = &item.body;
    size_of::<Item>() + bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOT: SlotId = SlotId([1; 16]);
    const AUTHOR: AuthorId = AuthorId([2; 16]);

    fn item(number: u64, bytes: usize) -> Item {
        Item { number, body: ItemBody::Whole(vec![0; bytes].into()) }
    }

    fn numbers(items: &[Item]) -> Vec<u64> {
        items.iter().map(|item| item.number).collect()
    }

    // Broken on purpose: `park` without the two limits made it fail.
    #[test]
    fn items_that_wait_are_bounded_and_what_was_dropped_is_not_taken_for_read() {
        let mut parked = Parked::default();
        for number in 0..10_000 {
            parked.park(item(number, 10), Wait::Before(SLOT, AUTHOR, number + 2));
        }
        assert_eq!(parked.items, MAX_PARKED_ITEMS);
        let mut large = Parked::default();
        for number in 0..1000 {
            large.park(item(number, 100_000), Wait::Key(None));
        }
        assert!(large.bytes <= MAX_PARKED_BYTES && large.items > 100);
        parked.moved(SLOT, AUTHOR, 10_000);
        assert_eq!(parked.take_next().len(), MAX_PARKED_ITEMS);
        assert_eq!((parked.items, parked.bytes), (0, 0));
        assert!(parked.holds_something(), "the next sync reads again what was dropped");
    }

    // Broken on purpose: `take_next` giving everything made it fail.
    #[test]
    fn an_answer_looks_only_at_what_it_lets_go_on() {
        let mut parked = Parked::default();
        for number in 0..100 {
            for _ in 0..3 {
                parked.park(item(number, 10), Wait::Before(SLOT, AUTHOR, number + 10));
            }
        }
        assert_eq!(parked.items, 100, "each is kept once, however often it is shown");
        assert_eq!(parked.take_next(), []);
        parked.moved(SLOT, AUTHOR, 7);
        assert_eq!(parked.take_next(), []);
        parked.moved(SLOT, AUTHOR, 10);
        assert_eq!(numbers(&parked.take_next()), [0, 1]);
        parked.announced(SLOT, AUTHOR, 49);
        assert_eq!(numbers(&parked.take_next()), [40]);
        parked.park(item(500, 10), Wait::Key(Some(EpochId([1; 32]))));
        assert_eq!(parked.take_sealed(|_| false), []);
        assert_eq!(numbers(&parked.take_sealed(|_| true)), [500]);
    }
}
