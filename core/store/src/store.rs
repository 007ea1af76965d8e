//! The port.

use std::ops::ControlFlow;

use crate::{Batch, StoreError};

/// A durable, ordered key-value store. Keys sort as bytes.
///
/// A handle may be shared between threads. Commits happen one after the other. After an I/O error
/// or a full disk a store refuses further writes with [`StoreError::Stopped`]: what is on the disk
/// is then unknown until it has been opened again. Nothing acknowledged is lost by that.
pub trait Store: Send + Sync {
    /// The value stored under `key`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Io`] when it cannot be read.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Visits the pairs with `from <= key`, and `key < to` when it is given, in ascending order,
    /// until `visit` breaks.
    ///
    /// `visit` may use the store. A commit made while a scan runs may be seen in part: a scan
    /// that has to see one state runs where no other thread commits.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Io`] when a pair cannot be read; the pairs before
    /// it have been visited.
    #[expect(clippy::type_complexity, reason = "spelled out where it is called")]
    fn scan(
        &self,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// As [`Store::scan`], in descending order.
    ///
    /// # Errors
    /// Those of [`Store::scan`].
    #[expect(clippy::type_complexity, reason = "spelled out where it is called")]
    fn scan_back(
        &self,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// Applies `batch` as a whole. Has returned only after a real fsync, which also covers every
    /// lazy commit before it. An empty batch asks the disk for nothing.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] (nothing was done, the store works on), [`StoreError::Full`],
    /// [`StoreError::Io`], [`StoreError::Stopped`]. After the last three the batch may or may not
    /// be found, as a whole, when the store is opened again.
    fn commit(&self, batch: &Batch) -> Result<(), StoreError>;

    /// Applies `batch` as a whole, readable at once, but durable only with the next
    /// [`Store::commit`] or [`Store::flush`], and never without the lazy commits before it.
    /// For data that can be derived again.
    ///
    /// # Errors
    /// Those of [`Store::commit`].
    fn commit_lazily(&self, batch: &Batch) -> Result<(), StoreError>;

    /// Makes every lazy commit durable.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Io`] or [`StoreError::Stopped`].
    fn flush(&self) -> Result<(), StoreError>;

    /// What [`Recovery::Incomplete`](crate::Recovery::Incomplete) told was dealt with, durably. Until this
    /// is called, every open tells it again.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    fn mended(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// What the store takes up, in bytes: the length of its files, or of its pairs in memory.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the directory cannot be read.
    fn size_bytes(&self) -> Result<u64, StoreError>;
}
