//! Random journals under random consents: what the counsellor's device gets is what the preview shows,
//! and in all that it can open there is no word that was not given.

use jiff::Timestamp;
use mainstay_core::care::{Choice, SharedBody, SharedRecord};
use mainstay_core::journal::{
    CheckIn, ContactAttempt, EntryBody, EntryId, Meeting, Note, Patch, Urge, UseEpisode, Value,
    When,
};
use mainstay_protocol::envelope::Envelope;
use mainstay_tests::sharing::{consent, previewed};
use mainstay_tests::world::Phone;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::kit::{DAY_MS, Pair, pair};

/// Worlds, and consents in each: a thousand journals under a thousand consents.
const WORLDS: u64 = 50;
const CONSENTS: usize = 20;

/// A word that stands in one field of one version of one entry, and nowhere else.
struct Canary {
    word: String,
    entry: EntryId,
}

struct Play {
    p: Pair,
    rng: ChaCha20Rng,
    entries: Vec<EntryId>,
    canaries: Vec<Canary>,
}

impl Play {
    fn new(seed: u64) -> Self {
        let p = pair(1000 + seed, "notes:full");
        let rng = ChaCha20Rng::seed_from_u64(seed);
        Self { p, rng, entries: Vec::new(), canaries: Vec::new() }
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.rng.next_u32() % bound
    }

    /// A new word for an entry; the ids of entries that are not made yet come later.
    fn word(&mut self) -> String {
        format!("canary{:016x}", self.rng.next_u64())
    }

    fn log(&mut self) {
        let (a, b) = (self.word(), self.word());
        let number = Some((self.below(10) + 1) as u8);
        let (note, other) = (Some(a.clone()), Some(b.clone()));
        let own = Some(vec![b.clone()]);
        let body = match self.below(6) {
            0 => {
                EntryBody::CheckIn(CheckIn { mood: number, signs: own, note, ..CheckIn::default() })
            }
            1 => EntryBody::Urge(Urge {
                intensity: number,
                thoughts: note,
                triggers: own,
                ..Urge::default()
            }),
            2 => EntryBody::UseEpisode(UseEpisode { note, substance: other, ..Default::default() }),
            3 => {
                EntryBody::ContactAttempt(ContactAttempt { who: other, note, ..Default::default() })
            }
            4 => EntryBody::Meeting(Meeting { place: other, note, ..Meeting::default() }),
            _ => EntryBody::Note(Note { note }),
        };
        let days = self.below(60);
        let at_ms = self.p.world.now_ms - i64::from(days) * DAY_MS;
        let when = When::exact(Timestamp::from_millisecond(at_ms).unwrap(), "Europe/Berlin");
        let id = self.p.phone.replica.log(body, when, self.p.world.now_ms).unwrap();
        self.entries.push(id);
        self.canaries.extend([a, b].map(|word| Canary { word, entry: id }));
    }

    fn edit(&mut self) {
        let Some(id) = self.one() else { return };
        let word = self.word();
        let patch = Patch::from([("note".to_owned(), Some(Value::Str(word.clone())))]);
        if self.p.phone.replica.edit(id, &patch, self.p.world.now_ms).is_ok() {
            self.canaries.push(Canary { word, entry: id });
        }
    }

    fn one(&mut self) -> Option<EntryId> {
        let at = self.below(self.entries.len().max(1) as u32) as usize;
        self.entries.get(at).copied()
    }

    /// Some of everything that a person does between two syncs.
    fn live(&mut self) {
        for _ in 0..3 + self.below(6) {
            self.log();
        }
        for _ in 0..self.below(6) {
            self.edit();
        }
        let now_ms = self.p.world.now_ms;
        for _ in 0..self.below(3) {
            if let Some(id) = self.one() {
                let _ = self.p.phone.replica.delete(id, now_ms);
            }
        }
        if self.below(4) == 0
            && let Some(id) = self.one()
        {
            let _ = self.p.phone.replica.forget(id, now_ms);
        }
        for _ in 0..self.below(3) {
            let choice = [Choice::Hidden, Choice::Added, Choice::Rule][self.below(3) as usize];
            if let Some(id) = self.one() {
                self.p.phone.replica.choose(&self.p.share, &id, choice, now_ms).unwrap();
            }
        }
    }

    fn consent(&mut self) {
        let mut parts = Vec::new();
        for class in ["check-ins", "urges", "use", "contacts", "meetings", "notes"] {
            match self.below(6) {
                0 => {}
                1 => parts.push(format!("{class}:count")),
                2 => parts.push(format!("{class}:numbers")),
                3 => parts.push(format!("{class}:items")),
                _ => parts.push(format!("{class}:full")),
            }
        }
        if parts.is_empty() {
            parts.push("notes:count".to_owned());
        }
        let before = self.p.phone.replica.consent_of(&self.p.share).unwrap().unwrap();
        let mut new = consent("Ana", &parts.join(","), self.p.world.now_ms);
        new.recipient = before.recipient.clone();
        new.delay_hours = [0, 0, 24][self.below(3) as usize];
        let new = new.following(&before);
        self.p.phone.replica.set_consent(&self.p.share, &new, self.p.world.now_ms).unwrap();
    }

    /// Both sides sync. Whatever came to the counsellor is opened, and searched for words that no
    /// preview showed since the last time.
    fn check(&mut self) -> Result<(), String> {
        let now_ms = self.p.world.now_ms;
        let shown = previewed(&mut self.p.phone, &self.p.share, now_ms).unwrap();
        let given = text_of(&shown);
        self.p.world.sync_all(&mut self.p.phone).unwrap();
        let came = self.p.world.sync_all(&mut self.p.laptop).unwrap();
        assert!(came.failed.is_empty(), "{:?}", came.failed);
        let held = entries(&mut self.p.laptop, &self.p.share, now_ms);
        if held != shown {
            return Err(format!("{} shown, {} held", shown.len(), held.len()));
        }
        for (share, bytes) in &came.came {
            let envelope = Envelope::from_bytes(bytes).unwrap();
            let opened = self.p.laptop.replica.open_shared(share, &envelope).unwrap();
            let Some(plain) = opened else { continue };
            let record = SharedRecord::from_bytes(&plain).unwrap();
            let said = everything(&record);
            for canary in &self.canaries {
                if said.contains(&canary.word) && !given.contains(&canary.word) {
                    return Err(format!("a word of {} that was not given", canary.entry));
                }
            }
        }
        Ok(())
    }
}

/// The entries that a device holds of a share, as the preview has them.
fn entries(
    device: &mut Phone,
    share: &mainstay_protocol::ids::SpaceId,
    now_ms: i64,
) -> Vec<SharedRecord> {
    mainstay_tests::sharing::seen(device, share, now_ms).unwrap()
}

fn text_of(records: &[SharedRecord]) -> String {
    records.iter().map(everything).collect()
}

/// Every word of a record.
fn everything(record: &SharedRecord) -> String {
    match &record.body {
        SharedBody::Entry(entry) => {
            let fields = entry.fields.iter().map(|(name, value)| {
                format!("{name}={}\n", serde_json::Value::from(value.clone()))
            });
            format!("{} {} {}", entry.kind, entry.at, fields.collect::<String>())
        }
        _ => String::new(),
    }
}

#[test]
fn a_thousand_journals_under_a_thousand_consents_show_what_the_preview_shows_and_no_word_more() {
    std::thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || {
                for seed in (0..WORLDS).filter(|seed| seed % 2 == half) {
                    let mut play = Play::new(seed);
                    for round in 0..CONSENTS {
                        play.consent();
                        play.live();
                        let checked = play.check();
                        assert!(checked.is_ok(), "world {seed}, consent {round}: {checked:?}");
                        play.p.world.now_ms += i64::from(play.below(3)) * DAY_MS;
                    }
                }
            });
        }
    });
}

#[test]
fn the_search_finds_a_word_that_was_shared_without_being_shown() {
    let mut play = Play::new(7);
    play.log();
    let id = play.entries[0];
    play.p.phone.replica.choose(&play.p.share, &id, Choice::Added, play.p.world.now_ms).unwrap();
    play.p.world.sync_all(&mut play.p.phone).unwrap();
    // Hidden in the preview, and on the relay already: that is what the search is for.
    play.p.phone.replica.choose(&play.p.share, &id, Choice::Hidden, play.p.world.now_ms).unwrap();
    let came = play.p.world.sync_all(&mut play.p.laptop).unwrap();
    let share = play.p.share;
    let found = came.came.iter().any(|(_, bytes)| {
        let envelope = Envelope::from_bytes(bytes).unwrap();
        let plain = play.p.laptop.replica.open_shared(&share, &envelope).unwrap();
        let record = plain.map(|plain| SharedRecord::from_bytes(&plain).unwrap());
        record.is_some_and(|record| {
            play.canaries.iter().any(|canary| everything(&record).contains(&canary.word))
        })
    });
    assert!(found);
}
