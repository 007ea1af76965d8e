//! The phone: a person's journal on the command line.
//!
//! A command opens the journal, does one thing and closes it again. What it says goes to standard
//! output, as text for people or as one JSON value; conversation, progress and errors go to
//! standard error.

mod args;
mod edit;
mod entries;
mod import;
mod kinds;
mod log;
mod plan;
mod share;
mod show;

use std::process::ExitCode;

use clap::Parser;

use crate::shell::failure::Failure;
use crate::shell::home::Home;
use crate::shell::output::Output;
use crate::shell::program::Program;
use crate::shell::{devices, start, status, syncing};
use args::{Args, Command};

static PHONE: Program = Program {
    name: "phone",
    keeps: "journal",
    next: [
        "Next: `phone log check-in --mood 6`, and `phone sync` whenever you like.",
        "Next: `phone log check-in --mood 6`. To have a copy elsewhere, `phone relay set URL`.",
    ],
};

/// Reads the command line, does what it says, and tells how it went: 0 done, 1 not done, 2 not
/// understood.
pub fn run() -> ExitCode {
    let Args { common, command } = Args::parse();
    let verb = command.verb();
    PHONE.run(common, verb, async |home, out| dispatch(home, out, command).await)
}

async fn dispatch(home: &Home, out: &Output, command: Command) -> Result<(), Failure> {
    match command {
        Command::Init(args) => start::init(home, out, args).await,
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
        Command::Share { action } => share::share(home, out, action).await,
        Command::Relay { action } => start::relay(home, out, action).await,
        Command::Checkpoint(args) => status::checkpoint(home, out, args.compare).await,
        Command::Verify => status::verify(home, out).await,
        Command::SetAside { yes } => status::set_aside(home, out, yes).await,
        Command::Export(args) => import::export(home, out, args).await,
    }
}
