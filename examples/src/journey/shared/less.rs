//! One entry is hidden, the share is narrowed, and then revoked.

use mainstay_core::care::{Choice, Consent, Event};
use mainstay_core::engine::{Engine, ShareStage};
use mainstay_core::journal::{CheckIn, EntryBody};

use super::laptop::FRIEND;
use super::talk::in_turns;
use super::{CLIENT, COUNSELLOR, find, now_ms, preview, scope, seen};
use crate::journey::Stopped;
use crate::journey::desk::now;
use crate::journey::report::Report;

/// What is left after narrowing.
const NARROWER: &str = "check-ins:numbers,plan:view";

pub(in crate::journey) async fn less_is_shared(
    phone: &Engine,
    counsellor: &Engine,
    report: &mut Report,
) -> Result<(), Stopped> {
    report.begin("One entry is hidden, then less is shared altogether");
    let (here, there) = (find(phone, COUNSELLOR).await?, find(counsellor, CLIENT).await?);
    let mood = CheckIn { mood: Some(3), ..CheckIn::default() };
    let entry = phone.log(EntryBody::CheckIn(mood), now()).await?;
    in_turns(&[phone, counsellor], report).await?;
    let record = phone.share_record_of(here.id, entry).await?;
    let before = counsellor.share_records(there.id).await?;
    phone.share_choose(here.id, entry, Choice::Hidden).await?;
    in_turns(&[phone, counsellor], report).await?;
    let after = counsellor.share_records(there.id).await?;
    let has = |heard: &[mainstay_core::engine::Heard]| {
        heard.iter().any(|heard| heard.record.id == record)
    };
    report.check(
        "the hidden entry was there, and is gone from the counsellor's device",
        has(&before) && !has(&after),
    );

    let old = phone.share_consent(here.id).await?.ok_or(Stopped::Story("no consent"))?;
    let new = Consent { scope: scope(NARROWER)?, granted_at_ms: now_ms(), ..old.clone() };
    let new = new.following(&old);
    let narrowed = new.event == Event::Narrowed;
    phone.share_set_consent(here.id, new).await?;
    in_turns(&[phone, counsellor], report).await?;
    let seen = seen(counsellor, CLIENT).await?;
    let no_urges = seen.rows.iter().all(|row| row.contains("\"check-in\""));
    report.check("after narrowing, no urge is left there", narrowed && no_urges);
    report.check(
        "the counsellor sees the new preview, row for row",
        !seen.rows.is_empty() && seen == preview(phone, COUNSELLOR).await?,
    );
    report.note(format!("\"{NARROWER}\": {} entries are left", seen.rows.len()));
    Ok(())
}

pub(in crate::journey) async fn a_revocation(
    (phone, friend): (&Engine, &Engine),
    devices: &[&Engine],
    report: &mut Report,
) -> Result<(), Stopped> {
    report.begin("The person stops sharing");
    let here = find(phone, COUNSELLOR).await?;
    phone.share_end(here.id).await?;
    report.spent(&phone.sync().await?);
    let mood = CheckIn { mood: Some(8), ..CheckIn::default() };
    phone.log(EntryBody::CheckIn(mood), now()).await?;
    report.spent(&phone.sync().await?);
    let (mut shut_out, mut dropped, mut kept) = (true, true, true);
    for device in devices {
        report.spent(&device.sync().await?);
        let there = find(device, CLIENT).await?;
        shut_out &= there.state == ShareStage::Ended;
        let heard = device.share_records(there.id).await?;
        dropped &= heard.iter().all(|heard| heard.mine);
        kept &= seen(device, FRIEND).await? == preview(friend, COUNSELLOR).await?;
    }
    let entries = phone.status().await?.entries;
    report.check("the counsellor's devices say that it has ended", shut_out);
    report.check("they have dropped what was shared, and read nothing new", dropped);
    report.check("the other client's share goes on as before", kept);
    report.check(
        "the person's own journal has all of it",
        entries > 0 && find(phone, COUNSELLOR).await?.state == ShareStage::Ended,
    );
    report
        .note("what was read cannot be unread; what comes now is for the person alone".to_owned());
    Ok(())
}
