//! What the tests of power loss stand on: a process is watched while it writes, and what a power cut
//! could have left of its files is rebuilt.
//!
//! [`shim`] is preloaded into a worker process and records, or fails, what that really does to its
//! files; [`recording`] reads the record; [`disk`] replays it up to a point and writes what may be
//! left. [`damage`] breaks files that lie there. It knows files only, and nothing of who writes them.
//!
//! Only on Linux, and only with a C compiler: without them the tests would prove nothing.
#![cfg(target_os = "linux")]
// For tests alone: what goes wrong in here shall end them.
#![allow(clippy::unwrap_used)]

pub mod damage;
pub mod disk;
pub mod folder;
pub mod random;
pub mod recording;
pub mod shim;
pub mod worker;

/// Panics inside the backends are expected where a test breaks their files, and caught; only ours
/// are worth reading.
pub fn quiet_backends() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let foreign = panic.location().is_some_and(|at| at.file().contains("registry"));
            if !foreign {
                usual(panic);
            }
        }));
    });
}

/// Whether the long form was asked for: `MAINSTAY_LONG=1`.
pub fn long() -> bool {
    std::env::var("MAINSTAY_LONG").is_ok_and(|value| value == "1")
}
