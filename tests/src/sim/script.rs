//! Which run is played: a seed, a fault built in, and the steps that are left out.

use std::collections::BTreeSet;
use std::fmt::Write;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::world::Plant;

/// What is played.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// Every choice follows from it.
    pub seed: u64,
    /// A fault built in on purpose.
    pub plant: Plant,
    /// Steps that are not played. Each step draws from a source of its own, so that the others stay
    /// as they are.
    pub skip: BTreeSet<u32>,
}

impl Script {
    /// Every step of a seed.
    pub fn whole(seed: u64, plant: Plant) -> Self {
        Self { seed, plant, skip: BTreeSet::new() }
    }

    /// Where one of several sources of chance begins in a step.
    pub(crate) fn source(&self, step: u32, which: u32) -> ChaCha20Rng {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        seed[8..12].copy_from_slice(&step.to_le_bytes());
        seed[12..16].copy_from_slice(&which.to_le_bytes());
        seed[16..].copy_from_slice(b"a simulated step");
        ChaCha20Rng::from_seed(seed)
    }

    /// What to set in the environment to play it.
    pub fn variables(&self) -> String {
        let mut said = format!("MAINSTAY_SEED={}", self.seed);
        if !self.skip.is_empty() {
            let _ = write!(said, " MAINSTAY_SKIP={}", listed(&self.skip));
        }
        said
    }
}

/// `1,4-9`
fn listed(steps: &BTreeSet<u32>) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for step in steps {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *step => *last = *step,
            _ => runs.push((*step, *step)),
        }
    }
    let one = |(first, last): &(u32, u32)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    runs.iter().map(one).collect::<Vec<_>>().join(",")
}

/// Reads such a list.
pub fn steps(text: &str) -> Option<BTreeSet<u32>> {
    let mut all = BTreeSet::new();
    for run in text.split(',') {
        let (first, last) = run.split_once('-').unwrap_or((run, run));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        all.extend(first..=last);
    }
    Some(all)
}

/// Leaves steps out of a failing run, more and more of them, as long as it fails in the same way.
/// `steps`: how many it has. `fails` plays a run and tells whether it still does.
pub fn shrink(steps: u32, fails: &mut dyn FnMut(&BTreeSet<u32>) -> bool) -> BTreeSet<u32> {
    let mut skip = BTreeSet::new();
    let mut size = (steps / 2).max(1);
    loop {
        let mut shorter = false;
        // From the end: what comes after the failure goes first.
        let mut upto = steps;
        while upto > 0 {
            let from = upto.saturating_sub(size);
            let some: BTreeSet<u32> = (from..upto).filter(|step| !skip.contains(step)).collect();
            upto = from;
            if some.is_empty() {
                continue;
            }
            let without = skip.union(&some).copied().collect();
            if fails(&without) {
                (skip, shorter) = (without, true);
            }
        }
        match size {
            1 if !shorter => return skip,
            1 => {}
            _ => size /= 2,
        }
    }
}

/// What two failures have in common that come of the same fault: the words, not who and which.
pub fn kind(failure: &str) -> String {
    let told = failure.split_whitespace().filter(|word| word.chars().all(|c| c.is_alphabetic()));
    told.take(8).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_steps_is_read_as_it_was_written() {
        let some: BTreeSet<u32> = [0, 1, 2, 5, 7, 8].into();
        assert_eq!(listed(&some), "0-2,5,7-8");
        assert_eq!(steps("0-2,5,7-8"), Some(some));
        assert_eq!(steps("one"), None);
    }

    #[test]
    fn a_run_is_cut_down_to_the_steps_that_it_needs() {
        let needed = [13, 40, 41];
        let mut played = 0;
        let skip = shrink(64, &mut |skip| {
            played += 1;
            needed.iter().all(|step| !skip.contains(step))
        });
        let left: Vec<u32> = (0..64).filter(|step| !skip.contains(step)).collect();
        assert_eq!(left, needed);
        assert!(played < 200, "{played} runs");
    }
}
