//! Spaces in memory: one cell for each that was used lately.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use mainstay_protocol::ids::SpaceId;

use crate::relay::{Space, lock};

/// Spaces held in memory. Beyond that, those unused for longest are read again when needed.
const MAX_CACHED_SPACES: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Cache {
    cells: Mutex<Cells>,
}

#[derive(Debug, Default)]
struct Cells {
    used: BTreeMap<SpaceId, (u64, Arc<Cell>)>,
    clock: u64,
}

/// A space, once it has been read.
#[derive(Debug, Default)]
pub(super) struct Cell(Mutex<Option<Space>>);

impl Cell {
    /// Waits for whoever works on the space. After a panic it is read from the store again.
    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Space>> {
        self.0.lock().unwrap_or_else(|poisoned| {
            let mut held = poisoned.into_inner();
            *held = None;
            self.0.clear_poison();
            held
        })
    }
}

impl Cache {
    pub(super) fn cell(&self, id: &SpaceId) -> Arc<Cell> {
        let mut cells = lock(&self.cells);
        cells.clock += 1;
        let clock = cells.clock;
        let (used, cell) = cells.used.entry(*id).or_default();
        *used = clock;
        let cell = cell.clone();
        if cells.used.len() > MAX_CACHED_SPACES {
            cells.evict();
        }
        cell
    }
}

impl Cells {
    /// Lets the older half go, except what is being worked on: two cells for one space would be two
    /// locks.
    fn evict(&mut self) {
        let mut ages: Vec<u64> = self.used.values().map(|(used, _)| *used).collect();
        ages.sort_unstable();
        let newest = ages[ages.len() / 2];
        self.used.retain(|_, (used, cell)| *used >= newest || Arc::strong_count(cell) > 1);
    }
}
