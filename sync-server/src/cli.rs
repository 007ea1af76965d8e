//! Commands, settings from flags, environment and file, and the log.

mod settings;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::{Parser, Subcommand};
use mainstay_protocol::address::RelayAddress;
use mainstay_protocol::codec::encode;
use mainstay_sync_server::{Checked, Server, check, config::Config, invite, url};
use settings::Settings;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The Mainstay relay: keeps sealed envelopes in order and cannot open them.
#[derive(Parser)]
#[command(name = "mainstay-sync-server", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    settings: Settings,
    /// Print JSON on standard output.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run the relay. Its first line is its address with the hash of its key. SIGTERM or Ctrl-C
    /// stops it within 10 seconds.
    Serve {
        /// The data were restored from a backup: begin a new incarnation, so that devices compare
        /// what they have with what is here, and refill it. A backup from before the last start is
        /// noticed without this.
        #[arg(long)]
        new_incarnation: bool,
    },
    /// Print the relay's address with the hash of its key.
    Url,
    /// Check settings, keys and data of a relay that is not running.
    Check,
    /// Print an invitation for one journal, on a relay that is open to invited ones only.
    Invite {
        /// For how many days it can be used.
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
    },
}

/// The exit code for settings that cannot be used, as for a misspelt flag.
const USAGE: u8 = 2;

type Outcome = Result<(), Box<dyn Error>>;

pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let (config, level) = match cli.settings.resolve() {
        Ok(resolved) => resolved,
        Err(error) => return failed(&error, ExitCode::from(USAGE)),
    };
    log_at(level);
    match carry_out(&cli, config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&*error, ExitCode::FAILURE),
    }
}

fn failed(error: &dyn Error, code: ExitCode) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "mainstay-sync-server: {error}");
    code
}

fn carry_out(cli: &Cli, mut config: Config) -> Outcome {
    match &cli.command {
        Command::Serve { new_incarnation } => {
            config.new_incarnation = *new_incarnation;
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(serve(&config, cli.json))
        }
        Command::Url => print_address(&url(&config)?, cli.json),
        Command::Check => {
            let Checked { spaces, damage, .. } = check(&config)?;
            if cli.json {
                let json = serde_json::json!({"ok": true, "spaces": spaces, "damage": damage});
                return print(&json.to_string());
            }
            match damage {
                None => print(&format!("settings, keys and data are in order; {spaces} spaces")),
                Some(damage) => print(&format!(
                    "settings and keys are in order; {damage}; {spaces} spaces are left. Start the relay: \
                     the next sync of each device brings what is missing"
                )),
            }
        }
        Command::Invite { days } => {
            let life = Duration::from_secs(u64::from(*days) * 24 * 3600);
            let expires = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)? + life;
            let expires_ms = expires.as_millis() as u64;
            let invitation = encode(&invite(&config, expires_ms)?);
            let hex: String = invitation.iter().map(|byte| format!("{byte:02x}")).collect();
            let json = serde_json::json!({"invitation": hex, "expires_ms": expires_ms});
            print(&if cli.json { json.to_string() } else { hex })
        }
    }
}

async fn serve(config: &Config, json: bool) -> Outcome {
    let server = Server::bind(config).await?;
    print_address(&server.address(), json)?;
    tracing::info!("the relay is ready");
    wait_for_the_end().await?;
    tracing::info!("the relay stops");
    server.shutdown().await;
    Ok(())
}

#[cfg(unix)]
async fn wait_for_the_end() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        stopped = tokio::signal::ctrl_c() => stopped,
    }
}

#[cfg(not(unix))]
async fn wait_for_the_end() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

fn print_address(address: &RelayAddress, json: bool) -> Outcome {
    let url = address.to_string();
    print(&if json { serde_json::json!({"url": url}).to_string() } else { url })
}

fn print(line: &str) -> Outcome {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Only the relay's own words are logged: the libraries below it name addresses and sizes.
fn log_at(level: tracing::Level) {
    let own = tracing_subscriber::filter::Targets::new().with_target("mainstay_sync_server", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    tracing_subscriber::registry().with(own).with(lines).init();
}
