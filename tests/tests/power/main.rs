//! Power loss, full disks and damage under whole sessions: a phone's engine and the relay that it
//! syncs with, on their real files.
//!
//! A worker process lives a session of some two hundred writes with a relay of its own, watched by the
//! shim of `mainstay-power-cut`. Its disk holds two folders, `phone` and `relay`; what the platform's
//! key store keeps is not on it. What a power cut could leave of either is opened again and has to hold
//! everything that was acknowledged by then: to the person, or by the relay.
//!
//! `MAINSTAY_LONG=1` cuts at every write boundary, and fails every call.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod contents;
mod cuts;
mod damage;
mod example;
mod faults;

mod keys;
mod known;
mod life;
mod phone;
mod record;
mod relay;
mod relay_damage;
mod session;
mod together;
mod told;
mod worker;

/// A line of figures; shown with `--nocapture`.
fn report(line: String) {
    println!("{line}");
}

/// A runtime for one thread's checks.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// What a panic says; panics of the product are what these tests look for.
fn words(panic: Box<dyn std::any::Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
