//! Keeps a backend's panics inside, and stops a store after its first error.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::StoreError;

/// Lets one write pass at a time, and none after one has failed: what it left on the disk is
/// unknown.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    turn: Mutex<()>,
    stopped: AtomicBool,
}

impl Gate {
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Runs a write; every failure closes the gate for good.
    pub(crate) fn write<T>(
        &self,
        what: &'static str,
        write: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_stopped() {
            return Err(StoreError::Stopped);
        }
        let result = caught(what, write);
        if result.is_err() {
            self.stopped.store(true, Ordering::Release);
        }
        result
    }
}

/// Runs `call` into a backend and turns a panic into an error.
///
/// Both backends are known to panic on damaged files, and sled on some I/O errors.
pub(crate) fn caught<T>(
    what: &'static str,
    call: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result,
        Err(panic) => Err(classify(what, message(&*panic))),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text
    } else {
        "a panic without a message"
    }
}

/// A panic that carries an error of the operating system (an unwrapped `io::Error`) says nothing
/// about damage: the same files may open when the disk works again.
fn classify(what: &'static str, panic: &str) -> StoreError {
    match os_error_code(panic) {
        Some(code) => StoreError::io(what, io::Error::from_raw_os_error(code)),
        None => StoreError::damaged(format!("a panic while {what} ({})", shortened(panic))),
    }
}

/// Finds the code in `Os { code: 28, kind: …` as `io::Error` prints itself in a panic.
fn os_error_code(panic: &str) -> Option<i32> {
    let (_, after) = panic.split_once("Os { code: ")?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The first words of a backend's message. Long ones may print pages of the store.
pub(crate) fn shortened(message: &str) -> String {
    const LONGEST_CHARS: usize = 120;
    message.lines().next().unwrap_or_default().chars().take(LONGEST_CHARS).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_panic_of_the_backend_becomes_an_error() {
        let result: Result<(), _> = caught("testing", || panic!("cannot find pid {}", 7));
        assert!(matches!(result, Err(StoreError::Damaged { what, .. }) if what.contains("pid 7")));
    }

    #[test]
    fn a_panic_over_an_io_error_is_no_damage() {
        let write = || -> io::Result<()> { Err(io::Error::from_raw_os_error(28)) };
        let result = caught("testing", || {
            write().unwrap();
            Ok(())
        });
        assert!(matches!(result, Err(StoreError::Full)), "{result:?}");
    }

    #[test]
    fn after_one_failed_write_no_other_passes() {
        let gate = Gate::default();
        assert!(gate.write("testing", || Ok(())).is_ok());
        assert!(gate.write::<()>("testing", || Err(StoreError::Full)).is_err());
        assert!(matches!(gate.write("testing", || Ok(())), Err(StoreError::Stopped)));
    }
}
