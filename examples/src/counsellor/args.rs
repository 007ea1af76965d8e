//! The command line.

use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand};

use crate::shell::args::{
    CheckpointArgs, CommonArgs, DeviceAction, InitArgs, RelayAction, RestoreArgs, SpanArgs, Switch,
    SyncArgs,
};
use crate::shell::at::span;
use crate::shell::plan::PlanAction;

/// What clients share with a counsellor, through a relay which cannot read it.
#[derive(Debug, Parser)]
#[command(name = "counsellor", version, arg_required_else_help = true)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) common: CommonArgs,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant)] // There is one of them in the life of the program.
pub(super) enum Command {
    /// Make a new vault and show its twelve words
    Init(InitArgs),
    /// Answer a client's invitation, and wait for the code to compare
    Join(JoinArgs),
    /// Send what waits and fetch what is new
    Sync(SyncArgs),
    /// The clients who share something, and open invitations
    Clients,
    /// What a client shares, newest first
    #[command(after_help = crate::shell::at::FORMS)]
    Timeline(TimelineArgs),
    /// A client's plan, if they share it; changes of it, if they let you
    Plan {
        /// The client's name, or the beginning of the share's id
        client: String,
        /// What to change [default: show it]
        #[command(subcommand)]
        action: Option<PlanAction>,
    },
    /// Say something that the client reads
    Comment {
        /// The client's name, or the beginning of the share's id
        client: String,
        /// An entry, a comment, an item of the plan (the beginning of an id), or `plan`
        #[arg(long, value_name = "RECORD")]
        on: String,
        /// What to say
        text: String,
    },
    /// Propose a change of the plan; the client decides
    Propose(ProposeArgs),
    /// What was said: comments, proposals, decisions; the newest last
    Comments(ClientArgs),
    /// Write a private note about a client; it stays in your vault
    Note {
        /// The client's name, or the beginning of the share's id
        client: String,
        /// The note
        text: String,
    },
    /// Your private notes about a client, newest first
    Notes(ClientArgs),
    /// Tell a client who asks for it when you looked at what they share, to the hour
    TellOpened {
        /// The client's name, or the beginning of the share's id
        client: String,
        /// on or off
        #[arg(value_name = "on|off")]
        tell: Switch,
    },
    /// Leave a client's share
    Leave(ClientArgs),
    /// Where your own notes are
    Status,
    /// Take the vault back from its twelve words, given on standard input
    Restore(RestoreArgs),
    /// Your devices
    Devices {
        #[command(subcommand)]
        action: DeviceAction,
    },
    /// The relay to sync with
    Relay {
        #[command(subcommand)]
        action: RelayAction,
    },
    /// Show 56 letters that say where this device stands, to keep beside the twelve words; or compare
    Checkpoint(CheckpointArgs),
    /// Check what is stored against itself
    Verify,
    /// Start a damaged store again from what the relay holds; the damaged files are kept
    SetAside {
        /// What is on this device alone will be in the damaged files only
        #[arg(long)]
        yes: bool,
    },
}

impl Command {
    /// What the command is called in an error.
    pub(super) const fn verb(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::Join(_) => "join",
            Self::Sync(_) => "sync",
            Self::Clients => "clients",
            Self::Timeline(_) => "timeline",
            Self::Plan { .. } => "plan",
            Self::Comment { .. } => "comment",
            Self::Propose(_) => "propose",
            Self::Comments(_) => "comments",
            Self::Note { .. } => "note",
            Self::Notes(_) => "notes",
            Self::TellOpened { .. } => "tell-opened",
            Self::Leave(_) => "leave",
            Self::Status => "status",
            Self::Restore(_) => "restore",
            Self::Devices { .. } => "devices",
            Self::Relay { .. } => "relay",
            Self::Checkpoint(_) => "checkpoint",
            Self::Verify => "verify",
            Self::SetAside { .. } => "set-aside",
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(super) struct JoinArgs {
    /// The invitation; - reads it from standard input
    pub(super) invitation: String,
    /// Your name, as the client will see it
    #[arg(long = "as", value_name = "NAME")]
    pub(super) my_name: String,
    /// What you call the client
    #[arg(long, value_name = "NAME")]
    pub(super) client: String,
    /// How long to wait for the code
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "60s")]
    pub(super) wait: Duration,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ClientArgs {
    /// The client's name, or the beginning of the share's id
    pub(super) client: String,
}

#[derive(Debug, ClapArgs)]
pub(super) struct TimelineArgs {
    /// The client's name, or the beginning of the share's id
    pub(super) client: String,
    #[command(flatten)]
    pub(super) span: SpanArgs,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ProposeArgs {
    /// The client's name, or the beginning of the share's id
    pub(super) client: String,
    /// The section of the plan, such as reasons, coping-skills, supports
    #[arg(long)]
    pub(super) section: String,
    /// The item to change, by its id or the beginning of it [default: a new one]
    #[arg(long, value_name = "ID")]
    pub(super) item: Option<String>,
    /// What it is to say
    pub(super) text: String,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(super) why: String,
}
