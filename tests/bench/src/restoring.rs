//! A new phone, with nothing but twelve words.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mainstay_core::document::Row;
use mainstay_core::engine::{Backend, Engine, SyncReport};
use mainstay_core::ndjson;
use mainstay_core::plan::Plan;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::data::{Journal, line};
use crate::label;
use crate::phones::{Desk, config};
use crate::proxy::Proxy;
use crate::rows::Rows;
use crate::sides::{Phone, Sides};
use crate::stats::{Samples, times};
use crate::table::Table;

/// Turns of [`Engine::restore`] itself: what there is, and the record that lets the phone in.
const RESTORE_TURNS: u32 = 2;
const ROUNDS: usize = 5;
const ZSTD_LEVEL: i32 = 19;

/// How far a restore had come, and what that took.
#[derive(Clone, Copy, Default)]
struct Mark {
    turns: u32,
    bytes: u64,
    time: Duration,
}

struct Restored {
    readable: Mark,
    durable: Mark,
}

/// What the new phone must show.
struct Truth {
    plan: Plan,
    span: (i64, i64),
    month: Vec<Row>,
    everything: Vec<Row>,
}

/// Restores each journal, over and over: the bytes through a wire that counts, the time without.
pub(crate) async fn measure(
    desk: &Desk,
    sides: &Sides,
    journal: &Journal,
    table: &mut Table,
) -> Result<()> {
    let phone = sides.phones.first().context("no phone")?;
    phone.engine.sync().await?;
    let truth = Truth {
        plan: phone.engine.plan().await?,
        span: (journal.last_month().0, i64::MAX),
        month: phone.engine.timeline(journal.last_month().0, i64::MAX).await?,
        everything: phone.engine.timeline(i64::MIN, i64::MAX).await?,
    };
    let plain: String = truth.everything.iter().map(|row| ndjson::to_line(row) + "\n").collect();
    let zipped = zstd::bulk::compress(plain.as_bytes(), ZSTD_LEVEL)?.len() as f64;
    let bulk_s = bulk_insert(desk, journal)?;
    let years = journal.years.to_string();
    let cells = |name: String, turns: String, kb: f64, seconds: String, bulk: String| {
        let ratio = times(kb * 1e3, zipped);
        vec![years.clone(), name, turns, format!("{kb:.1}"), ratio, seconds, bulk]
    };
    let none = || "-".to_owned();
    table.row(cells("the lines, zstd-19".to_owned(), none(), zipped / 1e3, none(), none()));
    table.row(cells(
        "SQLite bulk insert".to_owned(),
        none(),
        plain.len() as f64 / 1e3,
        bulk_s.spread(2),
        "1".to_owned(),
    ));
    for backend in crate::BACKENDS {
        let counted = run(desk, phone, backend, &truth, true).await?;
        let (mut readable_s, mut durable_s) = (Samples::default(), Samples::default());
        for _ in 0..ROUNDS {
            let timed = run(desk, phone, backend, &truth, false).await?;
            readable_s.add(timed.readable.time.as_secs_f64());
            durable_s.add(timed.durable.time.as_secs_f64());
        }
        for (what, mark, time_s) in [
            ("plan and 30 days readable", counted.readable, readable_s),
            ("everything durable", counted.durable, durable_s),
        ] {
            table.row(cells(
                format!("{}: {what}", label(backend)),
                mark.turns.to_string(),
                mark.bytes as f64 / 1e3,
                time_s.spread(2),
                times(time_s.median(), bulk_s.median()),
            ));
        }
    }
    Ok(())
}

fn bulk_insert(desk: &Desk, journal: &Journal) -> Result<Samples> {
    let lines: Vec<_> = journal.entries.iter().map(|entry| (entry, line(entry))).collect();
    (0..ROUNDS)
        .map(|round| {
            let path = desk.path(&format!("bulk-{}-{round}.sqlite", journal.years));
            let (_, took) = Rows::bulk(&path, &lines)?;
            Ok(took.as_secs_f64())
        })
        .collect()
}

async fn run(
    desk: &Desk,
    old: &Phone,
    backend: Backend,
    truth: &Truth,
    counted: bool,
) -> Result<Restored> {
    let dir = desk.path("new-phone");
    for left in [dir.clone(), dir.with_extension("keys")] {
        if left.exists() {
            std::fs::remove_dir_all(left)?;
        }
    }
    let mut address = desk.relay.address();
    let proxy = match counted {
        true => Some(Proxy::start(desk.relay.local_addr()).await?),
        false => None,
    };
    if let Some(proxy) = &proxy {
        address.port = proxy.port;
    }
    let bytes = || proxy.as_ref().map_or(0, Proxy::to_device);
    let begun = Instant::now();
    let new = Engine::restore(config(&dir, backend), &old.phrase, &address).await?;
    let mut readable = None;
    let mark = |report: &SyncReport| Mark {
        turns: report.round_trips + RESTORE_TURNS,
        bytes: bytes(),
        time: begun.elapsed(),
    };
    let mut look = |report: &SyncReport| {
        if readable.is_none() {
            let mark = mark(report);
            let there = block_in_place(|| Handle::current().block_on(shows(&new, truth)));
            readable = there.then_some(mark);
        }
    };
    let report = new.sync_with(&mut look).await?;
    let bytes = mark(&report).bytes;
    new.suspend().await?;
    let durable = Mark { bytes, time: begun.elapsed(), turns: report.round_trips + RESTORE_TURNS };
    new.resume().await?;
    let there = new.timeline(i64::MIN, i64::MAX).await? == truth.everything;
    ensure!(there && report.complete, "the new phone shows something else");
    new.suspend().await?;
    Ok(Restored { readable: readable.context("the last 30 days never became readable")?, durable })
}

/// Whether the new phone shows the plan and the last 30 days.
async fn shows(new: &Engine, truth: &Truth) -> bool {
    let (from, to) = truth.span;
    matches!(new.plan().await, Ok(plan) if plan == truth.plan)
        && matches!(new.timeline(from, to).await, Ok(rows) if rows == truth.month)
}
