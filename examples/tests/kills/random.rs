//! Choices that follow from a seed.

use std::time::Duration;

/// SplitMix64: nobody has to be kept from guessing.
#[derive(Debug)]
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

    /// Less than `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// From the beginning of something to a fifth beyond its usual end.
    pub(crate) fn within(&mut self, usual: Duration) -> Duration {
        let most_us = u64::try_from(usual.as_micros()).unwrap() * 6 / 5;
        Duration::from_micros(self.below(most_us.max(1)))
    }

    /// Some day in one of twelve months that are over, as any command takes it.
    pub(crate) fn day(&mut self) -> String {
        format!("2025-{:02}-{:02}", 1 + self.below(12), 1 + self.below(28))
    }
}
