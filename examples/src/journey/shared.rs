//! A counsellor is invited, reads what the person chose, answers, and is shut out again.

mod laptop;
mod less;
mod plan;
mod talk;

use std::time::Duration;

use mainstay_core::care::{
    Consent, Recipient, Scope, SharedBody, SharedPlan, SharedRecord, Verified, to_json,
};
use mainstay_core::engine::{Engine, Handshake, Offer, ShareInfo, ShareStage};
use mainstay_core::space::phrase::Phrase;

use super::Stopped;
use super::desk::{Desk, export, now};
use super::report::Report;

pub(super) use laptop::a_new_laptop;
pub(super) use less::{a_revocation, less_is_shared};
pub(super) use plan::both_edit_the_plan;
pub(super) use talk::they_talk;

/// What the person shares at first.
const SCOPE: &str = "check-ins:numbers,urges:full,plan:edit";

/// What the person calls the counsellor.
const COUNSELLOR: &str = "Dr. Weber";
/// What the counsellor calls the person.
const CLIENT: &str = "Noor's father";

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

pub(super) async fn a_counsellor_is_invited(
    desk: &Desk,
    (phone, tablet): (&Engine, &Engine),
    report: &mut Report,
) -> Result<(Engine, Phrase), Stopped> {
    report.begin("A counsellor is invited, and both compare a code");
    let (counsellor, phrase) = Engine::create(desk.config("counsellor")).await?;
    counsellor.set_relay(desk.address.clone()).await?;
    invite(phone, &counsellor, (COUNSELLOR, CLIENT), SCOPE, report).await?;
    for engine in [tablet, phone] {
        report.spent(&engine.sync().await?);
    }
    let share = find(phone, COUNSELLOR).await?;
    report.note(format!("\"{SCOPE}\": {} records", share.records));
    compare_views(phone, &counsellor, report).await?;
    report.check(
        "the person's tablet shows the same preview",
        preview(tablet, COUNSELLOR).await? == preview(phone, COUNSELLOR).await?,
    );
    report.check("the counsellor's device says by its signature that it has all", share.delivered);
    Ok((counsellor, phrase))
}

/// From the invitation to the first records on the counsellor's side.
async fn invite(
    owner: &Engine,
    counsellor: &Engine,
    (to, client): (&str, &str),
    scope: &str,
    report: &mut Report,
) -> Result<(), Stopped> {
    let offer = Offer {
        name: client.to_owned(),
        peer: to.to_owned(),
        consent: consent(to, scope)?,
        life_ms: u64::try_from(WEEK.as_millis()).unwrap_or(u64::MAX),
    };
    let (_, link) = owner.share_invite(offer).await?;
    report.spent(&owner.sync().await?);
    counsellor.share_join(&link, to, client).await?;
    for engine in [counsellor, owner, counsellor] {
        report.spent(&engine.sync().await?);
    }
    let (here, there) = (find(owner, to).await?, find(counsellor, client).await?);
    let code = code(&here);
    report.check(
        "person and counsellor see the same code",
        code.is_some() && code == self::code(&there),
    );
    report.check(
        "before the person confirms it, nothing of the journal is on its way",
        counsellor.share_records(there.id).await.is_err() && here.records == 0,
    );
    report.note(format!("both show {}", code.unwrap_or_default()));
    owner.share_confirm(here.id).await?;
    for engine in [owner, counsellor, owner, counsellor, owner] {
        report.spent(&engine.sync().await?);
    }
    Ok(())
}

fn consent(to: &str, scope: &str) -> Result<Consent, Stopped> {
    let recipient = Recipient {
        name: to.to_owned(),
        organisation: String::new(),
        role: "counsellor".to_owned(),
        key_fingerprint: [0; 32],
        verified: Verified::Not,
    };
    Ok(Consent::given(recipient, self::scope(scope)?, "At my own request.", now_ms()))
}

fn scope(text: &str) -> Result<Scope, Stopped> {
    text.parse().map_err(|_| Stopped::Story("a scope cannot be read"))
}

fn now_ms() -> i64 {
    now().latest().as_millisecond()
}

fn code(info: &ShareInfo) -> Option<String> {
    match &info.state {
        ShareStage::Invited(Handshake::Compare(code)) => Some(code.to_string()),
        _ => None,
    }
}

/// The share with somebody.
async fn find(engine: &Engine, peer: &str) -> Result<ShareInfo, Stopped> {
    let found = engine.shares().await?.into_iter().find(|info| info.peer == peer);
    found.ok_or(Stopped::Story("a share is missing"))
}

/// What one side sees of the other's journal.
#[derive(Debug, PartialEq)]
struct View {
    /// As lines of JSON, in order.
    rows: Vec<String>,
    plan: Option<SharedPlan>,
}

impl View {
    fn of(records: impl Iterator<Item = SharedRecord>, plan: Option<SharedPlan>) -> Self {
        let mut view = Self { rows: Vec::new(), plan };
        for record in records {
            match record.body {
                SharedBody::Entry(_) => view.rows.push(to_json(&record).to_string()),
                SharedBody::Plan(plan) => view.plan = Some(SharedPlan { editing: None, ..plan }),
                _ => {}
            }
        }
        view.rows.sort_unstable();
        view
    }
}

async fn preview(owner: &Engine, to: &str) -> Result<View, Stopped> {
    let (records, plan) = owner.share_preview(find(owner, to).await?.id).await?;
    Ok(View::of(records.into_iter(), plan))
}

async fn seen(counsellor: &Engine, client: &str) -> Result<View, Stopped> {
    let heard = counsellor.share_records(find(counsellor, client).await?.id).await?;
    let theirs = heard.into_iter().filter(|heard| !heard.mine).map(|heard| heard.record);
    Ok(View::of(theirs, None))
}

async fn compare_views(
    phone: &Engine,
    counsellor: &Engine,
    report: &mut Report,
) -> Result<(), Stopped> {
    let (promised, seen) = (preview(phone, COUNSELLOR).await?, seen(counsellor, CLIENT).await?);
    let full = !promised.rows.is_empty() && promised.plan.is_some();
    report.check("the counsellor sees the preview, row for row", full && seen == promised);
    let kinds = |row: &String| row.contains("\"check-in\"") || row.contains("\"urge\"");
    report.check("no other kind of entry is among it", seen.rows.iter().all(kinds));
    let check_ins = seen.rows.iter().filter(|row| row.contains("\"check-in\""));
    let wordless = check_ins
        .fold((0, true), |(count, none), row| (count + 1, none && !row.contains("\"note\"")));
    let written = export(phone)
        .await?
        .lines()
        .any(|line| line.contains("\"check-in\"") && line.contains("\"note\""));
    report.check(
        "of check-ins it has the numbers, and none of the words beside them",
        wordless.0 > 0 && wordless.1 && written,
    );
    Ok(())
}
