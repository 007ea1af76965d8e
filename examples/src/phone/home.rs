//! Where the journal is.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mainstay_core::engine::{Backend, Config, Engine};
use serde_json::json;

use super::args::{InitArgs, RelayAction, StoreName};
use super::failure::Failure;
use super::output::Output;
use crate::keys::{FileKeys, private_dir};

/// What a device is called if nobody says otherwise.
const DEVICE_NAME: &str = "phone";

/// The journal's folder: `journal/` is the store, `keys/` stands for the platform's key store.
#[derive(Debug)]
pub(super) struct Home {
    dir: PathBuf,
    backend: Backend,
}

impl Home {
    pub(super) fn new(dir: Option<PathBuf>, store: StoreName) -> Result<Self, Failure> {
        let dir = dir.or_else(per_user).ok_or_else(|| {
            Failure::usage("there is no home directory; say where the journal is with --home DIR")
        })?;
        Ok(Self { dir, backend: store.backend() })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the engine is opened with.
    pub(super) fn config(&self, device_name: Option<String>) -> Config {
        Config {
            dir: self.dir.join("journal"),
            backend: self.backend,
            keys: Arc::new(FileKeys::new(self.dir.join("keys"))),
            device_name: device_name.unwrap_or_else(|| DEVICE_NAME.to_owned()),
        }
    }

    /// Makes the folder, for its owner only.
    pub(super) fn prepare(&self) -> Result<(), Failure> {
        private_dir(&self.dir).map_err(|error| {
            Failure::new(format!("the folder cannot be made: {error}; choose one with --home DIR"))
        })
    }

    /// Opens the journal that is here.
    pub(super) async fn open(&self) -> Result<Engine, Failure> {
        Ok(Engine::open(self.config(None)).await?)
    }
}

/// The system's place for a program's data.
fn per_user() -> Option<PathBuf> {
    let under = |name: &str, path: &str| env::var_os(name).map(|dir| PathBuf::from(dir).join(path));
    let dir = match env::consts::OS {
        "windows" => under("APPDATA", ""),
        "macos" | "ios" => under("HOME", "Library/Application Support"),
        _ => under("XDG_DATA_HOME", "").or_else(|| under("HOME", ".local/share")),
    };
    dir.filter(|dir| dir.is_absolute()).map(|dir| dir.join("mainstay-phone"))
}

pub(super) async fn init(home: &Home, out: &Output, args: InitArgs) -> Result<(), Failure> {
    home.prepare()?;
    let (engine, phrase) = Engine::create(home.config(args.name)).await?;
    if let Some(relay) = &args.relay {
        engine.set_relay(relay.clone()).await?;
    }
    engine.suspend().await?;
    let words: Vec<&str> = phrase.words().collect();
    let json = json!({
        "phrase": words.join(" "),
        "home": home.dir().display().to_string(),
        "relay": args.relay.as_ref().map(ToString::to_string),
    });
    out.say(json, || welcome(&words, args.relay.is_some()))
}

fn welcome(words: &[&str], relay: bool) -> String {
    let mut text =
        "Your journal is ready. Write these twelve words on paper, in order:\n\n".to_owned();
    for (row, group) in words.chunks(4).enumerate() {
        let column = |(at, word): (usize, &&str)| format!("{:>2}. {word:<10}", row * 4 + at + 1);
        let line: Vec<String> = group.iter().enumerate().map(column).collect();
        text.push_str(&format!("    {}\n", line.join(" ")));
    }
    text.push_str(
        "\nThey bring everything back on a new phone. They are kept nowhere, and nobody else can\n\
         show them to you again. Whoever has them can read your journal.\n",
    );
    text.push_str(match relay {
        true => "\nNext: `phone log check-in --mood 6`, and `phone sync` whenever you like.",
        false => "\nNext: `phone log check-in --mood 6`. To have a copy elsewhere, `phone relay set URL`.",
    });
    text
}

pub(super) async fn relay(home: &Home, out: &Output, action: RelayAction) -> Result<(), Failure> {
    let engine = home.open().await?;
    let relay = match action {
        RelayAction::Show => engine.relay().await?,
        RelayAction::Set { url, invitation } => {
            let invitation = invitation.as_deref().map(hex).transpose()?;
            engine.set_relay(url.clone()).await?;
            if let Some(invitation) = invitation {
                engine.set_registration(invitation).await?;
            }
            Some(url)
        }
    };
    engine.suspend().await?;
    let relay = relay.map(|relay| relay.to_string());
    out.say(json!({ "relay": relay }), || match &relay {
        Some(relay) => format!("The relay is {relay}"),
        None => "No relay is set: everything stays on this device.".to_owned(),
    })
}

fn hex(text: &str) -> Result<Vec<u8>, Failure> {
    let wrong = || {
        Failure::usage("an invitation is hexadecimal digits, as the relay's operator hands it out")
    };
    let pairs = text.trim().as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let digits = std::str::from_utf8(pair).ok().filter(|digits| digits.len() == 2)?;
        u8::from_str_radix(digits, 16).ok()
    };
    let bytes: Option<Vec<u8>> = pairs.map(byte).collect();
    bytes.filter(|bytes| !bytes.is_empty()).ok_or_else(wrong)
}
