//! kill -9 of the phone and of the relay, as programs, again and again on the same files.
//!
//! A seed chooses commands and the moments at which a process dies. Whatever a program said it had
//! done is kept in a list beside them, and looked for afterwards: in the timeline, in the plan, and
//! in what a stranger's new phone gets back from the relay by the twelve words. An interrupted command
//! may have done its work or not, but never a part of it.
//!
//! `MAINSTAY_LONG=1` kills 250 phones and 250 relays for each of the phone's stores, in some ten
//! minutes. The relay has one store, sled, and no choice of another.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../kit/mod.rs"]
mod kit;

mod ledger;
mod random;
mod relay;
mod restored;
mod running;
mod session;
mod steps;

use session::{Goal, Session};

/// Whether to run the long form.
fn long() -> bool {
    std::env::var("MAINSTAY_LONG").is_ok_and(|value| value == "1")
}

fn survives_kills(store: &'static str, seed: u64) {
    let goal = match long() {
        true => Goal { phone: 250, relay: 250, copies: 5 },
        false => Goal { phone: 10, relay: 4, copies: 1 },
    };
    println!("{store}: {}", Session::begin(store, seed).run(&goal));
}

// Broken on purpose: a relay that commits lazily, and a phone that says "written" before a flush while
// the engine's intents are committed lazily, made both fail. So did, in the long form, `phone edit`
// that says "changed" before it is, and an import that commits a file in three parts.
#[test]
fn kills_of_phone_and_relay_lose_nothing_acknowledged_with_a_phone_on_sled() {
    survives_kills("sled", 41);
}

#[test]
fn kills_of_phone_and_relay_lose_nothing_acknowledged_with_a_phone_on_redb() {
    survives_kills("redb", 42);
}
