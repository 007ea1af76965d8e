//! How much memory one input takes.
//!
//! What C code allocates for itself is not counted; of that there is zstd's, whose window is bounded
//! by the product.

use std::sync::{Mutex, MutexGuard, PoisonError};

use peak_alloc::PeakAlloc;

#[global_allocator]
static COUNTED: PeakAlloc = PeakAlloc;

/// The most bytes alive at one time while `work` ran, beyond those before it. Other threads count as
/// well: one measurement at a time.
pub fn peak_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = COUNTED.current_usage();
    COUNTED.reset_peak_usage();
    let result = work();
    (result, COUNTED.peak_usage().saturating_sub(before))
}

/// Keeps other tests of the process from running meanwhile: what they take would count as well.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
