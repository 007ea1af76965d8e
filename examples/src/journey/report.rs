//! What the journey tells.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use mainstay_core::engine::SyncReport;
use serde_json::{Value as Json, json};

/// One thing that happened.
struct Step {
    title: &'static str,
    began: Instant,
    took: Duration,
    cost: Cost,
    notes: Vec<String>,
}

/// What was spent on the road to the relay.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    pub(super) round_trips: u32,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
}

/// Something that must be so.
struct Check {
    step: usize,
    what: &'static str,
    holds: bool,
}

/// Steps and checks so far.
pub(super) struct Report {
    json: bool,
    began: Instant,
    steps: Vec<Step>,
    checks: Vec<Check>,
}

impl From<&SyncReport> for Cost {
    fn from(report: &SyncReport) -> Self {
        Self {
            round_trips: report.round_trips,
            bytes_sent: report.bytes_sent,
            bytes_received: report.bytes_received,
        }
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kilobytes = |bytes: u64| bytes.div_ceil(1000);
        write!(
            f,
            "{} turns, {} kB sent, {} kB received",
            self.round_trips,
            kilobytes(self.bytes_sent),
            kilobytes(self.bytes_received)
        )
    }
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self { json, began: Instant::now(), steps: Vec::new(), checks: Vec::new() }
    }

    /// A step begins, and the one before it has ended.
    pub(super) fn begin(&mut self, title: &'static str) {
        self.end_step();
        self.print(&format!("\n{}. {title}", self.steps.len() + 1));
        let began = Instant::now();
        let (took, cost) = (Duration::ZERO, Cost::default());
        self.steps.push(Step { title, began, took, cost, notes: Vec::new() });
    }

    /// Something worth telling.
    pub(super) fn note(&mut self, text: String) {
        self.print(&format!("   {text}"));
        if let Some(step) = self.steps.last_mut() {
            step.notes.push(text);
        }
    }

    /// A sync of this step.
    pub(super) fn spent(&mut self, report: &SyncReport) {
        let Some(step) = self.steps.last_mut() else { return };
        step.cost.round_trips += report.round_trips;
        step.cost.bytes_sent += report.bytes_sent;
        step.cost.bytes_received += report.bytes_received;
    }

    /// Something that must be so.
    pub(super) fn check(&mut self, what: &'static str, holds: bool) {
        self.checks.push(Check { step: self.steps.len(), what, holds });
    }

    /// The title of the step at work.
    pub(super) fn step(&self) -> &'static str {
        self.steps.last().map_or("the beginning", |step| step.title)
    }

    /// Prints the table; returns whether there are checks and all of them hold.
    pub(super) fn finish(&mut self) -> bool {
        self.end_step();
        let all_hold = !self.checks.is_empty() && self.checks.iter().all(|check| check.holds);
        if self.json {
            write(&self.to_json(all_hold).to_string());
            return all_hold;
        }
        self.print("\nChecks");
        for check in &self.checks {
            let mark = if check.holds { "ok" } else { "NOT SO" };
            write(&format!("  {:>2}. {mark:<6} {}", check.step, check.what));
        }
        let holding = self.checks.iter().filter(|check| check.holds).count();
        let took = self.began.elapsed().as_secs_f64();
        self.print(&format!("\n{holding} of {} checks hold, in {took:.1} s", self.checks.len()));
        all_hold
    }

    fn end_step(&mut self) {
        let Some(step) = self.steps.last_mut() else { return };
        if step.took.is_zero() {
            step.took = step.began.elapsed();
            let (took, cost) = (step.took.as_secs_f64(), step.cost);
            match cost.round_trips {
                0 => self.print(&format!("   ({took:.2} s)")),
                _ => self.print(&format!("   ({took:.2} s; {cost})")),
            }
        }
    }

    fn print(&self, text: &str) {
        if !self.json {
            write(text);
        }
    }

    fn to_json(&self, all_hold: bool) -> Json {
        let steps = self.steps.iter().map(|step| {
            json!({
                "title": step.title,
                "took_ms": millis(step.took),
                "round_trips": step.cost.round_trips,
                "bytes_sent": step.cost.bytes_sent,
                "bytes_received": step.cost.bytes_received,
                "notes": step.notes,
            })
        });
        let checks = self
            .checks
            .iter()
            .map(|check| json!({ "step": check.step, "check": check.what, "ok": check.holds }));
        json!({
            "ok": all_hold,
            "took_ms": millis(self.began.elapsed()),
            "steps": steps.collect::<Vec<_>>(),
            "checks": checks.collect::<Vec<_>>(),
        })
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn write(text: &str) {
    // Where nobody reads, the exit code still tells.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Says on standard error why the journey did not end well.
pub(super) fn complain(why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "journey: {why}");
    ExitCode::FAILURE
}
