//! A full disk, and an I/O error, at the n-th call of phone or relay, for every n of a short session:
//! no panic, nothing that hangs, an error to whoever asked; and afterwards nothing acknowledged is
//! gone.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use mainstay_core::engine::Backend;
use mainstay_power_cut::long;
use mainstay_power_cut::recording::{self, Event};
use mainstay_power_cut::shim::{self, IO_ERROR, NO_SPACE};

use crate::session::Session;
use crate::worker::Job;
use crate::{phone, relay, report, runtime, together};

/// The short form fails every so-many-th call, for each store and each error.
const SHORT_EVERY: u64 = 23;
/// And where a mistake would be for a dozen calls in a row only: as sled reads its log while it opens.
const SHORT_EVERY_READ_OF_SLED: u64 = 5;
/// After each so-many-th, in the long form, phone and relay go on together.
const TOGETHER_EVERY: u64 = 4;
/// More calls than a session has.
const MANY: u64 = 100_000;

/// Lives the session with its n-th call failing, and returns whether there was an n-th call.
fn fails_at(backend: Backend, number: u64, errno: i32) -> Result<bool, String> {
    let job = Job::new(backend, Session::Short);
    job.run(&[(shim::FAIL_AT, number.to_string()), (shim::ERRNO, errno.to_string())])?;
    let (disk, told) = (job.disk(), job.told());
    let runtime = runtime();
    let phrase = told.phrase();
    if let Some(phrase) = &phrase {
        runtime.block_on(phone::look(backend, &disk.join("phone"), &told))?;
        let held = runtime.block_on(relay::look(&disk.join("relay"), Some(phrase)))?;
        match held.contents {
            Some(contents) => told.relay.check(&contents)?,
            None if told.synced => return Err("the relay does not know the journal".into()),
            None => {}
        }
        if number.is_multiple_of(TOGETHER_EVERY) || !long() {
            runtime.block_on(together::go_on(backend, &disk, &told))?;
        }
    }
    Ok(recording::read(&job.log()).iter().any(|event| matches!(event, Event::Failed)))
}

fn every_fault(backend: Backend, errno: i32, name: &str) {
    mainstay_power_cut::quiet_backends();
    let started = Instant::now();
    let every = match (long(), backend, errno) {
        (true, ..) => 1,
        (false, Backend::Sled, IO_ERROR) => SHORT_EVERY_READ_OF_SLED,
        _ => SHORT_EVERY,
    };
    // Some calls alone, to look at what was found: `MAINSTAY_FROM=440 MAINSTAY_CALLS=20`.
    let given = |name| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let from = given("MAINSTAY_FROM").unwrap_or(1);
    let some = given("MAINSTAY_CALLS");
    let upto = some.map_or(MANY, |some| from + some);
    let (next, calls) = (AtomicU64::new(from), AtomicU64::new(0));
    let wrong = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(every, Ordering::Relaxed);
                    if number >= upto {
                        break;
                    }
                    match fails_at(backend, number, errno) {
                        Ok(true) => calls.fetch_add(1, Ordering::Relaxed),
                        // How many calls there are differs a little from run to run.
                        Ok(false) => break,
                        Err(error) => {
                            wrong.lock().unwrap().push(format!("call {number}: {error}"));
                            calls.fetch_add(1, Ordering::Relaxed)
                        }
                    };
                }
            });
        }
    });
    let (wrong, calls) = (wrong.into_inner().unwrap(), calls.into_inner());
    report(format!(
        "{name} under phone and relay, {backend} on the phone: at {calls} calls, {} of them wrong; \
         {} s",
        wrong.len(),
        started.elapsed().as_secs()
    ));
    assert_eq!(wrong, Vec::<String>::new());
    assert!(some.is_some() || calls * every > 100, "the session has only {calls} calls");
}

// Broken on purpose: a `log` that returns as if the store had not failed made all four fail.
#[test]
fn a_full_disk_under_phone_and_relay_takes_nothing_acknowledged_on_sled() {
    every_fault(Backend::Sled, NO_SPACE, "full disk");
}

#[test]
fn a_full_disk_under_phone_and_relay_takes_nothing_acknowledged_on_redb() {
    every_fault(Backend::Redb, NO_SPACE, "full disk");
}

// Broken on purpose: `Before::put_back` doing nothing made it fail.
#[test]
fn an_io_error_under_phone_and_relay_takes_nothing_acknowledged_on_sled() {
    every_fault(Backend::Sled, IO_ERROR, "I/O error");
}

#[test]
fn an_io_error_under_phone_and_relay_takes_nothing_acknowledged_on_redb() {
    every_fault(Backend::Redb, IO_ERROR, "I/O error");
}
