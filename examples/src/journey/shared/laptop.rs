//! A second client, and the counsellor's new laptop.

use mainstay_core::engine::{Engine, EngineError};
use mainstay_core::journal::{CheckIn, EntryBody, Note};
use mainstay_core::space::phrase::Phrase;

use super::talk::in_turns;
use super::{CLIENT, COUNSELLOR, invite, preview, seen};
use crate::journey::Stopped;
use crate::journey::desk::{Desk, alike, now};
use crate::journey::report::Report;

/// What the counsellor calls the second client.
pub(super) const FRIEND: &str = "Teta";
const FRIENDS_SCOPE: &str = "check-ins:full";

/// What the counsellor writes for nobody else.
const PRIVATE: &str = "Ask about the evenings next time.";

/// The second client's phone, and the laptop.
pub(in crate::journey) async fn a_new_laptop(
    desk: &Desk,
    (phone, counsellor): (&Engine, &Engine),
    phrase: &Phrase,
    report: &mut Report,
) -> Result<(Engine, Engine), Stopped> {
    report.begin("A second client; the counsellor gets a new laptop from twelve words");
    let (friend, _) = Engine::create(desk.config("friend")).await?;
    friend.set_relay(desk.address.clone()).await?;
    let check_in =
        CheckIn { mood: Some(7), note: Some("First week.".to_owned()), ..CheckIn::default() };
    friend.log(EntryBody::CheckIn(check_in), now()).await?;
    invite(&friend, counsellor, (COUNSELLOR, FRIEND), FRIENDS_SCOPE, report).await?;
    let note = Note { note: Some(PRIVATE.to_owned()) };
    counsellor.log(EntryBody::Note(note), now()).await?;
    report.spent(&counsellor.sync().await?);

    let paper: Vec<&str> = phrase.words().collect();
    let typed = Phrase::parse(&paper.join(" ")).map_err(EngineError::from)?;
    let laptop = Engine::restore(desk.config("laptop"), &typed, &desk.address).await?;
    in_turns(&[&laptop, &laptop], report).await?;
    report
        .check("the laptop has the counsellor's private notes", alike(&laptop, counsellor).await?);
    let mut same = true;
    for (client, owner) in [(CLIENT, phone), (FRIEND, &friend)] {
        let there = seen(&laptop, client).await?;
        same &= !there.rows.is_empty() && there == preview(owner, COUNSELLOR).await?;
    }
    report
        .check("it shows what both clients share, row for row, and nothing that was hidden", same);
    laptop.confirm_device("counsellor").await?;
    in_turns(&[&laptop, counsellor, &laptop], report).await?;
    report.check(
        "the clients did nothing for it, and the old device goes on",
        seen(counsellor, CLIENT).await? == seen(&laptop, CLIENT).await?,
    );
    Ok((friend, laptop))
}
