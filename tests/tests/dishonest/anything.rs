//! Check 6: every value that the relay sends, chosen by a seed; and a relay whose disk was tampered with.

use std::sync::atomic::{AtomicU64, Ordering};

use mainstay_protocol::limits;
use mainstay_tests::inside::Inside;
use mainstay_tests::network::Line;
use mainstay_tests::stores;
use mainstay_tests::tamper::Tamper;
use rand_core::{Rng, SeedableRng};

use super::watch::Watch;

/// Lives in every run of the tests; `MAINSTAY_LIES=n` plays more, `MAINSTAY_LIE=n` that one alone.
const LIVES: u64 = 30;
const STEPS: u32 = 24;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Plays lives on both cores; those that fail are told by their seeds.
fn play(first: u64, life: fn(u64)) {
    let (from, upto) = match number("MAINSTAY_LIE") {
        Some(one) => (one, one + 1),
        None => (first, first + number("MAINSTAY_LIES").unwrap_or(LIVES)),
    };
    let next = AtomicU64::new(from);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= upto {
                        break;
                    }
                    let played = std::panic::catch_unwind(|| life(seed));
                    assert!(played.is_ok(), "as told above; again with MAINSTAY_LIE={seed}");
                }
            });
        }
    });
}

/// What every envelope on the relay was sealed with, whatever the relay had said.
fn cryptography_is_as_ever(w: &mut Watch) {
    let mut inside = Inside::new(&w.world.relay, &w.phrase, w.world.now_ms as u64);
    for (_, envelope) in inside.envelopes() {
        assert_eq!(envelope.header().version, mainstay_protocol::FORMAT_VERSION);
        assert!(inside.keyring.epoch(&envelope.header().epoch).is_some());
        assert!(envelope.ciphertext().len() > limits::MIN_PADDED_BYTES);
        assert!(inside.open(&envelope).is_some(), "its key opens it");
    }
}

fn life_under_lies(seed: u64) {
    let mut w = Watch::new(seed);
    let tamper = Tamper::new(seed, 15 + (seed % 4) as u32 * 15);
    let mut choices = rand_chacha::ChaCha20Rng::seed_from_u64(seed);
    let mut ids = Vec::new();
    for step in 0..STEPS {
        let phone = (choices.next_u32() % 2) as usize;
        match choices.next_u32() % 8 {
            0 | 1 => ids.push(w.log(phone, &format!("words of step {step} of life {seed}"))),
            2 if !ids.is_empty() => {
                let id = ids[choices.next_u32() as usize % ids.len()];
                if w.rows(phone).iter().any(|row| row.id == id) {
                    w.edit(phone, id, &format!("other words of step {step}, life {seed}"));
                }
            }
            3 => w.crash(phone),
            4 => w.world.now_ms += 3_600_000 * i64::from(choices.next_u32() % 100),
            _ => {
                let _ = w.sync(phone, Tamper::line(&tamper));
            }
        }
    }
    w.honest_to_the_last();
    cryptography_is_as_ever(&mut w);
}

#[test]
fn check_06_whatever_the_relay_answers_nothing_is_lost_and_no_cryptography_changes() {
    play(6000, life_under_lies);
}

fn life_over_a_spoilt_disk(seed: u64) {
    let mut w = Watch::new(seed);
    let tamper = Tamper::new(seed, 0);
    for step in 0..8 {
        w.log((step % 2) as usize, &format!("words {step} over a disk, life {seed}"));
        tamper.borrow_mut().spoil(&w.world.relay_store);
        // What the relay keeps in memory would hide it.
        let spoilt = stores::copy(&w.world.relay_store);
        if let Err(error) = w.world.try_relay(spoilt) {
            assert!(error.to_string().contains("damaged"), "{error}");
            w.world.wipe_relay();
        }
        for phone in [0, 1] {
            let _ = w.sync(phone, Line::default());
        }
    }
    w.world.wipe_relay();
    w.honest_to_the_last();
}

#[test]
fn check_06_whatever_is_done_to_the_relays_disk_nothing_is_lost_and_nothing_false_is_taken() {
    play(6800, life_over_a_spoilt_disk);
}

/// The layer above does lie: a device that took all it is told would be found.
#[test]
fn check_06_the_lies_are_told() {
    let mut w = Watch::new(6999);
    let tamper = Tamper::new(1, 100);
    for _ in 0..20 {
        let _ = w.sync(1, Tamper::line(&tamper));
    }
    let kinds: std::collections::BTreeSet<String> = tamper.borrow().lies.iter().cloned().collect();
    assert!(kinds.len() >= 8, "{kinds:?}");
    w.honest();
}
