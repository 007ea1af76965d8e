//! What a panic said. Nothing is printed while targets run: some panics are meant to be contained.

use std::sync::{Mutex, Once};

use super::locked;

/// The name of the threads on which targets run.
pub(super) const THREAD: &str = "fuzz";

static LAST: Mutex<String> = Mutex::new(String::new());
static ONCE: Once = Once::new();

/// Keeps what panics on those threads say; others go on as before.
pub(super) fn record() {
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| match std::thread::current().name() {
            Some(THREAD) => *locked(&LAST) = info.to_string(),
            _ => before(info),
        }));
    });
}

pub(super) fn last() -> String {
    locked(&LAST).clone()
}
