//! One new entry: until it is durable, and until it is on the relay.

use std::time::Instant;

use anyhow::Result;
use jiff::Timestamp;
use mainstay_core::engine::{Engine, SyncReport};

use crate::data::{Maker, line};
use crate::label;
use crate::sides::Sides;
use crate::stats::{Samples, times};
use crate::table::Table;

const ENTRIES: usize = 300;
const SYNCS: usize = 11;

#[derive(Default)]
struct Side {
    durable_ms: Samples,
    folded_ms: Samples,
}

/// Logs entries one by one, each store in its turn.
pub(crate) async fn measure(sides: &mut Sides, years: u32, table: &mut Table) -> Result<()> {
    let mut maker = Maker::new(u64::from(years));
    let mut rows_ms = Samples::default();
    let mut measured: Vec<Side> = sides.phones.iter().map(|_| Side::default()).collect();
    for _ in 0..ENTRIES {
        let entry = maker.entry(Timestamp::now().as_millisecond());
        let begun = Instant::now();
        sides.rows.put(&entry, &line(&entry))?;
        rows_ms.add_ms(begun.elapsed());
        for (phone, side) in sides.phones.iter().zip(&mut measured) {
            let (body, when) = (entry.body.clone(), entry.when.clone());
            let begun = Instant::now();
            phone.engine.log(body, when).await?;
            side.durable_ms.add_ms(begun.elapsed());
            // Any call waits until the entry's document is made; nobody else is to be disturbed.
            phone.engine.relay().await?;
            side.folded_ms.add_ms(begun.elapsed());
        }
    }
    let (median, tail) = (rows_ms.median(), rows_ms.quantile(0.99));
    let mut row = |name: String, durable: &Samples, folded: String| {
        table.row(vec![
            years.to_string(),
            name,
            durable.len().to_string(),
            format!("{:.2}", durable.median()),
            times(durable.median(), median),
            format!("{:.2}", durable.quantile(0.99)),
            times(durable.quantile(0.99), tail),
            folded,
        ]);
    };
    row("SQLite".to_owned(), &rows_ms, "-".to_owned());
    for (phone, side) in sides.phones.iter().zip(&measured) {
        row(label(phone.backend), &side.durable_ms, format!("{:.2}", side.folded_ms.median()));
    }
    Ok(())
}

/// Syncs with nothing new, and with one new entry. The store makes no difference to the bytes.
pub(crate) async fn measure_syncs(sides: &Sides, years: u32, table: &mut Table) -> Result<()> {
    let Some(phone) = sides.phones.first() else { return Ok(()) };
    let mut maker = Maker::new(u64::from(years) + 100);
    let (mut nothing, mut one, mut plain) =
        (Syncs::default(), Syncs::default(), Samples::default());
    let mut connecting = Syncs::default();
    connecting.run(&phone.engine).await?;
    for _ in 0..SYNCS {
        nothing.run(&phone.engine).await?;
    }
    for _ in 0..SYNCS {
        let entry = maker.entry(Timestamp::now().as_millisecond());
        plain.add(line(&entry).len() as f64);
        phone.engine.log(entry.body, entry.when).await?;
        one.run(&phone.engine).await?;
    }
    connecting.show("nothing new, new connection".to_owned(), years, table);
    nothing.show("nothing new".to_owned(), years, table);
    one.show(format!("one new entry ({} B plain)", plain.spread(0)), years, table);
    Ok(())
}

#[derive(Default)]
struct Syncs {
    turns: Samples,
    sent: Samples,
    received: Samples,
    ms: Samples,
}

impl Syncs {
    async fn run(&mut self, engine: &Engine) -> Result<()> {
        let begun = Instant::now();
        let report: SyncReport = engine.sync().await?;
        self.ms.add_ms(begun.elapsed());
        self.turns.add(f64::from(report.round_trips));
        self.sent.add(report.bytes_sent as f64);
        self.received.add(report.bytes_received as f64);
        Ok(())
    }

    fn show(&self, what: String, years: u32, table: &mut Table) {
        table.row(vec![
            years.to_string(),
            what,
            self.turns.len().to_string(),
            self.turns.spread(0),
            self.sent.spread(0),
            self.received.spread(0),
            self.ms.spread(1),
        ]);
    }
}
