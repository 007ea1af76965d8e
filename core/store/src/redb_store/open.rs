//! Opening redb's file, and what to do when it does not open.

use std::fs;
use std::path::Path;

use redb::{Builder, Database, DatabaseError};

use super::TABLE;
use super::error::redb_error;
use crate::guard::caught;
use crate::home::Home;
use crate::{Recovery, StoreError, aside, durable};

/// What redb may keep in memory, in bytes. Its own default is 1 GiB.
const CACHE_BYTES: usize = 8 * 1024 * 1024;

const DATA: &str = "data.redb";

pub(super) fn open(home: &mut Home) -> Result<(Database, Recovery), StoreError> {
    if !home.is_ready() {
        home.clear_unfinished()?;
        return create(home).map(|db| (db, Recovery::Clean));
    }
    let data = home.folder().join(DATA);
    // redb would take an empty file for a new database.
    if fs::metadata(&data).map_or(0, |data| data.len()) == 0 {
        return start_over(home, "its data file is missing or empty".into());
    }
    match open_file(&data) {
        Ok(db) => Ok((db, Recovery::Clean)),
        Err(StoreError::Damaged { what, .. }) => start_over(home, what),
        Err(error) => Err(error),
    }
}

/// Makes an empty store, durably, where nothing is.
fn create(home: &Home) -> Result<Database, StoreError> {
    let folder = home.folder();
    durable::create_directory(&folder)?;
    let db = open_file(&folder.join(DATA))?;
    caught("creating the store", || {
        let make_table = || -> Result<(), redb::Error> {
            let transaction = db.begin_write()?;
            transaction.open_table(TABLE)?;
            Ok(transaction.commit()?)
        };
        make_table().map_err(|error| redb_error("creating the store", error))
    })?;
    durable::sync_directory(&folder)?;
    Ok(db)
}

fn open_file(data: &Path) -> Result<Database, StoreError> {
    caught("opening", || {
        Builder::new()
            .set_cache_size(CACHE_BYTES)
            .set_repair_callback(|repair| {
                // redb was not closed in order, and checks its file: no damage, but it takes time.
                tracing::debug!(progress = repair.progress(), "redb checks its file");
            })
            .create(data)
            .map_err(|error| match error {
                DatabaseError::DatabaseAlreadyOpen => {
                    StoreError::Locked { path: data.to_path_buf() }
                }
                other => redb_error("opening", other.into()),
            })
    })
}

fn start_over(home: &Home, why: String) -> Result<(Database, Recovery), StoreError> {
    let folder = home.folder();
    let path = if folder.exists() {
        aside::move_there(home.dir(), &folder)?
    } else {
        home.dir().join(aside::FOLDER)
    };
    Ok((create(home)?, Recovery::MovedAside { path, why }))
}
