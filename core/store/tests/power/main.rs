//! Crash, power loss, full disk and damage, on the real files of sled and redb.
//!
//! `MAINSTAY_LONG=1` runs every power cut of the session, 100 kills for each store, and faults at
//! every call of a longer session. What these tests find when a rule is broken is shown by the
//! `the_model_catches_` ones; a `commit` of redb without `Durability::Immediate` fails five of them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod closing;
mod cuts;
mod damage;
mod faults;
mod kills;
mod repair;
mod session;
mod verify;
mod worker;

/// A line of figures; shown with `--nocapture`.
fn report(line: String) {
    println!("{line}");
}
