//! Changes an example as damage, malice or a newer version might. All of it follows from a seed.

mod bytes;
mod text;
mod tree;
pub mod words;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// What a target reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Bytes; where they are CBOR, also changed as the tree that they are.
    Bytes,
    /// Text.
    Text,
}

/// Makes inputs out of examples.
pub struct Mutator<'a> {
    dice: Dice,
    form: Form,
    examples: &'a [Vec<u8>],
    max_bytes: usize,
}

impl<'a> Mutator<'a> {
    /// One that makes the same inputs for the same seed and name.
    pub fn new(
        (seed, name): (u64, &str),
        form: Form,
        examples: &'a [Vec<u8>],
        max_bytes: usize,
    ) -> Self {
        Self { dice: Dice::new(seed, name), form, examples, max_bytes }
    }

    /// The next input.
    pub fn next_input(&mut self) -> Vec<u8> {
        let dice = &mut self.dice;
        let mut input = match dice.pick(self.examples) {
            Some(example) if !dice.one_in(50) => example.clone(),
            _ => dice.bytes(300),
        };
        for _ in 0..=dice.below(4) {
            match self.form {
                Form::Text => text::change(dice, &mut input, self.examples),
                // Most changes to the tree leave it readable, and so reach what lies behind.
                Form::Bytes if dice.one_in(2) => {
                    if !tree::change(dice, &mut input, self.examples) {
                        bytes::change(dice, &mut input, self.examples);
                    }
                }
                Form::Bytes => bytes::change(dice, &mut input, self.examples),
            }
        }
        input.truncate(self.max_bytes);
        input
    }
}

/// Inputs that every target gets, whatever it reads.
pub fn always() -> Vec<Vec<u8>> {
    let mut inputs = vec![Vec::new(), vec![0], vec![0xff; 64], b"\xef\xbb\xbf".to_vec()];
    for opening in [0x81_u8, 0x9f, 0xd8, 0xbf, 0xa1, b'[', b'{', b'"'] {
        inputs.push(vec![opening; 200_000]);
    }
    for head in [0x9b_u8, 0x5b, 0x7b, 0xbb] {
        for length in [1_u64 << 60, u64::MAX, 1 << 32, 1 << 24] {
            inputs.push([&[head][..], &length.to_be_bytes(), &[0; 40]].concat());
        }
    }
    inputs
}

/// Chance, by a seed.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    fn new(seed: u64, name: &str) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        for (at, byte) in name.bytes().enumerate() {
            let place = 8 + at % 24;
            key[place] = key[place].wrapping_mul(31).wrapping_add(byte);
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number below this one; 0 for none.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0.next_u64() as usize % bound.max(1)
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.0.next_u32() as u8
    }

    /// Up to so many bytes, seldom many.
    pub(crate) fn bytes(&mut self, most: usize) -> Vec<u8> {
        let most = 1 + self.below(most);
        let length = self.below(most);
        let mut bytes = vec![0; length];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// A number at which readers go wrong.
    pub(crate) fn number(&mut self) -> u64 {
        let near = [0, 1, 23, 24, 64, 127, 128, 255, 256, 257, 1024, 4096, 65_535, 65_536];
        match self.below(4) {
            0 => near[self.below(near.len())],
            1 => (1_u64 << self.below(64)).wrapping_sub(self.below(3) as u64).wrapping_add(1),
            2 => u64::MAX - self.below(2) as u64,
            _ => self.0.next_u64() >> self.below(64),
        }
    }

    /// A place in this many bytes and a length that fits there.
    pub(crate) fn span(&mut self, length: usize) -> std::ops::Range<usize> {
        let from = self.below(length + 1);
        let most = if self.one_in(4) { length - from } else { (length - from).min(16) };
        from..from + self.below(most + 1)
    }
}
