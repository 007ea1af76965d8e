//! The counsellor: what clients chose to share, on the command line.
//!
//! A counsellor has a vault of their own, with its own twelve words and devices. It holds the keys
//! of their clients' shares and their private notes; what clients share lies beside it.

mod args;
mod clients;
mod notes;
mod plan;
mod read;
mod talk;

use std::process::ExitCode;

use clap::Parser;

use crate::shell::failure::Failure;
use crate::shell::home::Home;
use crate::shell::output::Output;
use crate::shell::program::Program;
use crate::shell::{devices, start, status, syncing};
use args::{Args, Command};

static COUNSELLOR: Program = Program {
    name: "counsellor",
    keeps: "vault",
    next: [
        "Next: `counsellor join INVITATION --as NAME --client NAME`, with a client's invitation.",
        "Next: `counsellor join INVITATION --as NAME --client NAME`, with a client's invitation.",
    ],
};

/// Reads the command line, does what it says, and tells how it went: 0 done, 1 not done, 2 not
/// understood.
pub fn run() -> ExitCode {
    let Args { common, command } = Args::parse();
    let verb = command.verb();
    COUNSELLOR.run(common, verb, async |home, out| dispatch(home, out, command).await)
}

async fn dispatch(home: &Home, out: &Output, command: Command) -> Result<(), Failure> {
    match command {
        Command::Init(args) => start::init(home, out, args).await,
        Command::Join(args) => clients::join(home, out, args).await,
        Command::Sync(args) => syncing::sync(home, out, args).await,
        Command::Clients => clients::clients(home, out).await,
        Command::Timeline(args) => read::timeline(home, out, args).await,
        Command::Plan { client, action } => plan::plan(home, out, &client, action).await,
        Command::Comment { client, on, text } => talk::comment(home, out, &client, &on, text).await,
        Command::Propose(args) => talk::propose(home, out, args).await,
        Command::Comments(args) => read::comments(home, out, &args.client).await,
        Command::Note { client, text } => notes::note(home, out, &client, &text).await,
        Command::Notes(args) => notes::notes(home, out, &args.client).await,
        Command::TellOpened { client, tell } => {
            clients::tell_opened(home, out, &client, tell.is_on()).await
        }
        Command::Leave(args) => clients::leave(home, out, &args.client).await,
        Command::Status => status::status(home, out).await,
        Command::Restore(args) => syncing::restore(home, out, args).await,
        Command::Devices { action } => devices::devices(home, out, action).await,
        Command::Relay { action } => start::relay(home, out, action).await,
        Command::Checkpoint(args) => status::checkpoint(home, out, args.compare).await,
        Command::Verify => status::verify(home, out).await,
        Command::SetAside { yes } => status::set_aside(home, out, yes).await,
    }
}
