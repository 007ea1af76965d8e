//! What was agreed to, and what was disclosed.

use jiff::Timestamp;
use mainstay_core::care::{Class, Consent};
use mainstay_core::engine::{Disclosure, Engine, ShareInfo};
use serde_json::{Value as Json, json};

use crate::shell::failure::Failure;
use crate::shell::output::Output;

pub(super) async fn log(engine: &Engine, out: &Output, info: &ShareInfo) -> Result<(), Failure> {
    let history = engine.share_history(info.id).await?;
    let json = json!({
        "consents": history.consents.iter().map(consent_json).collect::<Json>(),
        "disclosed": history.disclosed.iter().map(day_json).collect::<Json>(),
    });
    out.say(json, || {
        let consents = history.consents.iter().map(consent_text);
        let days = history.disclosed.iter().map(day_text);
        let mut text = format!("What you agreed to with {}:\n", info.peer);
        text.extend(consents);
        text.push_str("\nWhat this device sent, as the relay signed for it:\n");
        match history.disclosed.is_empty() {
            true => text.push_str("  nothing yet\n"),
            false => text.extend(days),
        }
        text.trim_end().to_owned()
    })
}

fn consent_json(consent: &Consent) -> Json {
    json!({
        "event": consent.event.code(),
        "scope": consent.scope.to_string(),
        "at": instant(consent.granted_at_ms),
        "until": consent.until_ms.map(instant),
    })
}

fn consent_text(consent: &Consent) -> String {
    let at = instant(consent.granted_at_ms);
    format!("  {}  {}: {}\n", day(&at), consent.event.word(), consent.scope)
}

fn day_json(disclosed: &Disclosure) -> Json {
    json!({
        "day": day(&instant(disclosed.day_ms)),
        "shown": disclosed.shown,
        "taken_back": disclosed.taken_back,
        "said": disclosed.said,
        "delivered": disclosed.delivered_ms.map(instant),
    })
}

fn day_text(disclosed: &Disclosure) -> String {
    let mut parts: Vec<String> = disclosed
        .shown
        .iter()
        .map(|(code, count)| {
            let word = Class::from_code(code).map_or("other", Class::word);
            format!("{word}: {count}")
        })
        .collect();
    for (count, what) in [(disclosed.taken_back, "taken back"), (disclosed.said, "said")] {
        if count > 0 {
            parts.push(format!("{what}: {count}"));
        }
    }
    let arrived = match disclosed.delivered_ms {
        Some(at) => format!("their devices had all of it on {}", day(&instant(at))),
        None => "not confirmed by their devices yet".to_owned(),
    };
    format!("  {}  {}; {arrived}\n", day(&instant(disclosed.day_ms)), parts.join(", "))
}

fn instant(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).map_or_else(|_| "?".to_owned(), |at| at.to_string())
}

fn day(instant: &str) -> String {
    instant.chars().take(10).collect()
}
