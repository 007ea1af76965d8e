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
mod disk;
mod faults;
mod kills;
mod recording;
mod session;
mod shim;
mod verify;
mod worker;

/// Whether to run the long form.
fn long() -> bool {
    std::env::var("MAINSTAY_LONG").is_ok_and(|value| value == "1")
}

/// A line of figures; shown with `--nocapture`.
fn report(line: String) {
    println!("{line}");
}

/// Panics inside the backends are expected where a test breaks their files, and caught; only ours
/// are worth reading.
pub(crate) fn quiet_backends() {
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
