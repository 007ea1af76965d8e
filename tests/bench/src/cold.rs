//! A process that starts: open, then the last 30 days.
//!
//! "Cold" is the process, not the disk: the files are in the system's cache.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use mainstay_core::engine::{Backend, Engine};

use crate::data::Journal;
use crate::label;
use crate::phones::{config, name_of};
use crate::rows::Rows;
use crate::sides::Sides;
use crate::stats::{Samples, times};
use crate::table::Table;

/// The argument that makes this program a child.
pub(crate) const CHILD: &str = "cold-process";
const ROUNDS: usize = 11;

#[derive(Default)]
struct Side {
    open_ms: Samples,
    read_ms: Samples,
    peak_mib: Samples,
    rows: usize,
}

/// Measures each side in turn, round after round.
pub(crate) async fn measure(sides: &Sides, journal: &Journal, table: &mut Table) -> Result<()> {
    let mut places = vec![("sqlite", "SQLite".to_owned(), sides.rows_path.clone())];
    for phone in &sides.phones {
        phone.engine.suspend().await?;
        places.push((name_of(phone.backend), label(phone.backend), phone.dir.clone()));
    }
    let mut measured: Vec<Side> = places.iter().map(|_| Side::default()).collect();
    for _ in 0..ROUNDS {
        for ((store, _, path), side) in places.iter().zip(&mut measured) {
            round(store, path, journal.last_month(), side)?;
        }
    }
    for phone in &sides.phones {
        phone.engine.resume().await?;
    }
    let (open, read) = (measured[0].open_ms.median(), measured[0].read_ms.median());
    let rows = measured[0].rows;
    for ((_, name, _), side) in places.into_iter().zip(measured) {
        ensure!(side.rows == rows, "{name} shows {} entries, SQLite {rows}", side.rows);
        table.row(vec![
            journal.years.to_string(),
            name,
            side.open_ms.spread(2),
            times(side.open_ms.median(), open),
            side.read_ms.spread(2),
            times(side.read_ms.median(), read),
            rows.to_string(),
            format!("{:.1}", side.peak_mib.median()),
        ]);
    }
    Ok(())
}

fn round(store: &str, path: &Path, (from, to): (i64, i64), side: &mut Side) -> Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    let done = command.args([CHILD, store]).arg(path).arg(format!("{from}..{to}")).output()?;
    if !done.status.success() {
        bail!("a cold process failed: {}", String::from_utf8_lossy(&done.stderr));
    }
    let said = String::from_utf8(done.stdout)?;
    let numbers: Vec<f64> =
        said.split_whitespace().map(str::parse).collect::<Result<_, _>>().context("not numbers")?;
    let [open_ms, read_ms, rows, peak_kib] = numbers[..] else { bail!("a child said {said:?}") };
    side.open_ms.add(open_ms);
    side.read_ms.add(read_ms);
    side.peak_mib.add(peak_kib / 1024.0);
    side.rows = rows as usize;
    Ok(())
}

/// What the child does: prints milliseconds to open, milliseconds to read, rows, and its peak of
/// memory in KiB.
pub(crate) fn child(args: &[String]) -> Result<()> {
    let [store, path, span] = args else { bail!("a child takes a store, a path and a span") };
    let (from, to) = span.split_once("..").context("a span is FROM..TO")?;
    let (from, to): (i64, i64) = (from.parse()?, to.parse()?);
    let path = PathBuf::from(path);
    let (open_ms, read_ms, rows) = match store.as_str() {
        "sqlite" => read_rows(&path, from, to)?,
        "sled" => read_engine(&path, Backend::Sled, from, to)?,
        _ => read_engine(&path, Backend::Redb, from, to)?,
    };
    println!("{open_ms} {read_ms} {rows} {}", peak_kib().unwrap_or(f64::NAN));
    Ok(())
}

fn read_rows(path: &Path, from: i64, to: i64) -> Result<(f64, f64, usize)> {
    let begun = Instant::now();
    let rows = Rows::open(path)?;
    let opened = begun.elapsed();
    let shown = rows.timeline(from, to)?.len();
    Ok((opened.as_secs_f64() * 1e3, (begun.elapsed() - opened).as_secs_f64() * 1e3, shown))
}

fn read_engine(path: &Path, backend: Backend, from: i64, to: i64) -> Result<(f64, f64, usize)> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let begun = Instant::now();
        let engine = Engine::open(config(path, backend)).await?;
        let opened = begun.elapsed();
        let shown = engine.timeline(from, to).await?.len();
        let read = begun.elapsed() - opened;
        engine.suspend().await?;
        Ok((opened.as_secs_f64() * 1e3, read.as_secs_f64() * 1e3, shown))
    })
}

/// The most memory this process has held, where the system tells.
fn peak_kib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
