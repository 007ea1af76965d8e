//! Opening sled's files, and what to do when they do not open.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::before::Before;
use super::broken;
use super::error::sled_error;
use super::lost;
use super::rebuild::{self, Kept};
use super::release;
use super::segments::{self, Headers};
use super::tail;
use super::watch::Watch;
use crate::guard::caught;
use crate::home::Home;
use crate::{Recovery, StoreError, aside, durable};

/// What sled may keep in memory, in bytes. Its own default is 1 GiB.
const CACHE_BYTES: u64 = 8 * 1024 * 1024;

/// What the system says of a read that the medium does not answer: `EIO`, on every system that we run on.
const EIO: i32 = 5;

/// sled's `conf` file as 0.34 writes it with the default segments of 512 KiB, its check sum
/// (CRC-32, little-endian) at the end. sled writes it once and never fsyncs it, and does not open
/// without it; so we write it, and write it again when it is damaged. No other content is ever
/// right: with another segment size the data would silently read as empty.
const CONF: &[u8; 62] =
    b"segment_size: 524288\nuse_compression: false\nversion: 0.34\n\x76\x19\x51\xc1";

pub(super) struct Files {
    pub(super) watch: Watch,
    pub(super) db: sled::Db,
    pub(super) data: File,
    /// How often the store was closed after writes, as its log says.
    pub(super) closed: u64,
}

pub(super) fn open(home: &mut Home) -> Result<(Files, Recovery), StoreError> {
    if !home.is_ready() {
        home.clear_unfinished()?;
        // Notes of a store that was set aside are about that one.
        lost::settled(home.dir())?;
        lost::forget_copy(home.dir())?;
        broken::settled(home.dir())?;
        return create(home).map(|files| (files, Recovery::Clean));
    }
    rebuild::settle(home)?;
    match open_found(home)? {
        (files, Recovery::MovedAside { path, why }) => {
            // Whoever finds nothing at all needs no other word.
            lost::settled(home.dir())?;
            lost::forget_copy(home.dir())?;
            broken::settled(home.dir())?;
            Ok((files, Recovery::MovedAside { path, why }))
        }
        (files, recovery) => Ok((files, lost::noted(home.dir()).unwrap_or(recovery))),
    }
}

fn open_found(home: &mut Home) -> Result<(Files, Recovery), StoreError> {
    let headers = release::data_file(&home.folder())
        .and_then(|mut data| segments::headers(&mut data, &home.folder()));
    let (damage, is_torn) = match headers {
        Ok(Headers::Sound) => (None, false),
        Ok(Headers::Torn) => (None, true),
        Ok(Headers::Damaged) => (Some(keep(home)?), false),
        Ok(Headers::None) => return start_over(home, "its data file is empty".into()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return start_over(home, "its data file is missing".into());
        }
        Err(source) => return Err(StoreError::io("reading the data file", source)),
    };
    // A repair that was cut off after it had begun to write in place.
    let damage = damage.or_else(|| lost::copy_of(home.dir()).map(Kept::Copied));
    restore_conf(home)?;
    clear_unfinished_snapshots(&home.folder())?;
    match open_whole(home) {
        // Only reading tells whether a torn segment was in use.
        Ok((files, _)) if is_torn && !rebuild::is_readable(&files.db)? => {
            complete(home, files, Some(Kept::Themselves))
        }
        Ok((files, true)) => complete(home, files, damage),
        Ok((files, false)) => complete(home, files, damage.or(Some(Kept::Themselves))),
        Err(StoreError::Damaged { what, .. }) => recover(home, what, damage, is_torn),
        Err(error) => Err(error),
    }
}

/// Copies damaged files before sled opens them, and writes to them; where the medium does not give all of
/// them, they are kept as sled leaves them.
fn keep(home: &Home) -> Result<Kept, StoreError> {
    match lost::copied(home.dir(), &home.folder()) {
        Ok(copy) => Ok(Kept::Copied(copy)),
        Err(StoreError::Full) => Err(StoreError::Full),
        Err(error) => {
            tracing::debug!(%error, "damaged files cannot be copied");
            Ok(Kept::Themselves)
        }
    }
}

/// Makes an empty store, durably, where nothing is.
fn create(home: &Home) -> Result<Files, StoreError> {
    let files = create_in(&home.folder())?;
    tail::note(home.dir(), 0)?;
    Ok(files)
}

/// Makes an empty log, durably, in a folder that holds none.
pub(super) fn create_in(folder: &Path) -> Result<Files, StoreError> {
    durable::create_directory(&folder.join("blobs"))?;
    durable::replace(&folder.join("conf"), CONF)?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(folder.join("db"))
        .map_err(|source| StoreError::io("creating the data file", source))?;
    let files = open_files(folder)?;
    tail::record(&files.db, 0)?;
    files.watch.flush(&files.db)?;
    files.data.sync_all().map_err(|source| StoreError::io("syncing", source))?;
    durable::sync_directory(folder)?;
    Ok(files)
}

/// How often putting the files back is tried.
const PUT_BACK_TRIES: usize = 3;

/// Opens the files. Where sled then knows less than they held, or fails, they are put back to what they were:
/// it may have met an error of the disk, and does not the second time. What it lacks then is not there. Tells
/// whether all that sled reads could be read before.
fn open_whole(home: &Home) -> Result<(Files, bool), StoreError> {
    let folder = home.folder();
    let before = match Before::read(&folder).or_else(|_| Before::read(&folder)) {
        Ok(Some(before)) => before,
        Ok(None) => return open_intact(&folder).map(|files| (files, true)),
        // What the medium does not give at all, sled does not get either.
        Err(error) if error.raw_os_error() == Some(EIO) => {
            return open_intact(&folder).map(|files| (files, false));
        }
        Err(source) => return Err(StoreError::io("reading the data file", source)),
    };
    let noted = tail::noted(home.dir())?;
    let failed = match open_intact(&folder) {
        Ok(files) if files.closed >= noted => return Ok((files, true)),
        Ok(files) => {
            rebuild::close_damaged(files);
            None
        }
        Err(error) => Some(error),
    };
    put_back(home, &before)?;
    match failed {
        Some(error) if !matches!(error, StoreError::Damaged { .. }) => Err(error),
        _ => match open_intact(&folder) {
            Ok(files) => Ok((files, true)),
            Err(error) => {
                // Whatever is done about it begins with what was found.
                put_back(home, &before)?;
                Err(error)
            }
        },
    }
}

/// Where it is cut off in the middle, the files may have a hole of which sled says nothing: a note beside them
/// does, until it is through.
pub(super) fn put_back(home: &Home, before: &Before) -> Result<(), StoreError> {
    let was_noted = broken::is_noted(home.dir());
    if let Err(error) = broken::note(home.dir()) {
        tracing::warn!(%error, "that files are being put back could not be noted");
    }
    let mut done = before.put_back();
    for _ in 1..PUT_BACK_TRIES {
        done = done.or_else(|_| before.put_back());
    }
    done.map_err(|source| StoreError::io("putting the data file back", source))?;
    match was_noted {
        true => Ok(()),
        false => broken::settled(home.dir()),
    }
}

/// Opens the files, and makes sure that they are ours from the beginning.
pub(super) fn open_intact(folder: &Path) -> Result<Files, StoreError> {
    let mut files = open_files(folder)?;
    let closed = tail::recorded(&files.db)
        .and_then(|closed| {
            closed.ok_or_else(|| StoreError::damaged("its data lack their beginning"))
        })
        .and_then(|closed| {
            // sled fsyncs the snapshot that it has just written, but not its name. From here on it
            // reuses segments that are free by that snapshot: found again without it, after a power
            // cut, a store has opened as an empty one.
            durable::sync_directory(folder).map(|()| closed)
        });
    match closed {
        Ok(closed) => {
            files.closed = closed;
            Ok(files)
        }
        Err(error) => {
            rebuild::close_damaged(files);
            Err(error)
        }
    }
}

/// A store that has opened is used as it is only when nothing tells of a loss, or of a change that was broken
/// off. `damage`: a header is damaged, and what is kept of the files.
fn complete(
    home: &Home,
    files: Files,
    damage: Option<Kept>,
) -> Result<(Files, Recovery), StoreError> {
    let lost = files.closed < tail::noted(home.dir())?;
    let why = match (&damage, lost, broken::is_noted(home.dir())) {
        (None, false, false) => return Ok((files, Recovery::Clean)),
        (_, true, _) => "its data file has lost its end since it was closed",
        (Some(_), ..) => "a segment of its data file is damaged",
        (None, false, true) => "an error of the disk broke a change off in the middle",
    };
    let files = rebuild::rebuild(home, files, damage.unwrap_or(Kept::Themselves), why)?;
    broken::settled(home.dir())?;
    Ok((files, Recovery::Clean))
}

fn open_files(folder: &Path) -> Result<Files, StoreError> {
    let data = release::data_file(folder)
        .map_err(|source| StoreError::io("opening the data file", source))?;
    let config = sled::Config::new()
        .path(folder)
        .cache_capacity(CACHE_BYTES)
        // We flush; a background flush would only add writes without an fsync.
        .flush_every_ms(None);
    let db = caught("opening", || config.open().map_err(|error| sled_error("opening", error)))?;
    match Watch::start(db.clone()) {
        Ok(watch) => Ok(Files { watch, db, data, closed: 0 }),
        Err(error) => caught("closing", || {
            drop(db);
            Err(error)
        }),
    }
}

fn restore_conf(home: &mut Home) -> Result<(), StoreError> {
    let conf = home.folder().join("conf");
    match fs::read(&conf) {
        Ok(bytes) if bytes == CONF => return Ok(()),
        Ok(_) => {
            aside::move_there(home.dir(), &conf)?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(source) => return Err(StoreError::io("reading sled's conf file", source)),
    }
    durable::replace(&conf, CONF)?;
    home.repaired("sled's conf file was damaged and has been restored");
    Ok(())
}

/// sled keeps a `snap.*` file for a faster open, and fails when it is damaged, although every row
/// is still in the log. So: keep a copy of everything, try without, and only then start over.
fn recover(
    home: &mut Home,
    why: String,
    damage: Option<Kept>,
    is_torn: bool,
) -> Result<(Files, Recovery), StoreError> {
    let folder = home.folder();
    let snapshots = snapshots(&folder)?;
    if snapshots.is_empty() && damage.is_none() {
        return start_over(home, why);
    }
    // Without its snapshot, sled reads past a torn segment that was in use and says nothing.
    let header_is_damaged = is_torn || damage.is_some();
    let copy = match damage {
        Some(Kept::Copied(copy)) => copy,
        _ => lost::copied(home.dir(), &folder)?,
    };
    for snapshot in snapshots {
        fs::remove_file(snapshot)
            .map_err(|source| StoreError::io("removing a damaged snapshot", source))?;
    }
    durable::sync_directory(&folder)?;
    let noted = tail::noted(home.dir())?;
    match open_intact(&folder) {
        Ok(files) if header_is_damaged || files.closed < noted || broken::is_noted(home.dir()) => {
            complete(home, files, Some(Kept::Copied(copy)))
        }
        Ok(files) => {
            home.repaired(format!("sled's snapshot was damaged and has been rebuilt ({why})"));
            lost::forget_copy(home.dir())?;
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

/// sled takes a snapshot that it was killed over for the newest one, and does not open with it. The one
/// before is still there, and the log from it on.
fn clear_unfinished_snapshots(folder: &Path) -> Result<(), StoreError> {
    for path in snapshots(folder)? {
        if path.extension() == Some(OsStr::new("generating")) {
            match fs::remove_file(path) {
                // Where sled takes no lock, one of its threads may just have finished it.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                done => done
                    .map_err(|source| StoreError::io("removing an unfinished snapshot", source))?,
            }
        }
    }
    Ok(())
}

fn snapshots(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    segments::snapshots(folder).map_err(|source| StoreError::io("looking for snapshots", source))
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
