//! The command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use super::kinds::LogKind;
use super::share::args::ShareAction;
use crate::shell::args::{
    CheckpointArgs, CommonArgs, DeviceAction, InitArgs, RelayAction, RestoreArgs, SpanArgs,
    SyncArgs,
};
use crate::shell::plan::PlanAction;

/// A recovery journal that works offline and syncs through a relay which cannot read it.
#[derive(Debug, Parser)]
#[command(name = "phone", version, arg_required_else_help = true)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) common: CommonArgs,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant)] // There is one of them in the life of the program.
pub(super) enum Command {
    /// Make a new journal and show its twelve words
    Init(InitArgs),
    /// Write something down
    Log(LogArgs),
    /// Add entries from a file of JSON lines, as `phone export` writes it
    Import(ImportArgs),
    /// Show entries, newest first
    Timeline(TimelineArgs),
    /// Show one entry, and what another device says where they differ
    Show(IdArgs),
    /// Change an entry
    Edit(EditArgs),
    /// Hide an entry; `restore-deleted` brings it back
    Delete(IdArgs),
    /// Bring a deleted entry back
    RestoreDeleted(IdArgs),
    /// Forget an entry for ever, on every device and the relay
    Forget(ForgetArgs),
    /// The recovery plan
    Plan {
        #[command(subcommand)]
        action: PlanAction,
    },
    /// Send what waits and fetch what is new
    Sync(SyncArgs),
    /// Where the entries are
    Status,
    /// Take the journal back from its twelve words, given on standard input
    Restore(RestoreArgs),
    /// The devices of this journal
    Devices {
        #[command(subcommand)]
        action: DeviceAction,
    },
    /// Share what you choose with somebody, such as a counsellor
    Share {
        #[command(subcommand)]
        action: ShareAction,
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
    /// Write every entry as JSON lines
    Export(ExportArgs),
}

impl Command {
    /// What the command is called in an error.
    pub(super) const fn verb(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::Log(_) => "log",
            Self::Import(_) => "import",
            Self::Timeline(_) => "timeline",
            Self::Show(_) => "show",
            Self::Edit(_) => "edit",
            Self::Delete(_) => "delete",
            Self::RestoreDeleted(_) => "restore-deleted",
            Self::Forget(_) => "forget",
            Self::Plan { .. } => "plan",
            Self::Sync(_) => "sync",
            Self::Status => "status",
            Self::Restore(_) => "restore",
            Self::Devices { .. } => "devices",
            Self::Share { .. } => "share",
            Self::Relay { .. } => "relay",
            Self::Checkpoint(_) => "checkpoint",
            Self::Verify => "verify",
            Self::SetAside { .. } => "set-aside",
            Self::Export(_) => "export",
        }
    }
}

#[derive(Debug, ClapArgs)]
#[command(after_help = crate::shell::at::FORMS)]
pub(super) struct LogArgs {
    #[command(subcommand)]
    pub(super) kind: LogKind,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ImportArgs {
    /// The file; - is standard input
    pub(super) file: PathBuf,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = crate::shell::at::FORMS)]
pub(super) struct TimelineArgs {
    #[command(flatten)]
    pub(super) span: SpanArgs,
    /// Only what was hidden by `delete`, from all times
    #[arg(long, conflicts_with_all = ["last", "from", "to"])]
    pub(super) deleted: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct IdArgs {
    /// The entry's id, or the beginning of it
    pub(super) id: String,
}

#[derive(Debug, ClapArgs)]
pub(super) struct EditArgs {
    /// The entry's id, or the beginning of it
    pub(super) id: String,
    /// A field and its new value; for a list, repeat it or leave the value empty for "none"
    #[arg(long, value_name = "FIELD=VALUE")]
    pub(super) set: Vec<String>,
    /// A field to take away: not known any more
    #[arg(long, value_name = "FIELD")]
    pub(super) unset: Vec<String>,
    /// The zone of times in --set [default: the system's]
    #[arg(long, value_name = "ZONE")]
    pub(super) zone: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ForgetArgs {
    /// The entry's id, or the beginning of it
    pub(super) id: String,
    /// Do not ask
    #[arg(long)]
    pub(super) yes: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ExportArgs {
    /// The format
    #[arg(long, value_enum, default_value = "ndjson")]
    pub(super) format: ExportFormat,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

/// The formats there are.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ExportFormat {
    /// One JSON object a line, as docs/ndjson.md describes it
    Ndjson,
}
