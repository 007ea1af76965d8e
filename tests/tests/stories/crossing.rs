//! A forgetting that crosses other phones' envelopes on their way: what they put on the relay again
//! is taken off it as well, whoever of them is left, and nobody packs for ever.

use std::collections::BTreeSet;

use mainstay_core::journal::EntryId;
use mainstay_core::space::phrase::Phrase;
use mainstay_core::sync::Local;
use mainstay_tests::inside::Inside;
use mainstay_tests::network::{Conversation, Line, Turn};
use mainstay_tests::stores;
use mainstay_tests::world::{Phone, World};

use super::{DAY_MS, edit, log, round, rows, two};

/// The phone that forgets, the one that sends what crosses it, and one that looks on.
const FORGETS: usize = 0;
const SENDS: usize = 1;
const LOOKS_ON: usize = 2;

/// Three phones with a month in which one entry is to be forgotten.
struct Month {
    world: World,
    phrase: Phrase,
    phones: [Phone; 3],
    id: EntryId,
    kept: EntryId,
}

impl Month {
    fn new(seed: u64) -> Self {
        let (mut world, phrase, mut a, mut b) = two(seed);
        let mut c = world.link(&mut a, "third").unwrap();
        let id = log(&world, &mut a, "to forget");
        let kept = log(&world, &mut a, "to keep");
        round(&mut world, &mut [&mut a, &mut b, &mut c]);
        Self { world, phrase, phones: [a, b, c], id, kept }
    }

    /// Gives how many envelopes went either way.
    fn sync(&mut self, phone: usize) -> usize {
        let mut line = Line::default();
        let done = self.world.sync_over(&mut self.phones[phone], &mut line).unwrap();
        assert_eq!(done, Turn::Done);
        line.envelopes
    }

    fn forget(&mut self) {
        self.phones[FORGETS].replica.forget(self.id, self.world.now_ms).unwrap();
        self.sync(FORGETS);
    }

    /// One phone has looked at what is new, and is about to send, when another forgets.
    fn cross(&mut self) {
        let (world, sender) = (&mut self.world, &mut self.phones[SENDS]);
        let mut talk = Conversation::begin(world, sender).unwrap();
        let mut line = Line::default();
        assert_eq!(talk.turn(world, sender, &mut line).unwrap(), Turn::More);
        self.forget();
        let (world, sender) = (&mut self.world, &mut self.phones[SENDS]);
        while talk.turn(world, sender, &mut line).unwrap() == Turn::More {}
        assert_ne!(self.holding(), BTreeSet::new(), "it was sent");
    }

    /// What the relay still gives out of the entry, replaced or not.
    fn holding(&self) -> BTreeSet<u64> {
        let now_ms = self.world.now_ms as u64;
        Inside::new(&self.world.relay, &self.phrase, now_ms).holding(&self.id)
    }

    /// The entry is nowhere, the other one everywhere, and nobody has anything left to say.
    fn ends_well(mut self) {
        assert_eq!(self.holding(), BTreeSet::new());
        for _ in 0..3 {
            (0..3).for_each(|phone| _ = self.sync(phone));
        }
        assert_eq!((0..3).map(|phone| self.sync(phone)).sum::<usize>(), 0, "they go on packing");
        assert_eq!(self.holding(), BTreeSet::new());
        let mut new = self.world.restore(&self.phrase).unwrap();
        self.world.sync(&mut new).unwrap();
        for phone in self.phones.iter_mut().chain([&mut new]) {
            assert_eq!(rows(phone).iter().map(|row| row.id).collect::<Vec<_>>(), [self.kept]);
            assert_eq!(phone.replica.document(&self.id).unwrap(), None);
            assert_eq!(phone.replica.verify().unwrap(), []);
        }
    }
}

#[test]
fn a_month_packed_in_the_moment_of_forgetting_is_taken_off_the_relay_by_whoever_is_left() {
    for left in [FORGETS, SENDS, LOOKS_ON] {
        let mut month = Month::new(30);
        month.world.now_ms += 60 * DAY_MS;
        month.cross();
        month.sync(left);
        assert_eq!(month.holding(), BTreeSet::new(), "phone {left}");
        month.ends_well();
    }
}

#[test]
fn an_edit_sent_in_the_moment_of_forgetting_is_taken_off_the_relay_by_whoever_is_left() {
    for left in [FORGETS, SENDS, LOOKS_ON] {
        let mut month = Month::new(31);
        edit(&month.world, &mut month.phones[SENDS], month.id, "edited elsewhere");
        month.cross();
        month.sync(left);
        assert_eq!(month.holding(), BTreeSet::new(), "phone {left}");
        month.ends_well();
    }
}

#[test]
fn phones_that_clean_up_after_one_forgetting_at_once_come_to_rest() {
    let mut month = Month::new(32);
    month.world.now_ms += 60 * DAY_MS;
    month.cross();
    let (mut lines, mut done) = ([(); 3].map(|()| Line::default()), [false; 3]);
    let Month { world, phones, .. } = &mut month;
    let mut talks = [0, 1, 2].map(|n| Conversation::begin(world, &mut phones[n]).unwrap());
    while done != [true; 3] {
        for n in (0..3).filter(|n| !done[*n]).collect::<Vec<_>>() {
            let turn = talks[n].turn(world, &mut phones[n], &mut lines[n]).unwrap();
            done[n] = turn == Turn::Done;
        }
    }
    month.ends_well();
}

#[test]
fn what_a_packing_had_replaced_before_is_destroyed_with_a_forgetting_too() {
    let mut month = Month::new(33);
    let changes = month.holding();
    month.world.now_ms += 60 * DAY_MS;
    month.sync(FORGETS);
    assert!(month.holding().is_superset(&changes), "what was replaced is kept for a while");
    month.forget();
    month.ends_well();
}

#[test]
fn a_relay_rolled_back_behind_a_forgetting_does_not_keep_the_entry() {
    for packed in [false, true] {
        let mut month = Month::new(34);
        if packed {
            month.world.now_ms += 60 * DAY_MS;
            (0..3).for_each(|phone| _ = month.sync(phone));
        }
        let before = stores::copy(&month.world.relay_store);
        month.forget();
        month.sync(SENDS);
        month.world.put_relay_back(before, true);
        assert_ne!(month.holding(), BTreeSet::new());
        month.sync(SENDS);
        month.ends_well();
    }
}

// Broken on purpose: `Replica::may_cross` without `was_recovered` made it fail.
/// Two copies of one phone go on from the same place, and one of them forgets. A rolled-back relay takes the
/// other one's branch instead, a third phone packs it, and that snapshot covers as far as both are.
#[test]
fn what_a_clone_forgets_is_forgotten_although_another_phone_packs_its_twins_branch() {
    let mut month = Month::new(35);
    let before = stores::copy(&month.world.relay_store);
    edit(&month.world, &mut month.phones[SENDS], month.kept, "edited on the other phone");
    month.world.now_ms += 60 * DAY_MS;
    month.sync(LOOKS_ON);
    let Month { world, phones, .. } = &mut month;
    let stays = &phones[LOOKS_ON];
    phones[FORGETS] = world.open(&stores::copy(&stays.store), &stays.secret.clone()).unwrap();
    month.forget();
    assert_eq!(month.holding(), BTreeSet::new());
    month.world.put_relay_back(before, true);
    month.sync(LOOKS_ON);
    month.sync(SENDS);
    assert_ne!(month.holding(), BTreeSet::new(), "the relay has it again");
    month.sync(FORGETS);
    let names = [FORGETS, LOOKS_ON].map(|phone| month.phones[phone].replica.author());
    assert_ne!(names[0], names[1], "it took another name");
    for _ in 0..2 {
        (0..3).for_each(|phone| _ = month.sync(phone));
    }
    month.ends_well();
}
