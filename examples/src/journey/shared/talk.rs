//! A comment, a reply, and a proposal for the plan.

use mainstay_core::care::{RecordId, SharedBody, Target};
use mainstay_core::engine::{Engine, Heard};
use mainstay_core::journal::{EntryBody, Fields, Urge};
use mainstay_core::plan::{PlanEdit, Section};

use super::{CLIENT, COUNSELLOR, find, now_ms, preview, seen};
use crate::journey::Stopped;
use crate::journey::desk::now;
use crate::journey::report::Report;

const COMMENT: &str = "You called before it got strong. What made that possible?";
const REPLY: &str = "Jonas had said: any time.";
const PROPOSED: &str = "Call before eight, not after";

pub(in crate::journey) async fn they_talk(
    phone: &Engine,
    counsellor: &Engine,
    report: &mut Report,
) -> Result<(), Stopped> {
    report.begin("A comment comes back, a reply, and a proposal for the plan");
    let (here, there) = (find(phone, COUNSELLOR).await?, find(counsellor, CLIENT).await?);
    let urge = Urge { intensity: Some(40), ..Urge::default() };
    let entry = phone.log(EntryBody::Urge(urge), now()).await?;
    in_turns(&[phone, counsellor], report).await?;
    let record = phone.share_record_of(here.id, entry).await?;
    let came = counsellor.share_records(there.id).await?;
    report.check(
        "what is written now is there after one sync of each",
        came.iter().any(|heard| heard.record.id == record),
    );

    let on = Target::Record(record);
    counsellor.share_say(there.id, comment(on, COMMENT)).await?;
    let proposal = SharedBody::Proposal {
        section: Section::CopingSkills,
        item: None,
        text: PROPOSED.to_owned(),
        details: Fields::new(),
        why: "Evenings were the hard part.".to_owned(),
        written_at_ms: now_ms(),
    };
    let proposal = counsellor.share_say(there.id, proposal).await?;
    in_turns(&[counsellor, phone], report).await?;
    let heard = phone.share_records(here.id).await?;
    report.check("the person reads the comment, on that entry", says(&heard, on, COMMENT, false));

    phone.share_say(here.id, comment(on, REPLY)).await?;
    accept(phone, &heard, proposal).await?;
    let decision = SharedBody::Decision { proposal, accepted: true, at_ms: now_ms() };
    phone.share_say(here.id, decision).await?;
    in_turns(&[phone, counsellor], report).await?;
    let heard = counsellor.share_records(there.id).await?;
    report.check("the counsellor reads the reply", says(&heard, on, REPLY, false));
    let decided = heard.iter().any(|heard| {
        matches!(heard.record.body, SharedBody::Decision { proposal: of, accepted: true, .. } if of == proposal)
    });
    let plan = seen(counsellor, CLIENT).await?.plan;
    let there = plan.iter().flat_map(|plan| &plan.items).any(|item| item.text == PROPOSED);
    report.check("the accepted proposal is in the plan, on both sides", decided && there);
    report.check(
        "the counsellor still sees the preview, row for row",
        seen(counsellor, CLIENT).await? == preview(phone, COUNSELLOR).await?,
    );
    Ok(())
}

fn comment(on: Target, text: &str) -> SharedBody {
    SharedBody::Comment { on, text: text.to_owned(), written_at_ms: now_ms() }
}

/// Changes the plan as it was proposed.
async fn accept(phone: &Engine, heard: &[Heard], proposal: RecordId) -> Result<(), Stopped> {
    let body = heard.iter().find(|heard| heard.record.id == proposal).map(|h| &h.record.body);
    let Some(SharedBody::Proposal { section, text, details, item: None, .. }) = body else {
        return Err(Stopped::Story("the proposal did not come"));
    };
    let add = PlanEdit::Add {
        id: phone.new_item_id().await?,
        section: section.clone(),
        text: text.clone(),
        details: details.clone(),
        position: None,
    };
    Ok(phone.edit_plan(add).await?)
}

/// Whether somebody said this on that.
fn says(heard: &[Heard], target: Target, said: &str, by_me: bool) -> bool {
    heard.iter().filter(|heard| heard.mine == by_me).any(|heard| {
        matches!(&heard.record.body, SharedBody::Comment { on, text, .. } if *on == target && text == said)
    })
}

pub(super) async fn in_turns(engines: &[&Engine], report: &mut Report) -> Result<(), Stopped> {
    for engine in engines {
        report.spent(&engine.sync().await?);
    }
    Ok(())
}
