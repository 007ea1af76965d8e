//! The platform's key store, which is not on the disk that loses its power.

use std::collections::BTreeMap;
use std::sync::Mutex;

use mainstay_core::engine::{KeyError, KeyProvider};
use zeroize::Zeroizing;

type Say = Box<dyn Fn(&str, &[u8]) + Send + Sync>;

/// A key store in memory. What it takes is durable at once, and told.
pub(crate) struct Keys {
    held: Mutex<BTreeMap<String, Vec<u8>>>,
    say: Say,
}

impl Keys {
    /// An empty one that tells what it takes.
    pub(crate) fn telling(say: impl Fn(&str, &[u8]) + Send + Sync + 'static) -> Self {
        Self { held: Mutex::default(), say: Box::new(say) }
    }

    /// One that holds something already.
    pub(crate) fn holding(held: BTreeMap<String, Vec<u8>>) -> Self {
        Self { held: Mutex::new(held), say: Box::new(|_, _| ()) }
    }
}

impl KeyProvider for Keys {
    fn load(&self, id: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
        Ok(self.held.lock().unwrap().get(id).cloned().map(Zeroizing::new))
    }

    fn store(&self, id: &str, secret: &[u8]) -> Result<(), KeyError> {
        self.held.lock().unwrap().insert(id.to_owned(), secret.to_vec());
        (self.say)(id, secret);
        Ok(())
    }

    fn delete(&self, id: &str) -> Result<(), KeyError> {
        self.held.lock().unwrap().remove(id);
        Ok(())
    }
}
