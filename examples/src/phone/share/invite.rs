//! An invitation to somebody.

use jiff::civil::Date;
use mainstay_core::care::{ClassScope, Consent, Notice, Recipient, Scope, Verified};
use mainstay_core::engine::{Engine, Offer};
use serde_json::json;

use super::args::InviteArgs;
use super::consent::told;
use crate::shell::at::Clock;
use crate::shell::failure::Failure;
use crate::shell::output::Output;
use crate::shell::shares;

const HOUR_MS: u128 = 3600 * 1000;

pub(super) async fn invite(engine: &Engine, out: &Output, args: InviteArgs) -> Result<(), Failure> {
    let clock = Clock::new(None)?;
    let consent = consent(&args, &clock)?;
    out.tell(Notice::current().text().unwrap_or_default());
    out.tell(&format!("{} is to see:\n{}\n", args.to, told(&consent)));
    let offer = Offer {
        name: args.my_name,
        peer: args.to,
        consent,
        life_ms: u64::try_from(args.life.as_millis()).unwrap_or(u64::MAX),
    };
    let (share, link) = engine.share_invite(offer).await?;
    let mut infos = engine.shares().await?;
    infos.retain(|info| info.id == share);
    let info = infos.pop().ok_or_else(|| Failure::new("the share is not there; try again"))?;
    // The link leads nowhere until the relay knows of it.
    let sent = shares::send(engine, out, &info).await?;
    out.tell("Give this to them alone, by a way that you trust:\n");
    out.tell_link(&link);
    let json = json!({ "share": share.to_hex(), "invitation": link, "sent": sent });
    out.say(json, || {
        format!(
            "{link}\nNothing is shared yet. Once they have answered, `phone sync` brings a code; \
             compare it with theirs, then `phone share confirm {}`.",
            shares::short(&info)
        )
    })
}

fn consent(args: &InviteArgs, clock: &Clock) -> Result<Consent, Failure> {
    let recipient = Recipient {
        name: args.to.trim().to_owned(),
        organisation: String::new(),
        role: String::new(),
        key_fingerprint: [0; 32],
        verified: Verified::Not,
    };
    let mut scope = scope(&args.scope)?;
    if let Some(since) = &args.since {
        begin(&mut scope, day(since)?);
    }
    let mut consent = Consent::given(recipient, scope, args.purpose.trim(), clock.now_ms());
    let hours = args.delay.unwrap_or_default().as_millis().div_ceil(HOUR_MS);
    consent.delay_hours = u16::try_from(hours).unwrap_or(u16::MAX);
    consent.until_ms = args.until.as_deref().map(|until| end_of(clock, until)).transpose()?;
    consent.validate().map_err(|error| Failure::usage(error.to_string()))?;
    Ok(consent)
}

/// What a person wrote.
pub(super) fn scope(text: &str) -> Result<Scope, Failure> {
    text.parse().map_err(|error: mainstay_core::care::ScopeError| Failure::usage(error.to_string()))
}

/// Classes that have no first day of their own get this one.
fn begin(scope: &mut Scope, since: Date) {
    let open: Vec<_> = scope
        .entries()
        .filter(|(_, how)| how.since.is_none())
        .map(|(class, how)| (class, ClassScope { since: Some(since), ..*how }))
        .collect();
    open.into_iter().for_each(|(class, how)| scope.set(class, Some(how)));
}

fn day(text: &str) -> Result<Date, Failure> {
    let wrong = |_| Failure::usage(format!("{text:?} is no day; write it as 2026-03-29"));
    text.trim().parse().map_err(wrong)
}

/// The last millisecond of a day here.
pub(super) fn end_of(clock: &Clock, text: &str) -> Result<i64, Failure> {
    let day = day(text)?;
    let until_ms = clock.read(&day.to_string())?.latest().as_millisecond();
    match until_ms > clock.now_ms() {
        true => Ok(until_ms),
        false => Err(Failure::usage(format!("{day} is over; to stop now: `phone share revoke`"))),
    }
}
