//! What a worker writes: a sequence of steps that follows from their numbers, so that whoever
//! checks a store knows what has to be in it.

use std::collections::BTreeMap;

use mainstay_store::Batch;

/// The worker closes and opens its store after this many steps.
pub(crate) const STEPS_PER_OPEN: u64 = 50;

/// What a store holds.
pub(crate) type Contents = BTreeMap<Vec<u8>, Vec<u8>>;

pub(crate) struct Step {
    pub(crate) batch: Batch,
    pub(crate) lazy: bool,
}

/// What step `number` does; the steps count from 1. With `big`, values break the limit.
pub(crate) fn step(number: u64, big: bool) -> Step {
    let mut random = Random::new(number);
    let mut batch = Batch::default();
    let changes = match random.below(10) {
        0..6 => 1,
        6..9 => 2 + random.below(6),
        // Enough for a new segment of sled now and then.
        _ => 10 + random.below(40),
    };
    for _ in 0..changes {
        let key = format!("key {:03}", random.below(200));
        if random.below(8) == 0 {
            batch.delete(key);
        } else {
            batch.put(key, value(&mut random, number, big));
        }
    }
    Step { batch, lazy: random.below(6) == 0 }
}

fn value(random: &mut Random, number: u64, big: bool) -> Vec<u8> {
    const BIG_BYTES: u64 = 25_000;
    let size = match random.below(8) {
        _ if big => BIG_BYTES,
        0 => 4096,
        1 => 1000 + random.below(3000),
        _ => 8 + random.below(450),
    };
    let seed = number.wrapping_mul(31).wrapping_add(random.next());
    let mut bytes = Random::new(seed);
    (0..size).map(|_| bytes.next() as u8).collect()
}

pub(crate) fn apply(contents: &mut Contents, batch: &Batch) {
    for (key, value) in batch.iter() {
        match value {
            Some(value) => contents.insert(key.to_vec(), value.to_vec()),
            None => contents.remove(key),
        };
    }
}

/// What a store holds after the steps up to `number`.
pub(crate) fn contents_after(number: u64, big: bool) -> Contents {
    let mut contents = Contents::new();
    (1..=number).for_each(|number| apply(&mut contents, &step(number, big).batch));
    contents
}

/// A small generator (splitmix64): the same numbers everywhere, for ever.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}
