//! Power cuts while a damaged sled store is written anew: every row that could be read before is
//! there afterwards.

use std::fs;
use std::path::Path;

use mainstay_power_cut::damage::{Damage, copy};
use mainstay_power_cut::disk::{Disk, Survives};
use mainstay_power_cut::long;
use mainstay_store::danger::{Options, open_sled};
use mainstay_store::{Backend, Batch, Store};

use crate::cuts::record;
use crate::report;
use crate::session::{Kind, step};
use crate::worker::Job;

/// Where the short form cuts.
const SHORT_CUTS: usize = 40;
const ROWS: u64 = 300;

fn key(number: u64) -> Vec<u8> {
    format!("kept/{number:04}").into_bytes()
}

/// Rows of a store whose snapshot knows them all, and whose log's header is damaged then.
fn damaged(job: &Job) {
    let mut batch = Batch::default();
    for number in 0..ROWS {
        batch.put(key(number), vec![number as u8; 300]);
    }
    open_sled(&job.store(), Options::default()).unwrap().store.commit(&batch).unwrap();
    drop(open_sled(&job.store(), Options::default()).unwrap());
    Damage::Flipped(0).apply(&job.store().join("sled/db"));
}

/// How many of the rows a cut left, and whether the store goes on.
fn rows_after(dir: &Path) -> Result<u64, String> {
    for _ in 0..2 {
        let opened = open_sled(dir, Options::default());
        let store = opened.map_err(|error| format!("does not open: {error}"))?.store;
        let next = step(1, Kind::Usual).batch;
        store.commit(&next).map_err(|error| format!("does not go on: {error}"))?;
    }
    let store = open_sled(dir, Options::default()).map_err(|error| error.to_string())?.store;
    Ok((0..ROWS).filter(|number| store.get(&key(*number)).ok().flatten().is_some()).count() as u64)
}

// Broken on purpose: opening without finishing an exchange that was cut off lost every row in 4 of 176.
#[test]
fn a_power_cut_while_a_damaged_sled_store_is_written_anew_loses_no_row() {
    mainstay_power_cut::quiet_backends();
    let root = tempfile::tempdir().unwrap();
    let job = Job::new(Backend::Sled, root.path(), 2);
    fs::create_dir_all(job.disk()).unwrap();
    damaged(&job);
    let before = tempfile::tempdir().unwrap();
    copy(&job.disk(), before.path());
    let events = record(&job);
    let mut disk = Disk::holding(before.path());
    let boundaries = events.iter().filter(|event| disk.follow(event)).count();
    let every = if long() { 1 } else { (boundaries / SHORT_CUTS).max(1) };
    let mut disk = Disk::holding(before.path());
    let (mut boundary, mut cuts, mut wrong) = (0, 0, Vec::new());
    for event in &events {
        if !disk.follow(event) {
            continue;
        }
        boundary += 1;
        if boundary % every != 0 {
            continue;
        }
        for survives in Survives::ways(boundary as u64) {
            let target = tempfile::tempdir().unwrap();
            disk.cut(survives, target.path());
            cuts += 1;
            match rows_after(&target.path().join("store")) {
                Ok(ROWS) => {}
                other => wrong.push(format!("boundary {boundary}, {survives:?}: {other:?}")),
            }
        }
    }
    report(format!(
        "power cuts while sled is written anew: {} of {cuts} clean",
        cuts - wrong.len()
    ));
    assert!(cuts >= 60, "{cuts} cuts");
    assert_eq!(wrong, Vec::<String>::new());
}
