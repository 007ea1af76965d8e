//! A set of changes that happens as a whole or not at all.

use std::collections::BTreeMap;

/// Changes to commit together.
///
/// One key has one outcome: a later operation on it replaces an earlier one.
#[derive(Default, Clone)]
pub struct Batch {
    /// The value to store under a key, or `None` to delete the key.
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    size_bytes: usize,
}

impl Batch {
    /// Stores `value` under `key`.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.change(key.into(), Some(value.into()));
    }

    /// Removes `key`; it need not exist.
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) {
        self.change(key.into(), None);
    }

    /// Appends `later`, whose operations win over those already here.
    pub fn extend(&mut self, later: Batch) {
        for (key, value) in later.changes {
            self.change(key, value);
        }
    }

    /// Whether it would change nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The number of keys it touches.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// The sum of its keys and values in bytes, as [`crate::MAX_BATCH_BYTES`] counts it.
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// The changes in key order: the value to store, or `None` to delete.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.changes.iter().map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    fn change(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let key_bytes = key.len();
        self.size_bytes += key_bytes + value.as_ref().map_or(0, Vec::len);
        if let Some(replaced) = self.changes.insert(key, value) {
            self.size_bytes -= key_bytes + replaced.map_or(0, |value| value.len());
        }
    }
}

/// Tells sizes only: what a person wrote never reaches a log through here.
impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch")
            .field("len", &self.len())
            .field("size_bytes", &self.size_bytes)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_operation_on_a_key_wins_and_the_size_follows() {
        let mut batch = Batch::default();
        batch.put(*b"key", *b"first");
        assert_eq!(batch.size_bytes(), 8);
        batch.put(*b"key", *b"2");
        assert_eq!((batch.len(), batch.size_bytes()), (1, 4));

        let mut later = Batch::default();
        later.delete(*b"key");
        later.put(*b"b", *b"x");
        batch.extend(later);
        assert_eq!((batch.len(), batch.size_bytes()), (2, 5));
        let all: Vec<_> = batch.iter().collect();
        assert_eq!(all, [(&b"b"[..], Some(&b"x"[..])), (&b"key"[..], None)]);
    }

    #[test]
    fn printing_a_batch_tells_no_content() {
        let mut batch = Batch::default();
        batch.put(*b"secret", *b"words");
        assert_eq!(format!("{batch:?}"), "Batch { len: 1, size_bytes: 11 }");
    }
}
