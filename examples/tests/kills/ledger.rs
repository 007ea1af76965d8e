//! What was acknowledged, and what may therefore be found.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use crate::random::Random;

/// Every entry bears its mark as its note, and a version, from which its other fields follow.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: BTreeMap<String, Entry>,
    /// The plan's items, and whether they are known to be there.
    items: BTreeMap<String, bool>,
    /// The newest version handed out; no two writes share one.
    version: u64,
    /// Acknowledged by the program's word, not by a look at the timeline.
    pub(crate) entries_acknowledged: u64,
    pub(crate) edits_acknowledged: u64,
    pub(crate) items_acknowledged: u64,
}

#[derive(Debug)]
struct Entry {
    first: u64,
    /// What is known to be there; `None`: nobody said yet that the entry is.
    known: Option<u64>,
    /// Versions that a killed command may have written since.
    tried: BTreeSet<u64>,
    /// Once they were shown.
    id: Option<String>,
    at: Option<String>,
    /// Lines of one file come together or not at all.
    file: Option<u64>,
    /// The version that the relay has signed for, or a newer one.
    on_relay: Option<u64>,
}

/// The fields that follow from a version: two, so that half a write would be seen.
pub(crate) fn mood(version: u64) -> u64 {
    version % 11
}

pub(crate) fn sign(version: u64) -> String {
    format!("version {version}")
}

impl Ledger {
    fn next_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    /// An entry that is going to be written. Its mark and its version.
    pub(crate) fn entry(&mut self, file: Option<u64>) -> (String, u64) {
        let version = self.next_version();
        let mark = format!("entry {version}");
        let tried = BTreeSet::from([version]);
        let (first, known, id, at, on_relay) = (version, None, None, None, None);
        let entry = Entry { first, known, tried, id, at, file, on_relay };
        self.entries.insert(mark.clone(), entry);
        (mark, version)
    }

    /// The program said that an entry is written.
    pub(crate) fn wrote(&mut self, mark: &str, id: Option<&str>, at: Option<&str>) {
        let entry = self.entries.get_mut(mark).unwrap();
        entry.known = entry.tried.pop_last();
        (entry.id, entry.at) = (id.map(str::to_owned), at.map(str::to_owned));
        self.entries_acknowledged += 1;
    }

    /// An entry to edit, of those whose id was shown, and the version that the edit writes.
    pub(crate) fn edit(&mut self, random: &mut Random) -> Option<(String, String, u64)> {
        let shown = self.entries.iter().filter_map(|(mark, entry)| {
            entry.known.and(entry.id.as_ref()).map(|id| (mark.clone(), id.clone()))
        });
        let shown: Vec<_> = shown.collect();
        let at = random.below(shown.len().max(1) as u64) as usize;
        let (mark, id) = shown.get(at)?.clone();
        let version = self.next_version();
        self.entries.get_mut(&mark).unwrap().tried.insert(version);
        Some((mark, id, version))
    }

    /// The program said that an edit is written. Older ones that were interrupted lie under it.
    pub(crate) fn edited(&mut self, mark: &str) {
        let entry = self.entries.get_mut(mark).unwrap();
        entry.known = entry.tried.pop_last();
        entry.tried.clear();
        self.edits_acknowledged += 1;
    }

    /// An item of the plan that is going to be written: its text, and its detail.
    pub(crate) fn item(&mut self) -> String {
        let mark = format!("item {}", self.next_version());
        self.items.insert(mark.clone(), false);
        mark
    }

    /// The program said that an item is written.
    pub(crate) fn added(&mut self, mark: &str) {
        self.items.insert(mark.to_owned(), true);
        self.items_acknowledged += 1;
    }

    /// A sync was completed, and nothing waits.
    pub(crate) fn synced(&mut self) {
        for entry in self.entries.values_mut() {
            entry.on_relay = entry.known;
        }
    }

    /// Compares with a timeline of the phone's. What it shows of interrupted writes is true from now
    /// on, and what it does not show never was: no process is left that could still write it.
    pub(crate) fn check(&mut self, rows: &Json) {
        let mut seen = BTreeSet::new();
        for row in rows.as_array().unwrap() {
            let mark = row["note"].as_str().unwrap();
            let entry = self.entries.get_mut(mark);
            let entry = entry.unwrap_or_else(|| panic!("nobody wrote this: {row}"));
            assert!(seen.insert(mark.to_owned()), "it is there twice: {row}");
            let version = version_of(row);
            let allowed = entry.known == Some(version) || entry.tried.contains(&version);
            assert!(allowed, "{row} is not {entry:?}");
            assert_eq!(row["edited"], json!(version != entry.first), "{row}");
            (entry.known, entry.tried) = (Some(version), BTreeSet::new());
            let id = entry.id.get_or_insert_with(|| row["id"].as_str().unwrap().to_owned());
            let at = entry.at.get_or_insert_with(|| row["at"].as_str().unwrap().to_owned());
            assert_eq!((row["id"].as_str(), row["at"].as_str()), (Some(&**id), Some(&**at)));
        }
        let (mut missing, mut broken) = (Vec::new(), BTreeSet::new());
        for (mark, entry) in self.entries.iter().filter(|(mark, _)| !seen.contains(*mark)) {
            assert_eq!(entry.known, None, "{mark} was acknowledged and is gone: {entry:?}");
            missing.push(mark.clone());
            broken.extend(entry.file);
        }
        missing.iter().for_each(|mark| drop(self.entries.remove(mark)));
        let half = self
            .entries
            .iter()
            .find(|(_, entry)| entry.file.is_some_and(|file| broken.contains(&file)));
        assert!(half.is_none(), "only a part of a file came in, {half:?} among it");
    }

    /// As [`Ledger::check`], for the plan.
    pub(crate) fn check_plan(&mut self, plan: &Json) {
        let mut seen = BTreeSet::new();
        let sections = plan["sections"].as_array().unwrap();
        for item in sections.iter().flat_map(|section| section["items"].as_array().unwrap()) {
            let mark = item["text"].as_str().unwrap();
            assert!(self.items.contains_key(mark), "nobody wrote this: {item}");
            assert!(seen.insert(mark.to_owned()), "it is there twice: {item}");
            assert_eq!(item["details"]["reach"], mark, "{item}");
        }
        for (mark, known) in &self.items {
            assert!(!known || seen.contains(mark), "{mark} was acknowledged and is gone");
        }
        self.items = seen.into_iter().map(|mark| (mark, true)).collect();
    }

    /// Whether what a restore brought back holds all that the relay had signed for.
    pub(crate) fn check_relay(&self, restored: &Json) {
        let rows = restored.as_array().unwrap().iter();
        let found: BTreeMap<_, _> =
            rows.map(|row| (row["note"].as_str().unwrap(), version_of(row))).collect();
        for (mark, entry) in &self.entries {
            let found = found.get(mark.as_str()).copied();
            // Later versions have higher numbers, and no version at all is below the first.
            assert!(found >= entry.on_relay, "{mark}: {found:?}, but {entry:?}");
        }
    }
}

/// The version of a row, of which every field has to be there.
fn version_of(row: &Json) -> u64 {
    let version = row["signs"][0].as_str().and_then(|sign| sign.strip_prefix("version "));
    let version = version.unwrap_or_else(|| panic!("half an entry: {row}")).parse().unwrap();
    assert_eq!((&row["mood"], &row["kind"]), (&json!(mood(version)), &json!("check-in")), "{row}");
    version
}
