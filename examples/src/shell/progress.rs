//! Bars for long work, on standard error and only where somebody watches.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use mainstay_core::engine::SyncReport;

use super::output::is_watched;

/// How long work is at hand before a spinner turns again.
const TICK: Duration = Duration::from_millis(120);

/// A bar over a known amount of work; over an unknown one (0) a spinner.
pub(crate) fn bar(length: u64, what: &'static str) -> ProgressBar {
    if !is_watched() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match length {
        0 => (ProgressBar::new_spinner(), "{spinner} {prefix} {msg}"),
        _ => (ProgressBar::new(length), "{prefix} {wide_bar} {pos}/{len} {eta}"),
    };
    // The templates are our own; should one not be understood, the plain style does.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(what);
    bar.enable_steady_tick(TICK);
    bar
}

/// Shows how far a sync has come.
pub(crate) fn show(bar: &ProgressBar, report: &SyncReport) {
    let bytes = report.bytes_sent + report.bytes_received;
    let moved = format!("{} sent, {} received", report.sent, report.received);
    let restoring = report
        .restoring
        .map_or(String::new(), |(done, all)| format!(", {done} of {all} parts of the history"));
    bar.set_message(format!("{moved}{restoring}, {}", super::words::bytes(bytes)));
}
