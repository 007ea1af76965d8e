//! What a worker writes: a sequence of steps that follows from their numbers, so that whoever
//! checks a store knows what has to be in it.

use std::collections::BTreeMap;

use mainstay_power_cut::random::Random;
use mainstay_store::Batch;

/// Which steps a session consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A little of everything.
    Usual,
    /// Values that break the limit.
    Big,
    /// A large import, of which most is removed again before the store is closed: redb gives the
    /// room back then. After that, a few of the usual ones.
    Shedding,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Usual, Self::Big, Self::Shedding];

    /// From its name in the worker's orders.
    pub(crate) fn named(name: &str) -> Self {
        let found = Self::ALL.into_iter().find(|kind| format!("{kind:?}") == name);
        found.unwrap()
    }

    /// The worker closes and opens its store after this many steps.
    pub(crate) fn steps_per_open(self) -> u64 {
        if self == Self::Shedding { SHED_UPTO } else { 50 }
    }
}

/// Steps that import 180 values of 1900 bytes each, and put others in their place: 4 MB in all, for
/// little is not given back.
const FILL_UPTO: u64 = 12;
const FILLED_AT_ONCE: u64 = 180;
const FILLED_BYTES: u64 = 1900;
/// Steps that remove most of it, the last of them lazily.
pub(crate) const SHED_UPTO: u64 = 18;
/// One in so many values stays.
const KEPT: u64 = 16;

/// What a store holds.
pub(crate) type Contents = BTreeMap<Vec<u8>, Vec<u8>>;

pub(crate) struct Step {
    pub(crate) batch: Batch,
    pub(crate) lazy: bool,
}

/// What step `number` does; the steps count from 1.
pub(crate) fn step(number: u64, kind: Kind) -> Step {
    if kind == Kind::Shedding && number <= SHED_UPTO {
        return shedding(number);
    }
    let big = kind == Kind::Big;
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

fn shedding(number: u64) -> Step {
    let mut batch = Batch::default();
    let filled = FILL_UPTO / 2 * FILLED_AT_ONCE;
    if number <= FILL_UPTO {
        for at in 0..FILLED_AT_ONCE {
            let at = (number - 1) * FILLED_AT_ONCE + at;
            let mut bytes = Random::new(at);
            let value: Vec<u8> = (0..FILLED_BYTES).map(|_| bytes.next() as u8).collect();
            batch.put(format!("large {:04}", at % filled), value);
        }
    } else {
        // Each of these removes its share, spread over the whole file.
        let share = SHED_UPTO - FILL_UPTO;
        for at in (0..filled).filter(|at| at % share == number % share) {
            if !(at / share).is_multiple_of(KEPT) {
                batch.delete(format!("large {at:04}"));
            }
        }
    }
    Step { batch, lazy: number == SHED_UPTO }
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
pub(crate) fn contents_after(number: u64, kind: Kind) -> Contents {
    let mut contents = Contents::new();
    (1..=number).for_each(|number| apply(&mut contents, &step(number, kind).batch));
    contents
}
