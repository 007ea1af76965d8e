//! Ways to break the rules, for the tests which show that the rules are needed. Never for an app.

use std::path::Path;

use crate::migrate::{STEPS, Step};
use crate::{Opened, RedbStore, SledStore, StoreError};

/// Rules to break. The default breaks none.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// sled: acknowledge after its own `flush()`, without our fsync.
    pub skip_sync: bool,
    /// Accept values and batches of any size.
    pub unlimited: bool,
    /// The migrations that this program knows.
    pub steps: &'static [Step],
}

impl Default for Options {
    fn default() -> Self {
        Self { skip_sync: false, unlimited: false, steps: STEPS }
    }
}

/// [`SledStore::open`], with rules broken.
///
/// # Errors
/// Those of [`SledStore::open`].
pub fn open_sled(dir: &Path, options: Options) -> Result<Opened<SledStore>, StoreError> {
    SledStore::open_with(dir, options)
}

/// [`RedbStore::open`], with rules broken.
///
/// # Errors
/// Those of [`RedbStore::open`].
pub fn open_redb(dir: &Path, options: Options) -> Result<Opened<RedbStore>, StoreError> {
    RedbStore::open_with(dir, options)
}
