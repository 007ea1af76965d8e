//! Measures Mainstay beside SQLite, on a seeded journal of up to ten years, in one run.
//!
//! `README.md` says how to read the tables.

mod clients;
mod cold;
mod data;
mod logging;
mod phones;
mod proxy;
mod restoring;
mod rows;
mod sides;
mod stats;
mod table;

use std::time::Instant;

use anyhow::{Context, Result, bail};
use mainstay_core::engine::Backend;

use crate::data::Journal;
use crate::phones::{Desk, name_of};
use crate::sides::Sides;
use crate::stats::seconds;
use crate::table::Table;

/// The stores that are measured.
const BACKENDS: [Backend; 2] = [Backend::Redb, Backend::Sled];
const SEED: u64 = 1935;
const USAGE: &str = "usage: mainstay-bench [YEARS,YEARS,...]   (1,3,10 if none are given)
       mainstay-bench clients [NUMBER]     (a counsellor's clients; 200 if none is given)";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [first, rest @ ..] = &args[..]
        && first == cold::CHILD
    {
        return cold::child(rest);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let [first, rest @ ..] = &args[..]
        && first == "clients"
    {
        let clients = rest.first().map_or(Ok(clients::CLIENTS), |n| n.parse()).context(USAGE)?;
        return runtime.block_on(clients::measure(clients));
    }
    let years = match &args[..] {
        [] => vec![1, 3, 10],
        [list] => list.split(',').map(str::parse).collect::<Result<_, _>>().context(USAGE)?,
        _ => bail!(USAGE),
    };
    runtime.block_on(measure(&years))
}

async fn measure(years: &[u32]) -> Result<()> {
    let desk = Desk::new().await?;
    let mut tables = Tables::new();
    for years in years {
        let journal = Journal::generate(*years, SEED);
        eprintln!("{years} years, {} entries", journal.entries.len());
        let begun = Instant::now();
        let mut sides = Sides::build(&desk, &journal, &mut tables.building).await?;
        eprintln!("  built, {} s", seconds(begun.elapsed()));
        cold::measure(&sides, &journal, &mut tables.cold).await?;
        eprintln!("  opened, {} s", seconds(begun.elapsed()));
        logging::measure_syncs(&sides, *years, &mut tables.syncs).await?;
        logging::measure(&mut sides, *years, &mut tables.logging).await?;
        eprintln!("  logged, {} s", seconds(begun.elapsed()));
        restoring::measure(&desk, &sides, &journal, &mut tables.restoring).await?;
        eprintln!("  restored, {} s", seconds(begun.elapsed()));
    }
    tables.print();
    Ok(())
}

struct Tables {
    building: Table,
    cold: Table,
    logging: Table,
    syncs: Table,
    restoring: Table,
}

impl Tables {
    fn new() -> Self {
        Self {
            building: Table::new(
                "Building (5 % edited) and first sync; size on disk when closed",
                &["years", "store", "import", "edits", "first sync", "sent", "MB on disk", "x"],
            ),
            cold: Table::new(
                "Cold process: open, then the last 30 days; medians (least-most)",
                &["years", "store", "open ms", "x", "30 days ms", "x", "rows", "peak MiB"],
            ),
            logging: Table::new(
                "Log one entry until durable, interleaved",
                &["years", "store", "n", "median ms", "x", "p99 ms", "x", "until folded ms"],
            ),
            syncs: Table::new(
                "Syncs on a kept connection, UDP payload bytes; medians (least-most)",
                &["years", "what", "n", "turns", "bytes sent", "bytes received", "ms"],
            ),
            restoring: Table::new(
                "Restore on a new phone over QUIC on loopback",
                &["years", "what", "turns", "KB received", "x zstd-19", "s", "x bulk insert"],
            ),
        }
    }

    fn print(&self) {
        for table in [&self.logging, &self.cold, &self.restoring, &self.syncs, &self.building] {
            println!("{table}");
        }
    }
}

/// What the tables call a store.
fn label(backend: Backend) -> String {
    format!("Mainstay on {}", name_of(backend))
}
