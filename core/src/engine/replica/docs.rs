//! Documents, rows and the catalog in the store.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::Replica;
use super::records::{Catalog, DocRecord};
use crate::chapter::{Bundle, Page};
use crate::document::{EntryDoc, Row};
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::engine::vault::{Key, Table, Vault};
use crate::journal::{EntryId, Month};

/// The parts of a chapter's key.
fn month_part(month: Month) -> [u8; 2] {
    month.index().to_be_bytes()
}

pub(super) fn entry_key(vault: &Vault, table: Table, id: &EntryId) -> Key {
    vault.key(table, &[&month_part(id.month()), id.as_bytes()])
}

pub(super) fn month_key(vault: &Vault, table: Table, month: Month) -> Key {
    vault.key(table, &[&month_part(month)])
}

/// Where one generation of a chapter's bundle or page lies.
pub(super) fn packed_key(vault: &Vault, table: Table, month: Month, generation: u32) -> Key {
    vault.key(table, &[&month_part(month), &generation.to_be_bytes()])
}

impl Replica {
    /// An entry's document with what is known of its origin; `None` when there is none here.
    pub(super) fn doc(
        &mut self,
        tx: &Tx,
        id: &EntryId,
    ) -> Result<Option<(EntryDoc, DocRecord)>, EngineError> {
        let key = entry_key(&self.vault, Table::Doc, id);
        if let Some(record) = tx.get::<DocRecord>(&key)? {
            return Ok(Some((EntryDoc::load(&record.saved)?, record)));
        }
        let month = id.month();
        let bundle = self.bundle(tx, month)?;
        let Some(saved) = bundle.and_then(|bundle| bundle.find(id)) else { return Ok(None) };
        let doc = EntryDoc::load(saved)?;
        Ok(Some((doc, DocRecord::none(*id.as_bytes()))))
    }

    /// An entry's document as it is stored, not loaded.
    pub(super) fn saved(&mut self, tx: &Tx, id: &EntryId) -> Result<Option<Vec<u8>>, EngineError> {
        let key = entry_key(&self.vault, Table::Doc, id);
        if let Some(record) = tx.get::<DocRecord>(&key)? {
            return Ok(Some(record.saved.into()));
        }
        let bundle = self.bundle(tx, id.month())?;
        Ok(bundle.and_then(|bundle| bundle.find(id)).map(<[u8]>::to_vec))
    }

    /// A chapter's bundle, unpacked once.
    pub(super) fn bundle(&mut self, tx: &Tx, month: Month) -> Result<Option<&Bundle>, EngineError> {
        let Some(generation) = self.catalog.get(&month).and_then(|c| c.bundle) else {
            return Ok(None);
        };
        if !matches!(&self.bundle, Some((m, g, _)) if *m == month && *g == generation) {
            let bytes = tx.bytes(&packed_key(&self.vault, Table::Bundle, month, generation))?;
            let bytes = bytes.ok_or(EngineError::damaged("a chapter's bundle is missing"))?;
            self.bundle = Some((month, generation, Bundle::from_bytes(&bytes)?));
        }
        Ok(self.bundle.as_ref().map(|(_, _, bundle)| bundle))
    }

    /// A chapter's packed rows, unpacked once.
    pub(super) fn page(&mut self, tx: &Tx, month: Month) -> Result<&[Row], EngineError> {
        let Some(generation) = self.catalog.get(&month).and_then(|c| c.page) else {
            return Ok(&[]);
        };
        if !matches!(&self.page, Some((m, g, _)) if *m == month && *g == generation) {
            let bytes = tx.bytes(&packed_key(&self.vault, Table::Page, month, generation))?;
            let bytes = bytes.ok_or(EngineError::damaged("a chapter's page is missing"))?;
            self.page = Some((month, generation, Page::from_bytes(&bytes)?.rows));
        }
        Ok(self.page.as_ref().map_or(&[], |(_, _, rows)| rows))
    }

    /// Writes a document and its row, and keeps the catalog in step.
    pub(super) fn put_doc(
        &mut self,
        tx: &mut Tx,
        id: &EntryId,
        doc: &EntryDoc,
        from: BTreeMap<mainstay_protocol::ids::AuthorId, u64>,
    ) -> Result<(), EngineError> {
        let record = DocRecord { entry: *id.as_bytes(), saved: doc.save().into(), from };
        tx.put(&entry_key(&self.vault, Table::Doc, id), &record)?;
        let row = Row::from_doc(*id, doc);
        let before = self.row(tx, id)?;
        self.note_row(tx, before.as_ref(), Some(&row))?;
        tx.put(&entry_key(&self.vault, Table::Row, id), &row)
    }

    /// One entry's row; `None` when there is none here.
    pub(super) fn row(&mut self, tx: &Tx, id: &EntryId) -> Result<Option<Row>, EngineError> {
        if let Some(row) = tx.get::<Row>(&entry_key(&self.vault, Table::Row, id))? {
            return Ok(Some(row));
        }
        let rows = self.page(tx, id.month())?;
        let at = rows.binary_search_by(|row| row.id.cmp(id));
        Ok(at.ok().map(|at| rows[at].clone()))
    }

    /// All rows of a chapter, sorted by entry, deleted ones among them.
    pub(super) fn rows(&mut self, tx: &Tx, month: Month) -> Result<Vec<Row>, EngineError> {
        let Some(catalog) = self.catalog.get(&month) else { return Ok(Vec::new()) };
        let loose = catalog.loose;
        let packed = self.page(tx, month)?;
        if !loose {
            return Ok(packed.to_vec());
        }
        let mut rows: BTreeMap<EntryId, Row> = packed.iter().map(|r| (r.id, r.clone())).collect();
        tx.scan(&month_key(&self.vault, Table::Row, month), &mut |_, bytes| {
            let row: Row = mainstay_protocol::codec::decode(&bytes)?;
            rows.insert(row.id, row);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(rows.into_values().collect())
    }

    /// All loose documents of a chapter.
    pub(super) fn loose_docs(
        &self,
        tx: &Tx,
        month: Month,
    ) -> Result<BTreeMap<EntryId, DocRecord>, EngineError> {
        let mut docs = BTreeMap::new();
        tx.scan(&month_key(&self.vault, Table::Doc, month), &mut |_, bytes| {
            let record: DocRecord = mainstay_protocol::codec::decode(&bytes)?;
            docs.insert(EntryId::from_bytes(record.entry), record);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(docs)
    }

    /// Whether an entry was forgotten for ever.
    pub(super) fn is_forgotten(&self, id: &EntryId) -> bool {
        self.catalog.get(&id.month()).is_some_and(|c| c.forgotten.contains(id.as_bytes()))
    }

    /// Changes a chapter's summary, and writes it.
    pub(super) fn with_catalog(
        &mut self,
        tx: &mut Tx,
        month: Month,
        change: impl FnOnce(&mut Catalog),
    ) -> Result<(), EngineError> {
        let catalog = self.catalog.entry(month).or_insert_with(|| Catalog::new(month));
        change(catalog);
        tx.put(&month_key(&self.vault, Table::Catalog, month), &*catalog)
    }

    /// Counts a row that replaces another one.
    pub(super) fn note_row(
        &mut self,
        tx: &mut Tx,
        before: Option<&Row>,
        after: Option<&Row>,
    ) -> Result<(), EngineError> {
        let Some(row) = after.or(before) else { return Ok(()) };
        self.touch(tx, &row.id)?;
        let range = after
            .and_then(|row| row.when())
            .map(|when| (when.earliest().as_millisecond(), when.latest().as_millisecond()));
        self.revision += 1;
        self.with_catalog(tx, row.id.month(), |catalog| {
            catalog.count(before, -1);
            catalog.count(after, 1);
            catalog.loose = true;
            if let Some((from_ms, to_ms)) = range {
                catalog.from_ms = catalog.from_ms.min(from_ms);
                catalog.to_ms = catalog.to_ms.max(to_ms);
            }
        })
    }
}

impl Catalog {
    pub(super) fn new(month: Month) -> Self {
        Self {
            month: month.index(),
            live: 0,
            deleted: 0,
            from_ms: i64::MAX,
            to_ms: i64::MIN,
            forgotten: Vec::new(),
            bundle: None,
            page: None,
            loose: false,
            forgot_under: None,
        }
    }

    fn count(&mut self, row: Option<&Row>, by: i64) {
        match row.map(|row| row.deleted_at) {
            Some(None) => self.live = self.live.saturating_add_signed(by),
            Some(Some(_)) => self.deleted = self.deleted.saturating_add_signed(by),
            None => {}
        }
    }
}
