//! Whole lives of a journal, chosen by seeds.
//!
//! `MAINSTAY_SEEDS=10000 cargo test --release -p mainstay-tests --test simulator` plays more of
//! them; `MAINSTAY_SEED=n` plays one and prints what happened.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use mainstay_tests::sim::{play, replay_line};
use mainstay_tests::world::Plant;

/// Seeds that every run of the tests plays.
const SEEDS: u64 = 300;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn devices_and_a_faulty_relay_always_come_into_order() {
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

#[test]
fn a_planted_fault_is_found_and_replays_exactly() {
    for plant in [Plant::LostOutbox, Plant::HollowAcknowledgements] {
        let found =
            (0..200).find(|seed| play(*seed, plant).is_err() && play(*seed, Plant::None).is_ok());
        let seed = found.expect("a seed that the fault makes fail, and that is fine without it");
        assert_eq!(play(seed, plant), play(seed, plant));
    }
}
