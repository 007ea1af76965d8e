//! What a target has been doing, and for how long.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::{Failure, locked};

/// The input that is being read.
#[derive(Default)]
pub(super) struct Watch(Mutex<(Option<Instant>, Vec<u8>)>);

impl Watch {
    pub(super) fn begin(&self, input: &[u8]) {
        let mut now = locked(&self.0);
        now.0 = Some(Instant::now());
        now.1.clear();
        now.1.extend_from_slice(input);
    }

    pub(super) fn end(&self) {
        locked(&self.0).0 = None;
    }

    pub(super) fn input(&self) -> Vec<u8> {
        locked(&self.0).1.clone()
    }

    /// Whether the input takes longer than this.
    pub(super) fn check(&self, most: Duration) -> Result<(), Failure> {
        let now = locked(&self.0);
        match now.0 {
            Some(begun) if begun.elapsed() > most => {
                let why = format!("was not done after {} s", most.as_secs());
                Err(Failure { input: now.1.clone(), why })
            }
            _ => Ok(()),
        }
    }
}
