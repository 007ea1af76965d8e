//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use mainstay_core::engine::{Backend, RelayAddress};

use super::kinds::LogKind;

/// A recovery journal that works offline and syncs through a relay which cannot read it.
#[derive(Debug, Parser)]
#[command(name = "phone", version, arg_required_else_help = true)]
pub(super) struct Args {
    /// The journal's folder [default: the system's place for a program's data]
    #[arg(long, global = true, value_name = "DIR", env = "MAINSTAY_HOME")]
    pub(super) home: Option<PathBuf>,
    /// What keeps the journal; a journal stays with the one it was created with
    #[arg(long, global = true, value_enum, default_value = "sled")]
    pub(super) store: StoreName,
    /// Print one JSON value instead of text
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The stores there are.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum StoreName {
    /// The usual one
    Sled,
    /// Another one, which does the same
    Redb,
}

impl StoreName {
    pub(super) const fn backend(self) -> Backend {
        match self {
            Self::Sled => Backend::Sled,
            Self::Redb => Backend::Redb,
        }
    }
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
    /// The relay to sync with
    Relay {
        #[command(subcommand)]
        action: RelayAction,
    },
    /// Check what is stored against itself
    Verify,
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
            Self::Relay { .. } => "relay",
            Self::Verify => "verify",
            Self::Export(_) => "export",
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(super) struct InitArgs {
    /// The relay to sync with: mainstay://host:port#key
    #[arg(long, value_name = "URL")]
    pub(super) relay: Option<RelayAddress>,
    /// What this device is called on the list of devices [default: phone]
    #[arg(long, value_name = "DEVICE")]
    pub(super) name: Option<String>,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = super::at::FORMS)]
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
#[command(after_help = super::at::FORMS)]
pub(super) struct TimelineArgs {
    /// Only the last days, hours or weeks, such as 30d, 12h or 4w
    #[arg(long, value_name = "SPAN", value_parser = super::at::span, conflicts_with_all = ["from", "to"])]
    pub(super) last: Option<Duration>,
    /// Only from here on: a date or a time
    #[arg(long, value_name = "TIME")]
    pub(super) from: Option<String>,
    /// Only up to here: a date or a time
    #[arg(long, value_name = "TIME")]
    pub(super) to: Option<String>,
    /// Only what was hidden by `delete`, from all times
    #[arg(long, conflicts_with_all = ["last", "from", "to"])]
    pub(super) deleted: bool,
    /// The zone of --from and --to [default: the system's]
    #[arg(long, value_name = "ZONE")]
    pub(super) zone: Option<String>,
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
pub(super) struct SyncArgs {
    /// Stop after this time, such as 2s or 500ms; the next sync goes on
    #[arg(long, value_name = "TIME", value_parser = super::at::span)]
    pub(super) budget: Option<Duration>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct RestoreArgs {
    /// The relay that holds the journal: mainstay://host:port#key
    #[arg(long, value_name = "URL")]
    pub(super) relay: RelayAddress,
    /// What this device is called on the list of devices [default: phone]
    #[arg(long, value_name = "DEVICE")]
    pub(super) name: Option<String>,
    /// Stop fetching after this time; the plan and the newest entries come first
    #[arg(long, value_name = "TIME", value_parser = super::at::span)]
    pub(super) budget: Option<Duration>,
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

#[derive(Debug, Subcommand)]
pub(super) enum RelayAction {
    /// Set the relay to sync with
    Set {
        /// mainstay://host:port#key
        url: RelayAddress,
        /// What the relay's operator gave you to register with, in hexadecimal digits
        #[arg(long, value_name = "HEX")]
        invitation: Option<String>,
    },
    /// Show which relay is set
    Show,
}

#[derive(Debug, Subcommand)]
pub(super) enum PlanAction {
    /// Show the plan
    Show,
    /// Add an item
    Add {
        /// The section, such as reasons, coping-skills, supports
        section: String,
        /// What the item says
        text: String,
        /// A detail of the item, such as reach=0170… or steps=…
        #[arg(long, value_name = "NAME=VALUE")]
        detail: Vec<String>,
        /// Its place in the section, from 1 [default: the end]
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        position: Option<u32>,
    },
    /// Change an item's text or details
    Edit {
        /// The item's id, or the beginning of it
        item: String,
        /// The new text
        #[arg(long)]
        text: Option<String>,
        /// A detail and its new value
        #[arg(long, value_name = "NAME=VALUE")]
        set: Vec<String>,
        /// A detail to take away
        #[arg(long, value_name = "NAME")]
        unset: Vec<String>,
    },
    /// Take an item off the plan; entries that name it keep their meaning
    Remove {
        /// The item's id, or the beginning of it
        item: String,
    },
    /// Put an item back that was removed
    Restore {
        /// The item's id, or the beginning of it
        item: String,
    },
    /// Move an item
    Move {
        /// The item's id, or the beginning of it
        item: String,
        /// The section to move it to [default: its own]
        #[arg(long)]
        section: Option<String>,
        /// Its new place there, from 1
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        position: u32,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum DeviceAction {
    /// List the devices, also those that were removed
    List,
    /// Let another device of yours in: shows an invitation and waits for it
    Link {
        /// How long the invitation is good for
        #[arg(long, value_name = "TIME", value_parser = super::at::span, default_value = "10m")]
        life: Duration,
        /// Let the device in without asking if this is the code
        #[arg(long, value_name = "DIGITS")]
        code: Option<String>,
    },
    /// Join the journal of another device of yours
    Join {
        /// The invitation; without it, or with -, it is read from standard input
        invitation: Option<String>,
        /// What this device is called on the list of devices [default: phone]
        #[arg(long, value_name = "DEVICE")]
        name: Option<String>,
    },
    /// Remove a device: it gets nothing new from then on
    Remove {
        /// Its name, or the beginning of its id
        device: String,
    },
    /// Confirm a device that a restore left waiting
    Confirm {
        /// Its name, or the beginning of its id
        device: String,
    },
    /// Join two lists of devices that went different ways
    Heal {
        /// Do not ask: I have looked at both lists
        #[arg(long)]
        yes: bool,
    },
    /// Let this device in again after it was removed, with an invitation that another one shows
    Rejoin {
        /// The invitation; `-` or none reads it from standard input
        invitation: Option<String>,
    },
}
