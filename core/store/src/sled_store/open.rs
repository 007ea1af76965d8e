//! Opening sled's files, and what to do when they do not open.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::error::sled_error;
use crate::guard::caught;
use crate::home::Home;
use crate::{Recovery, StoreError, aside, durable};

/// What sled may keep in memory, in bytes. Its own default is 1 GiB.
const CACHE_BYTES: u64 = 8 * 1024 * 1024;

/// sled's `conf` file as 0.34 writes it with the default segments of 512 KiB, its check sum
/// (CRC-32, little-endian) at the end. sled writes it once and never fsyncs it, and does not open
/// without it; so we write it, and write it again when it is damaged. No other content is ever
/// right: with another segment size the data would silently read as empty.
const CONF: &[u8; 62] =
    b"segment_size: 524288\nuse_compression: false\nversion: 0.34\n\x76\x19\x51\xc1";

/// A tree of ours with one key, written at creation. sled opens a data file that lost its
/// beginning as an empty store; without the mark we know that it is not.
const MARK_TREE: &[u8] = b"mainstay";
const MARK_KEY: &[u8] = b"created";

/// How long sled's threads may take to let go of a store that this process has just closed.
const RELEASE_WAIT: Duration = Duration::from_secs(5);

pub(super) struct Files {
    pub(super) db: sled::Db,
    pub(super) data: File,
}

pub(super) fn open(home: &mut Home) -> Result<(Files, Recovery), StoreError> {
    if !home.is_ready() {
        return create(home).map(|files| (files, Recovery::Clean));
    }
    let folder = home.folder();
    if fs::metadata(folder.join("db")).map_or(0, |data| data.len()) == 0 {
        return start_over(home, "its data file is missing or empty".into());
    }
    restore_conf(home)?;
    match open_intact(&folder) {
        Ok(files) => Ok((files, Recovery::Clean)),
        Err(StoreError::Damaged { what, .. }) => recover(home, what),
        Err(error) => Err(error),
    }
}

/// Makes an empty store. What an interrupted creation left is moved out of the way: nothing in it
/// was ever acknowledged.
fn create(home: &Home) -> Result<Files, StoreError> {
    let folder = home.folder();
    if folder.exists() {
        aside::move_there(home.dir(), &folder)?;
    }
    durable::create_directory(&folder.join("blobs"))?;
    durable::replace(&folder.join("conf"), CONF)?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(folder.join("db"))
        .map_err(|source| StoreError::io("creating the data file", source))?;
    let files = open_files(&folder)?;
    caught("creating the store", || {
        let mark = || {
            files.db.open_tree(MARK_TREE)?.insert(MARK_KEY, b"")?;
            files.db.flush()
        };
        mark().map(drop).map_err(|error| sled_error("creating the store", error))
    })?;
    files.data.sync_all().map_err(|source| StoreError::io("syncing", source))?;
    durable::sync_directory(&folder)?;
    Ok(files)
}

/// Opens the files, and makes sure that they are ours from the beginning.
fn open_intact(folder: &Path) -> Result<Files, StoreError> {
    let files = open_files(folder)?;
    let marked = caught("looking for the mark", || {
        if !files.db.tree_names().iter().any(|name| name == MARK_TREE) {
            return Ok(false);
        }
        let mark = files.db.open_tree(MARK_TREE).and_then(|tree| tree.contains_key(MARK_KEY));
        mark.map_err(|error| sled_error("looking for the mark", error))
    })?;
    if marked { Ok(files) } else { Err(StoreError::damaged("its data lack their beginning")) }
}

fn open_files(folder: &Path) -> Result<Files, StoreError> {
    let data = OpenOptions::new()
        .read(true)
        .write(true)
        .open(folder.join("db"))
        .map_err(|source| StoreError::io("opening the data file", source))?;
    let config = sled::Config::new()
        .path(folder)
        .cache_capacity(CACHE_BYTES)
        // We flush; a background flush would only add writes without an fsync.
        .flush_every_ms(None);
    let give_up = Instant::now() + RELEASE_WAIT;
    let db = caught("opening", || {
        loop {
            match config.open() {
                Err(sled::Error::Io(error))
                    if error.to_string().contains("could not acquire lock")
                        && Instant::now() < give_up =>
                {
                    std::thread::sleep(Duration::from_millis(5));
                }
                result => return result.map_err(|error| sled_error("opening", error)),
            }
        }
    })?;
    Ok(Files { db, data })
}

fn restore_conf(home: &mut Home) -> Result<(), StoreError> {
    let conf = home.folder().join("conf");
    match fs::read(&conf) {
        Ok(bytes) if bytes == CONF => return Ok(()),
        Ok(_) => {
            aside::move_there(home.dir(), &conf)?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(StoreError::io("reading sled's conf file", source)),
    }
    durable::replace(&conf, CONF)?;
    home.repaired("sled's conf file was damaged and has been restored");
    Ok(())
}

/// sled keeps a `snap.*` file for a faster open, and fails when it is damaged, although every row
/// is still in the log. So: keep a copy of everything, try without, and only then start over.
fn recover(home: &mut Home, why: String) -> Result<(Files, Recovery), StoreError> {
    let folder = home.folder();
    let snapshots = snapshots(&folder)?;
    if snapshots.is_empty() {
        return start_over(home, why);
    }
    let copy = aside::copy_there(home.dir(), &folder)?;
    for snapshot in snapshots {
        fs::remove_file(snapshot)
            .map_err(|source| StoreError::io("removing a damaged snapshot", source))?;
    }
    durable::sync_directory(&folder)?;
    match open_intact(&folder) {
        Ok(files) => {
            home.repaired(format!("sled's snapshot was damaged and has been rebuilt ({why})"));
            Ok((files, Recovery::Clean))
        }
        Err(StoreError::Damaged { what, .. }) => {
            // The copy is the store as we found it; what we tried to open is left of a copy.
            fs::remove_dir_all(&folder)
                .map_err(|source| StoreError::io("clearing a damaged store", source))?;
            let files = create(home)?;
            Ok((files, Recovery::MovedAside { path: copy, why: what }))
        }
        Err(error) => Err(error),
    }
}

fn snapshots(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let listing = |source| StoreError::io("looking for snapshots", source);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(listing)? {
        let path = entry.map_err(listing)?.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if name.starts_with("snap.") {
            found.push(path);
        }
    }
    Ok(found)
}

fn start_over(home: &Home, why: String) -> Result<(Files, Recovery), StoreError> {
    let folder = home.folder();
    let path = if folder.exists() {
        aside::move_there(home.dir(), &folder)?
    } else {
        home.dir().join(aside::FOLDER)
    };
    Ok((create(home)?, Recovery::MovedAside { path, why }))
}
