//! A new vault, and the relay that it syncs with.

use mainstay_core::engine::Engine;
use serde_json::json;

use super::args::{InitArgs, RelayAction};
use super::failure::Failure;
use super::home::Home;
use super::output::Output;
use super::program::Program;

pub(crate) async fn init(home: &Home, out: &Output, args: InitArgs) -> Result<(), Failure> {
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
    out.say(json, || welcome(home.program(), &words, args.relay.is_some()))
}

fn welcome(program: &Program, words: &[&str], relay: bool) -> String {
    let keeps = program.keeps;
    let mut text =
        format!("Your {keeps} is ready. Write these twelve words on paper, in order:\n\n");
    for (row, group) in words.chunks(4).enumerate() {
        let column = |(at, word): (usize, &&str)| format!("{:>2}. {word:<10}", row * 4 + at + 1);
        let line: Vec<String> = group.iter().enumerate().map(column).collect();
        text.push_str(&format!("    {}\n", line.join(" ")));
    }
    text.push_str(&format!(
        "\nThey bring everything back on a new device. They are kept nowhere, and nobody else can\n\
         show them to you again. Whoever has them can read your {keeps}.\n\n{}",
        program.next[usize::from(!relay)]
    ));
    text
}

pub(crate) async fn relay(home: &Home, out: &Output, action: RelayAction) -> Result<(), Failure> {
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
