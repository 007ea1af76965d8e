//! Whole lives of a journal, and of what is shared of it, chosen by seeds.
//!
//! `MAINSTAY_SEEDS=10000 cargo test --release -p mainstay-tests --test simulator` plays more of
//! them; `MAINSTAY_SEED=n` plays one and prints what happened.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use mainstay_tests::sim::{self, shares};
use mainstay_tests::world::Plant;

/// Seeds that every run of the tests plays.
const SEEDS: u64 = 500;

/// What plays one seed.
type Play = fn(u64, Plant) -> Result<Vec<String>, (String, Vec<String>)>;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Plays the seeds that the environment asks for, on two threads; each that fails is one line that
/// replays it.
fn play_seeds(play: Play, replay_line: fn(u64) -> String) {
    if let Some(seed) = number("MAINSTAY_SEED") {
        let (failure, trace) = match play(seed, Plant::None) {
            Ok(trace) => (None, trace),
            Err((failure, trace)) => (Some(failure), trace),
        };
        println!("{}", trace.join("\n"));
        assert_eq!(failure, None);
        return;
    }
    let from = number("MAINSTAY_FROM").unwrap_or(0);
    let upto = from + number("MAINSTAY_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(from);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= upto {
                        break;
                    }
                    let played = std::panic::catch_unwind(|| play(seed, Plant::None));
                    let failure = match played {
                        Ok(Ok(_)) => continue,
                        Ok(Err((failure, _))) => failure,
                        Err(_) => "it panicked".to_owned(),
                    };
                    failed.lock().unwrap().push((seed, failure));
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    let lines: Vec<String> =
        failed.iter().map(|(seed, why)| format!("{}  # {why}", replay_line(*seed))).collect();
    assert!(
        failed.is_empty(),
        "{} of {} seeds failed:\n{}",
        failed.len(),
        upto - from,
        lines.join("\n")
    );
}

/// A fault that was built in is found by some seed, and found again by the same one.
fn finds(play: Play, plant: Plant) {
    let found =
        (0..200).find(|seed| play(*seed, plant).is_err() && play(*seed, Plant::None).is_ok());
    let seed = found.expect("a seed that the fault makes fail, and that is fine without it");
    assert_eq!(play(seed, plant), play(seed, plant));
}

#[test]
fn devices_and_a_faulty_relay_always_come_into_order() {
    play_seeds(sim::play, sim::replay_line);
}

#[test]
fn people_and_their_counsellor_hold_what_was_shown_and_nothing_else() {
    play_seeds(shares::play, shares::replay_line);
}

#[test]
fn a_planted_fault_is_found_and_replays_exactly() {
    for plant in [Plant::LostOutbox, Plant::HollowAcknowledgements] {
        finds(sim::play, plant);
    }
}

#[test]
fn a_planted_fault_of_sharing_is_found_and_replays_exactly() {
    for plant in [Plant::HiddenIsShown, Plant::HollowAcknowledgements] {
        finds(shares::play, plant);
    }
}
