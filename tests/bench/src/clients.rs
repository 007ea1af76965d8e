//! Shares over QUIC on loopback: a counsellor with many clients, and what a revoke costs.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use mainstay_core::care::{Consent, Recipient, Verified};
use mainstay_core::engine::{
    Backend, Engine, Handshake, Offer, ShareInfo, ShareStage, SpaceId, SyncReport,
};

use crate::data::Maker;
use crate::phones::Desk;
use crate::proxy::Proxy;
use crate::stats::{Samples, seconds};
use crate::table::Table;

/// Clients, if no number is given.
pub(crate) const CLIENTS: usize = 200;
const SYNCS: usize = 11;
/// How often a sync of the set-up is tried.
const PATIENCE: u32 = 50;
/// Shares that lose a reader and then end, each once.
const REVOKES: usize = 5;
/// Entries in each of those.
const ENTRIES: usize = 50;
const LIFE: Duration = Duration::from_secs(24 * 3600);
const SCOPE: &str = "check-ins:full,urges:full,use:full,contacts:full,meetings:full,notes:full";

/// Measures both, and prints the tables.
pub(crate) async fn measure(clients: usize) -> Result<()> {
    // Two hundred invitations in one minute from one address is more than a relay lets through.
    let invitations = NonZeroU32::new(10_000).context("not zero")?;
    let desk = Desk::with(|config| config.net.anonymous_per_second = invitations).await?;
    let mut quiet = Table::new(
        "A counsellor with many clients, nothing new; UDP payload bytes; medians (least-most)",
        &["clients", "what", "n", "connections", "turns", "bytes sent", "bytes received", "ms"],
    );
    let mut revokes = Table::new(
        "Revoking one reader, with 50 shared entries; UDP payload bytes; medians (least-most)",
        &["members", "what", "n", "turns", "bytes sent", "bytes received", "ms"],
    );
    for others in [1, 4] {
        revoke(&desk, others, &mut revokes).await?;
    }
    many_clients(&desk, clients, &mut quiet).await?;
    println!("{quiet}\n{revokes}");
    Ok(())
}

fn offer(peer: &str) -> Result<Offer> {
    let recipient = Recipient {
        name: peer.to_owned(),
        organisation: String::new(),
        role: "counsellor".to_owned(),
        key_fingerprint: [0; 32],
        verified: Verified::Not,
    };
    let scope = SCOPE.parse().map_err(|_| anyhow::anyhow!("a scope that cannot be read"))?;
    let now_ms = Timestamp::now().as_millisecond();
    Ok(Offer {
        name: "a client".to_owned(),
        peer: peer.to_owned(),
        consent: Consent::given(recipient, scope, "to talk about it", now_ms),
        life_ms: u64::try_from(LIFE.as_millis())?,
    })
}

async fn info(engine: &Engine, share: SpaceId) -> Result<ShareInfo> {
    let found = engine.shares().await?.into_iter().find(|info| info.id == share);
    found.context("a share is missing")
}

async fn code(engine: &Engine, share: SpaceId) -> Result<String> {
    match info(engine, share).await?.state {
        ShareStage::Invited(Handshake::Compare(code)) => Ok(code.to_string()),
        state => anyhow::bail!("no code to compare: {state:?}"),
    }
}

async fn log(engine: &Engine, maker: &mut Maker, entries: usize) -> Result<()> {
    for _ in 0..entries {
        let entry = maker.entry(Timestamp::now().as_millisecond());
        engine.log(entry.body, entry.when).await?;
    }
    Ok(())
}

/// What a few syncs took.
#[derive(Default)]
struct Syncs {
    turns: Samples,
    sent: Samples,
    received: Samples,
    ms: Samples,
}

impl Syncs {
    fn add(&mut self, report: &SyncReport, time: Duration) {
        self.turns.add(f64::from(report.round_trips));
        self.sent.add(report.bytes_sent as f64);
        self.received.add(report.bytes_received as f64);
        self.ms.add_ms(time);
    }

    fn cells(&self) -> Vec<String> {
        let (turns, sent) = (self.turns.spread(0), self.sent.spread(0));
        vec![turns, sent, self.received.spread(0), self.ms.spread(1)]
    }
}

/// Every client is a person of their own, with a journal, a phone and a share. The phones are put away
/// while they have nothing to do.
async fn many_clients(desk: &Desk, clients: usize, table: &mut Table) -> Result<()> {
    let (counsellor, _) = desk.phone("counsellor", Backend::Redb).await?;
    let proxy = Proxy::start(desk.relay.local_addr()).await?;
    let mut address = desk.relay.address();
    address.port = proxy.port;
    counsellor.set_relay(address).await?;
    patient(&counsellor).await?;
    let begun = Instant::now();
    let mut maker = Maker::new(7);
    let mut phones = Vec::new();
    for number in 0..clients {
        let (phone, _) = desk.phone(&format!("client-{number}"), Backend::Redb).await?;
        log(&phone, &mut maker, 1).await?;
        let (share, link) = phone.share_invite(offer("Ana")?).await?;
        patient(&phone).await?;
        phone.suspend().await?;
        counsellor.share_join(&link, "Ana", &format!("client {number}")).await?;
        phones.push((phone, share));
    }
    eprintln!("  {clients} invitations, {} s", seconds(begun.elapsed()));
    timed_sync(&counsellor, "the counsellor answers").await?;
    for (phone, _) in &phones {
        phone.resume().await?;
        patient(phone).await?;
        phone.suspend().await?;
    }
    timed_sync(&counsellor, "the codes").await?;
    for (phone, share) in &phones {
        phone.resume().await?;
        phone.share_confirm(*share).await?;
        patient(phone).await?;
        phone.suspend().await?;
    }
    eprintln!("  confirmed, {} s", seconds(begun.elapsed()));
    timed_sync(&counsellor, "the counsellor enters").await?;
    for (phone, _) in &phones {
        phone.resume().await?;
        patient(phone).await?;
        phone.suspend().await?;
    }
    for what in ["what was shared comes", "receipts come", "quiet"] {
        timed_sync(&counsellor, what).await?;
    }
    eprintln!("  {clients} clients, {} s", seconds(begun.elapsed()));
    let all = counsellor.shares().await?;
    let active = all.iter().filter(|info| info.state == ShareStage::Active && info.records > 0);
    ensure!(active.count() == clients, "not every client shares something");

    let row = |what: &str, syncs: &Syncs, connections: u64| {
        let mut cells = vec![clients.to_string(), what.to_owned(), syncs.ms.len().to_string()];
        cells.push(connections.to_string());
        cells.extend(syncs.cells());
        cells
    };
    let (mut kept, mut anew, mut listed) = (Syncs::default(), Syncs::default(), Samples::default());
    let before = proxy.devices();
    for _ in 0..SYNCS {
        let begun = Instant::now();
        let report = counsellor.sync().await?;
        kept.add(&report, begun.elapsed());
        ensure!(report.failures.is_empty(), "{:?}", report.failures);
        let begun = Instant::now();
        counsellor.shares().await?;
        listed.add_ms(begun.elapsed());
    }
    table.row(row("kept connection", &kept, proxy.devices() - before));
    let mut wire = Samples::default();
    let before = proxy.devices();
    counsellor.suspend().await?;
    counsellor.resume().await?;
    let (up, down) = (proxy.to_relay(), proxy.to_device());
    let begun = Instant::now();
    anew.add(&counsellor.sync().await?, begun.elapsed());
    wire.add((proxy.to_relay() - up + proxy.to_device() - down) as f64);
    table.row(row("after a start of the app", &anew, proxy.devices() - before));
    eprintln!("  of these, {} bytes were seen on the wire", wire.spread(0));
    eprintln!("  listing {clients} shares takes {} ms", listed.spread(1));
    Ok(())
}

/// A sync of the set-up. Everybody comes from one address, so the relay asks to wait now and then.
async fn patient(engine: &Engine) -> Result<()> {
    let mut last = String::new();
    for _ in 0..PATIENCE {
        match engine.sync().await {
            Ok(report) if report.failures.is_empty() => return Ok(()),
            Ok(report) => last = format!("{:?}", report.failures),
            Err(error) => last = error.to_string(),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("{last}")
}

async fn timed_sync(engine: &Engine, what: &str) -> Result<()> {
    let begun = Instant::now();
    patient(engine).await?;
    eprintln!("  {what}: {} s", seconds(begun.elapsed()));
    Ok(())
}

/// An owner's sync that takes one of so many readers out, and one that ends the share.
async fn revoke(desk: &Desk, readers: usize, table: &mut Table) -> Result<()> {
    let (mut out, mut end) = (Syncs::default(), Syncs::default());
    let mut maker = Maker::new(readers as u64);
    let mut laptops = Vec::new();
    for reader in 0..readers {
        laptops.push(desk.phone(&format!("reader-{readers}-{reader}"), Backend::Redb).await?.0);
    }
    for round in 0..REVOKES {
        let (owner, _) = desk.phone(&format!("owner-{readers}-{round}"), Backend::Redb).await?;
        log(&owner, &mut maker, ENTRIES).await?;
        let (share, link) = owner.share_invite(offer("Ana")?).await?;
        let mut link = Some(link);
        for laptop in &laptops {
            let link = match link.take() {
                Some(link) => link,
                None => owner.share_invite_again(share, LIFE).await?,
            };
            patient(&owner).await?;
            laptop.share_join(&link, "Ana", "a client").await?;
            for engine in [laptop, &owner, laptop] {
                patient(engine).await?;
            }
            ensure!(code(&owner, share).await? == code(laptop, share).await?, "other codes");
            owner.share_confirm(share).await?;
            for engine in [&owner, laptop, &owner] {
                patient(engine).await?;
            }
        }
        for engine in laptops.iter().chain([&owner]) {
            patient(engine).await?;
        }
        let members = info(&owner, share).await?.members;
        ensure!(members.len() == readers + 1, "{} members", members.len());
        let reader = members.iter().find(|member| !member.owner).context("nobody reads")?;
        owner.share_take_out(share, reader.id).await?;
        let begun = Instant::now();
        out.add(&owner.sync().await?, begun.elapsed());
        ensure!(info(&owner, share).await?.members.len() == readers, "still in");
        owner.share_end(share).await?;
        let begun = Instant::now();
        end.add(&owner.sync().await?, begun.elapsed());
    }
    for (what, syncs) in [("one reader out", &out), ("then the share ends", &end)] {
        let mut cells = vec![(readers + 1).to_string(), what.to_owned(), REVOKES.to_string()];
        cells.extend(syncs.cells());
        table.row(cells);
    }
    Ok(())
}
