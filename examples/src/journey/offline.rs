//! A year imported and a day lived without a network; then the first sync.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use mainstay_core::engine::Engine;
use mainstay_core::journal::{
    Attendance, CheckIn, ContactAttempt, ContactOutcome, Entry, EntryBody, EntryId, Fields,
    Meeting, Note, Urge, UrgeOutcome, Value,
};
use mainstay_core::ndjson::Reader;
use mainstay_core::plan::{PlanEdit, Section};
use mainstay_core::space::phrase::Phrase;

use super::Stopped;
use super::desk::{Desk, export, now, set};
use super::report::Report;

/// A year of a person's log.
const YEAR: &str = include_str!("../../data/journal.ndjson");

/// How long a phone tries to reach a relay that is off.
const SHORT: Duration = Duration::from_millis(500);

pub(super) async fn import_a_year(
    desk: &Desk,
    report: &mut Report,
) -> Result<(Engine, Phrase), Stopped> {
    report.begin("A year is imported, with the relay off");
    let (phone, phrase) = Engine::create(desk.config("phone")).await?;
    phone.set_relay(desk.address.clone()).await?;
    let entries = entries()?;
    let count = entries.len();
    let began = Instant::now();
    let first = phone.import(entries.clone()).await?;
    let rate = count as f64 / began.elapsed().as_secs_f64().max(f64::EPSILON);
    report.note(format!("{} entries, {rate:.0} a second, each on the disk", first.added));
    let once = export(&phone).await?;
    let again = phone.import(entries).await?;
    report.check("every line of the year is an entry", first.added == count && count >= 1200);
    report.check(
        "importing it again adds nothing",
        (again.added, again.known) == (0, count) && export(&phone).await? == once,
    );
    report.check("an export has one line for each", once.lines().count() == count);
    Ok((phone, phrase))
}

fn entries() -> Result<Vec<Entry>, Stopped> {
    let read = Reader::new(YEAR.as_bytes(), Timestamp::now()).map(|line| {
        let import = line?.map_err(|_| Stopped::Story("a line of the year is no entry"))?;
        let entry = Entry::from_fields(import.id, &import.fields);
        entry.map_err(|_| Stopped::Story("a line of the year is no entry"))
    });
    read.collect()
}

pub(super) async fn a_day_without_a_network(
    phone: &Engine,
    report: &mut Report,
) -> Result<(), Stopped> {
    report.begin("A day without a network: log, edit, delete, plan");
    let before = phone.status().await?.entries;
    let began = Instant::now();
    let mut ids = Vec::new();
    for body in a_day() {
        ids.push(phone.log(body, now()).await?);
    }
    let each_ms = began.elapsed().as_secs_f64() * 1000.0 / ids.len() as f64;
    report.note(format!("{} entries logged, {each_ms:.1} ms each, fsync included", ids.len()));
    let (edited, deleted) = two_old_entries(phone).await?;
    phone.edit(edited, set("note", "Read again months later. It still holds.")).await?;
    phone.delete(deleted).await?;
    make_a_plan(phone).await?;
    report.note("an old entry edited, another deleted, a plan of 5 items written".to_owned());

    let tried = phone.sync_once(SHORT).await;
    let status = phone.status().await?;
    let waits = status.on_relay == 0 && status.waiting >= status.entries;
    let reached = tried.is_ok_and(|tried| tried.complete);
    report.check("without a relay nothing is said to be anywhere else", waits && !reached);
    let content = export(phone).await?;
    phone.suspend().await?;
    phone.resume().await?;
    let logged = before + ids.len() as u64 - 1;
    report.check(
        "closed and opened again, everything is here",
        export(phone).await? == content && phone.status().await?.entries == logged,
    );
    let edited = phone.show(edited).await?.row;
    let gone = phone.show(deleted).await?.row.deleted_at.is_some();
    report.check("the edit shows, and the deleted entry is hidden", edited.edited && gone);
    Ok(())
}

/// What a person writes down in a day.
fn a_day() -> Vec<EntryBody> {
    let some = |text: &str| Some(text.to_owned());
    vec![
        EntryBody::CheckIn(CheckIn {
            mood: Some(5),
            craving: Some(4),
            sleep_hours: Some(6.5),
            tired: Some(true),
            ..CheckIn::default()
        }),
        EntryBody::Urge(Urge {
            intensity: Some(65),
            intensity_after: Some(20),
            coping: Some(vec!["called Jonas".to_owned(), "walked it off".to_owned()]),
            outcome: Some(UrgeOutcome::PassedWithHelp),
            ..Urge::default()
        }),
        EntryBody::ContactAttempt(ContactAttempt {
            who: some("Jonas"),
            outcome: Some(ContactOutcome::Reached),
            ..ContactAttempt::default()
        }),
        EntryBody::Meeting(Meeting {
            attendance: Some(Attendance::Attended),
            place: some("Nachbarschaftshaus"),
            ..Meeting::default()
        }),
        EntryBody::Note(Note { note: some("Kein Netz im Tunnel. 書けた。 شكراً 🌱") }),
    ]
}

async fn two_old_entries(phone: &Engine) -> Result<(EntryId, EntryId), Stopped> {
    let months = phone.chapters().await?;
    let first = months.first().ok_or(Stopped::Story("the journal is empty"))?;
    match phone.chapter(*first).await?[..] {
        [ref one, ref other, ..] => Ok((one.id, other.id)),
        _ => Err(Stopped::Story("the first month holds too few entries")),
    }
}

async fn make_a_plan(phone: &Engine) -> Result<(), Stopped> {
    let items = [
        (Section::Reasons, "Noor's school play, sober and in the second row"),
        (Section::WarningSigns, "I stop answering messages"),
        (Section::CopingSkills, "Call Jonas, then walk to the canal"),
        (Section::Supports, "Jonas"),
        (Section::Crisis, "112"),
    ];
    for (section, text) in items {
        let (id, text) = (phone.new_item_id().await?, text.to_owned());
        let details = match section {
            Section::Supports => [("role".to_owned(), Value::from("sponsor"))].into(),
            _ => Fields::new(),
        };
        phone.edit_plan(PlanEdit::Add { id, section, text, details, position: None }).await?;
    }
    Ok(())
}

pub(super) async fn the_relay_is_turned_on(
    desk: &mut Desk,
    phone: &Engine,
    report: &mut Report,
) -> Result<(), Stopped> {
    report.begin("The relay is turned on");
    desk.relay.resume().await?;
    let first = phone.sync().await?;
    report.spent(&first);
    let status = phone.status().await?;
    report.note(format!("{} entries and the plan sent", status.on_relay));
    report.check(
        "the relay has signed for every entry, and nothing waits",
        first.complete && status.on_relay == status.entries && status.waiting == 0,
    );
    let nothing = phone.sync().await?;
    report.check(
        "a sync with nothing new moves nothing, in one turn",
        (nothing.sent, nothing.received, nothing.round_trips) == (0, 0, 1),
    );
    Ok(())
}
