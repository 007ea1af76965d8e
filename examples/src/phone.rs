//! The phone: a person's journal on the command line.
//!
//! A command opens the journal, does one thing and closes it again. What it says goes to standard
//! output, as text for people or as one JSON value; conversation, progress and errors go to
//! standard error.

mod args;
mod at;
mod devices;
mod edit;
mod entries;
mod failure;
mod home;
mod import;
mod kinds;
mod log;
mod output;
mod plan;
mod progress;
mod show;
mod status;
mod syncing;
mod words;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use failure::Failure;
use home::Home;
use output::Output;

/// Reads the command line, does what it says, and tells how it went: 0 done, 1 not done, 2 not
/// understood.
pub fn run() -> ExitCode {
    let args = Args::parse();
    let verb = args.command.verb();
    let out = Output::new(args.json);
    let home = match Home::new(args.home.clone(), args.store) {
        Ok(home) => home,
        Err(failure) => return failure.report(verb, None),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(dispatch(&home, &out, args.command)),
        Err(error) => Err(Failure::new(format!("the system gives no runtime: {error}"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(verb, Some(&home)),
    }
}

async fn dispatch(home: &Home, out: &Output, command: Command) -> Result<(), Failure> {
    match command {
        Command::Init(args) => home::init(home, out, args).await,
        Command::Log(args) => log::log(home, out, args).await,
        Command::Import(args) => import::import(home, out, args).await,
        Command::Timeline(args) => entries::timeline(home, out, args).await,
        Command::Show(args) => show::show(home, out, &args.id).await,
        Command::Edit(args) => edit::edit(home, out, args).await,
        Command::Delete(args) => entries::delete(home, out, &args.id).await,
        Command::RestoreDeleted(args) => entries::restore_deleted(home, out, &args.id).await,
        Command::Forget(args) => entries::forget(home, out, args).await,
        Command::Plan { action } => plan::plan(home, out, action).await,
        Command::Sync(args) => syncing::sync(home, out, args).await,
        Command::Status => status::status(home, out).await,
        Command::Restore(args) => syncing::restore(home, out, args).await,
        Command::Devices { action } => devices::devices(home, out, action).await,
        Command::Relay { action } => home::relay(home, out, action).await,
        Command::Verify => status::verify(home, out).await,
        Command::Export(args) => import::export(home, out, args).await,
    }
}
