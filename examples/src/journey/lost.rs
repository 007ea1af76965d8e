//! The phone is thrown away, and a new one takes the journal back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mainstay_core::engine::{Engine, EngineError, SyncReport};
use mainstay_core::plan::Plan;
use mainstay_core::space::phrase::Phrase;

use super::Stopped;
use super::desk::{Desk, alike, export, last_month};
use super::report::{Cost, Report};

/// How long after the last turn the first things may take to be read.
const LATEST: Duration = Duration::from_secs(5);

/// What a new phone shows first.
struct First {
    plan: Plan,
    month: String,
}

pub(super) async fn throw_away_and_restore(
    desk: &Desk,
    (phone, tablet): (Engine, &Engine),
    phrase: &Phrase,
    report: &mut Report,
) -> Result<Engine, Stopped> {
    report.begin("The phone is thrown away; a new one gets the twelve words");
    let (content, plan) = (export(&phone).await?, phone.plan().await?);
    let month = last_month(&phone).await?;
    phone.suspend().await?;
    drop(phone);
    std::fs::remove_dir_all(desk.home("phone"))?;

    // What the person has is a piece of paper.
    let paper: Vec<&str> = phrase.words().collect();
    let typed = Phrase::parse(&paper.join(" ")).map_err(EngineError::from)?;
    let began = Instant::now();
    let new = Engine::restore(desk.config("new phone"), &typed, &desk.address).await?;
    let (all, first) = fetch(&new, First { plan, month }, began).await?;
    report.spent(&all);
    let took = began.elapsed().as_secs_f64();
    if let Some((first_took, cost)) = first {
        report.note(format!(
            "plan and last 30 days readable after {first_took:.2} s: at most {cost}"
        ));
    }
    report.note(format!("{} entries after {took:.2} s: {}", all.received, Cost::from(&all)));
    report.check("plan and last 30 days were readable on the way", first.is_some());
    report.check("the new phone has every entry, to the byte", export(&new).await? == content);
    report.check("it has the plan, as the tablet does", alike(&new, tablet).await?);

    let waits = matches!(tablet.sync().await, Err(EngineError::NotADevice));
    report.check("until the person confirms it, the tablet gets nothing", waits);
    new.confirm_device("tablet").await?;
    new.remove_device("phone").await?;
    let devices = new.devices().await?;
    let status = |name: &str| devices.iter().find(|d| d.name == name).map(|d| d.status);
    report.spent(&tablet.sync().await?);
    report.check(
        "the tablet is confirmed and takes part, the lost phone is removed",
        status("tablet") == Some("active") && status("phone") == Some("removed"),
    );
    report.note("the tablet was confirmed, the lost phone removed".to_owned());
    Ok(new)
}

/// How far a restore has come.
#[derive(Default)]
struct Progress {
    /// When the first things could be read, in seconds.
    readable: Option<f64>,
    /// What had been spent at the end of the turn in which they came.
    cost: Option<Cost>,
}

/// Fetches everything; tells when the first things could be read, and what that had cost at most.
async fn fetch(
    new: &Engine,
    expected: First,
    began: Instant,
) -> Result<(SyncReport, Option<(f64, Cost)>), Stopped> {
    let progress = Arc::new(Mutex::new(Progress::default()));
    let (watcher, seen) = (new.clone(), progress.clone());
    let reading = tokio::spawn(async move {
        let mut revisions = watcher.revisions();
        while !is_readable(&watcher, &expected).await {
            if revisions.changed().await.is_err() {
                return;
            }
        }
        held(&seen).readable = Some(began.elapsed().as_secs_f64());
    });
    let all = new.sync_with(&mut |report| held(&progress).turn(report)).await?;
    // What can be read at all can be read by now.
    let waited = tokio::time::timeout(LATEST, reading).await;
    if waited.is_err() {
        return Ok((all, None));
    }
    held(&progress).turn(&all);
    let progress = held(&progress);
    let first = progress.readable.zip(progress.cost);
    Ok((all, first))
}

impl Progress {
    fn turn(&mut self, report: &SyncReport) {
        if self.readable.is_some() && self.cost.is_none() {
            self.cost = Some(Cost::from(report));
        }
    }
}

fn held(progress: &Mutex<Progress>) -> std::sync::MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn is_readable(engine: &Engine, expected: &First) -> bool {
    let plan = engine.plan().await.is_ok_and(|plan| plan == expected.plan);
    plan && last_month(engine).await.is_ok_and(|month| month == expected.month)
}
