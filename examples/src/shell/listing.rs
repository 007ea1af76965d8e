//! Entries under their days, newest first.

use mainstay_core::journal::{Fields, When};

use super::words;

/// An entry in a list.
pub(crate) struct Line<'a> {
    pub(crate) when: Option<When>,
    pub(crate) kind: &'a str,
    pub(crate) fields: &'a Fields,
    /// What stands behind it: its id first.
    pub(crate) marks: Vec<String>,
}

/// The lines under headings of their days.
pub(crate) fn text<'a>(lines: impl Iterator<Item = Line<'a>>) -> String {
    let mut text = String::new();
    let mut day = None;
    for line in lines {
        let date = line.when.as_ref().map(When::date);
        if day != Some(date) {
            day = Some(date);
            let date = date.map(|date| date.strftime("%A %-d %B %Y").to_string());
            text.push_str(&format!("\n{}\n", date.unwrap_or_else(|| "Some time".to_owned())));
        }
        let clock = line.when.as_ref().and_then(words::clock).unwrap_or_default();
        text.push_str(&line.text(&clock));
    }
    match text.trim() {
        "" => "Nothing is written down for this time.".to_owned(),
        text => text.to_owned(),
    }
}

impl Line<'_> {
    /// The entry behind a time.
    pub(crate) fn text(&self, clock: &str) -> String {
        let facts = words::facts(self.fields).join(" · ");
        let (kind, marks) = (words::kind(self.kind), self.marks.join(", "));
        let mut text = format!("  {clock:>9}  {kind}  {facts}  ({marks})\n");
        if let Some(note) = self.fields.get("note").and_then(|note| note.as_str()) {
            for line in note.lines() {
                text.push_str(&format!("             {line}\n"));
            }
        }
        text
    }
}
