//! The journey: a year of a journal, two devices, a lost phone, a wiped relay and a counsellor, in
//! one command.
//!
//! Real engines and a real relay over QUIC on the loopback interface, on real stores in a temporary
//! folder. Each step says what happened; the checks at the end compare contents.

mod desk;
mod lost;
mod offline;
mod report;
mod shared;
mod together;
mod wiped;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use mainstay_core::engine::{Backend, EngineError};
use mainstay_sync_server::ServeError;

use desk::Desk;
use report::Report;

/// The whole life of a journal in one command: a year imported with the relay off, two devices that
/// edit at once, a lost phone restored from twelve words, a wiped relay refilled, a counsellor who
/// reads what the person chose until they stop. Ends with a table of checks and exit code 0 if all
/// of them hold.
#[derive(Debug, Parser)]
#[command(name = "journey", version)]
struct Args {
    /// Keep everything in this folder, which must be new [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// What keeps the journals
    #[arg(long, value_enum, default_value = "sled")]
    store: StoreName,
    /// Print one JSON value instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StoreName {
    /// A log-structured tree
    Sled,
    /// A copy-on-write tree
    Redb,
}

/// What keeps a journey from going on. A check that does not hold does not.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("the relay: {0}")]
    Relay(#[from] ServeError),
    #[error("the journey's folder: {0}; choose another with --home DIR")]
    Folder(#[from] std::io::Error),
    #[error("{0}")]
    Story(&'static str),
}

/// Reads the command line and goes on the journey.
pub fn run() -> ExitCode {
    let args = Args::parse();
    let mut report = Report::new(args.json);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let went = match runtime {
        Ok(runtime) => runtime.block_on(travel(&args, &mut report)),
        Err(error) => Err(Stopped::Folder(error)),
    };
    let all_hold = report.finish();
    match went {
        Ok(()) if all_hold => ExitCode::SUCCESS,
        Ok(()) => report::complain("a check does not hold; see the table"),
        Err(why) => report::complain(&format!("stopped in \"{}\": {why}", report.step())),
    }
}

async fn travel(args: &Args, report: &mut Report) -> Result<(), Stopped> {
    let temporary = match &args.home {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("mainstay-journey-").tempdir()?),
    };
    let dir = match (&args.home, &temporary) {
        (Some(home), _) => home.clone(),
        (None, Some(temporary)) => temporary.path().to_owned(),
        (None, None) => return Err(Stopped::Story("there is no folder to be in")),
    };
    let backend = match args.store {
        StoreName::Sled => Backend::Sled,
        StoreName::Redb => Backend::Redb,
    };
    let mut desk = Desk::new(dir, backend).await?;
    let (phone, phrase) = offline::import_a_year(&desk, report).await?;
    offline::a_day_without_a_network(&phone, report).await?;
    offline::the_relay_is_turned_on(&mut desk, &phone, report).await?;
    let tablet = together::a_second_device(&desk, &phone, report).await?;
    together::both_edit_at_once(&phone, &tablet, report).await?;
    let phone = lost::throw_away_and_restore(&desk, (phone, &tablet), &phrase, report).await?;
    wiped::wipe_and_refill(&mut desk, (&phone, &tablet), &phrase, report).await?;
    let own = (&phone, &tablet);
    let (counsellor, words) = shared::a_counsellor_is_invited(&desk, own, report).await?;
    shared::they_talk(&phone, &counsellor, report).await?;
    shared::both_edit_the_plan(&phone, &counsellor, report).await?;
    shared::less_is_shared(&phone, &counsellor, report).await?;
    let both = (&phone, &counsellor);
    let (friend, laptop) = shared::a_new_laptop(&desk, both, &words, report).await?;
    shared::a_revocation((&phone, &friend), &[&counsellor, &laptop], report).await?;
    let all = [phone, tablet, counsellor, friend, laptop];
    wiped::everything_is_sound(&all, report).await?;
    for engine in all {
        engine.suspend().await?;
    }
    desk.relay.stop().await;
    Ok(())
}
