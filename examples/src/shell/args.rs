//! What the command lines of both programs have in common.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use mainstay_core::engine::{Backend, Checkpoint, RelayAddress};

/// For every command.
#[derive(Debug, ClapArgs)]
pub(crate) struct CommonArgs {
    /// The folder of what this program keeps [default: the system's place for a program's data]
    #[arg(long, global = true, value_name = "DIR", env = "MAINSTAY_HOME")]
    pub(crate) home: Option<PathBuf>,
    /// What keeps it; a journal stays with the one it was created with
    #[arg(long, global = true, value_enum, default_value = "sled")]
    pub(crate) store: StoreName,
    /// Print one JSON value instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// The stores there are.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum StoreName {
    /// The usual one
    Sled,
    /// Another one, which does the same
    Redb,
}

impl StoreName {
    pub(crate) const fn backend(self) -> Backend {
        match self {
            Self::Sled => Backend::Sled,
            Self::Redb => Backend::Redb,
        }
    }
}

/// Something that is on or off.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Switch {
    /// From now on
    On,
    /// Not any more
    Off,
}

impl Switch {
    pub(crate) const fn is_on(self) -> bool {
        matches!(self, Self::On)
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct InitArgs {
    /// The relay to sync with: mainstay://host:port#key
    #[arg(long, value_name = "URL")]
    pub(crate) relay: Option<RelayAddress>,
    /// What this device is called on the list of devices [default: the program's name]
    #[arg(long, value_name = "DEVICE")]
    pub(crate) name: Option<String>,
}

/// A span of time.
#[derive(Debug, ClapArgs)]
pub(crate) struct SpanArgs {
    /// Only the last days, hours or weeks, such as 30d, 12h or 4w
    #[arg(long, value_name = "SPAN", value_parser = super::at::span, conflicts_with_all = ["from", "to"])]
    pub(crate) last: Option<Duration>,
    /// Only from here on: a date or a time
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Only up to here: a date or a time
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// The zone of --from and --to [default: the system's]
    #[arg(long, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SyncArgs {
    /// Stop after this time, such as 2s or 500ms; the next sync goes on
    #[arg(long, value_name = "TIME", value_parser = super::at::span)]
    pub(crate) budget: Option<Duration>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CheckpointArgs {
    /// Whether this device has all that another one had when it showed these letters
    #[arg(long, value_name = "LETTERS")]
    pub(crate) compare: Option<Checkpoint>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RestoreArgs {
    /// The relay that holds the journal: mainstay://host:port#key
    #[arg(long, value_name = "URL")]
    pub(crate) relay: RelayAddress,
    /// What this device is called on the list of devices [default: the program's name]
    #[arg(long, value_name = "DEVICE")]
    pub(crate) name: Option<String>,
    /// Stop fetching after this time; the plan and the newest entries come first
    #[arg(long, value_name = "TIME", value_parser = super::at::span)]
    pub(crate) budget: Option<Duration>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RelayAction {
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
pub(crate) enum DeviceAction {
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
        /// What this device is called on the list of devices [default: the program's name]
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
