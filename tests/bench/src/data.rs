//! A person's journal, made up from a seed: ten entries a day, one in twenty edited later.

use jiff::Timestamp;
use mainstay_core::document::Row;
use mainstay_core::journal::{
    CheckIn, ContactAttempt, Entry, EntryBody, EntryId, Meeting, Note, Urge, UseEpisode, Value,
    When,
};
use mainstay_core::ndjson;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

const PER_DAY: u32 = 10;
/// One in so many entries is edited.
const EDITED: u32 = 20;
pub(crate) const DAY_MS: i64 = 24 * 3600 * 1000;
const ZONE: &str = "Europe/Berlin";

/// The words of the notes. About a third of the choices fall on the first sixth.
const WORDS: &str = "I the and to a of it was in me my but not that today with he she so for on at \
after then again still went called said felt slept walked worked cooked thought remembered wanted \
waited stayed left came back home alone together morning evening night lunch kitchen bus station \
office bridge river garden shop corner door phone message sister brother mother father friend \
sponsor group meeting chair coffee tea water soup bread rain snow sun wind cold warm tired angry \
quiet loud calm afraid proud ashamed glad lonely hungry better worse hard easy long short late \
early nothing something everything nobody somebody always never sometimes maybe really almost \
stress money rent letter doctor appointment tablets dose craving urge bottle bar advert smell song \
argument apology promise plan list step breath shower run stretch puzzle book page radio film \
breathing counting writing listening talking asking helping laughing crying shaking sleeping \
because before until while without instead around between behind under over through every one two \
three ten minutes hours days weeks month year first last next same other new old good bad small";

pub(crate) struct Journal {
    pub(crate) years: u32,
    /// Oldest first.
    pub(crate) entries: Vec<Entry>,
    /// Entries that are edited after they were all put in, with their new notes.
    pub(crate) edits: Vec<(usize, String)>,
    /// The end of the last day.
    pub(crate) now_ms: i64,
}

impl Journal {
    /// The journal that ends now.
    pub(crate) fn generate(years: u32, seed: u64) -> Self {
        let mut maker = Maker::new(seed);
        let now_ms = Timestamp::now().as_millisecond();
        let mut entries = Vec::new();
        for day in (1..=i64::from(years) * 365).rev() {
            let mut at: Vec<i64> = (0..PER_DAY)
                .map(|_| now_ms - day * DAY_MS + i64::from(maker.below(DAY_MS as u32)))
                .collect();
            at.sort_unstable();
            entries.extend(at.into_iter().map(|at| maker.entry(at)));
        }
        let count = entries.len();
        let edits = (0..count)
            .filter(|_| maker.below(EDITED) == 0)
            .collect::<Vec<_>>()
            .into_iter()
            .map(|at| (at, maker.note()))
            .collect();
        Self { years, entries, edits, now_ms }
    }

    /// The last 30 days, both ends included.
    pub(crate) fn last_month(&self) -> (i64, i64) {
        (self.now_ms - 30 * DAY_MS, self.now_ms)
    }
}

/// An entry as one line of JSON, as an export holds it.
pub(crate) fn line(entry: &Entry) -> String {
    ndjson::to_line(&Row {
        id: entry.id,
        fields: entry.to_fields(),
        heads_digest: [0; 16],
        deleted_at: None,
        conflicted: false,
        edited: false,
    })
}

/// An entry with another note.
pub(crate) fn edited(entry: &Entry, note: &str) -> String {
    let mut fields = entry.to_fields();
    fields.insert("note".to_owned(), Value::Str(note.to_owned()));
    ndjson::to_line(&Row {
        id: entry.id,
        fields,
        heads_digest: [0; 16],
        deleted_at: None,
        conflicted: false,
        edited: true,
    })
}

/// Makes entries.
pub(crate) struct Maker {
    rng: ChaCha8Rng,
    words: Vec<&'static str>,
}

impl Maker {
    pub(crate) fn new(seed: u64) -> Self {
        let words = WORDS.split_ascii_whitespace().collect();
        Self { rng: ChaCha8Rng::seed_from_u64(seed), words }
    }

    /// An entry of this moment (Unix milliseconds), written down two minutes later.
    pub(crate) fn entry(&mut self, at_ms: i64) -> Entry {
        let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let later = Timestamp::from_millisecond(at_ms + 120_000).unwrap_or(at);
        let when = When::exact(at, ZONE);
        let id = EntryId::make(when.month(), &mut self.rng);
        Entry::typed(id, self.body(), when, later)
    }

    /// What a person logs: check-ins most of all.
    pub(crate) fn body(&mut self) -> EntryBody {
        match self.below(20) {
            0..8 => EntryBody::CheckIn(CheckIn {
                mood: Some(self.up_to(10)),
                craving: Some(self.up_to(10)),
                stress: Some(self.up_to(10)),
                sleep_hours: Some(f64::from(self.below(40)) / 4.0),
                hungry: Some(self.below(2) == 0),
                tired: Some(self.below(2) == 0),
                note: self.maybe_note(),
                ..CheckIn::default()
            }),
            8..12 => EntryBody::Urge(Urge {
                intensity: Some(self.up_to(100)),
                duration_minutes: Some(self.below(90) + 1),
                setting: Some(self.text(3)),
                triggers: Some(vec![self.text(1), self.text(2)]),
                coping: Some(vec![self.text(1)]),
                outcome: Some(["passed", "passed-with-help"][self.below(2) as usize].into()),
                note: self.maybe_note(),
                ..Urge::default()
            }),
            12..14 => EntryBody::ContactAttempt(ContactAttempt {
                who: Some(self.text(1)),
                channel: Some(["call", "text", "in-person"][self.below(3) as usize].into()),
                outcome: Some(["reached", "no-answer"][self.below(2) as usize].into()),
                note: self.maybe_note(),
                ..ContactAttempt::default()
            }),
            14..16 => EntryBody::Meeting(Meeting {
                meeting: Some(["mutual-help", "online"][self.below(2) as usize].into()),
                attendance: Some("attended".into()),
                place: Some(self.text(2)),
                note: self.maybe_note(),
            }),
            16 if self.below(4) == 0 => EntryBody::UseEpisode(UseEpisode {
                substance: Some("alcohol".to_owned()),
                amount: Some(self.text(3)),
                guilt: Some(self.up_to(10)),
                after_thought: Some(self.text(12)),
                personal_label: Some("slip".into()),
                note: self.maybe_note(),
                ..UseEpisode::default()
            }),
            _ => EntryBody::Note(Note { note: Some(self.note()) }),
        }
    }

    /// A note: a sentence mostly, a page sometimes.
    pub(crate) fn note(&mut self) -> String {
        let words = match self.below(20) {
            0 => 120 + self.below(120),
            1..5 => 30 + self.below(40),
            _ => 5 + self.below(20),
        };
        self.text(words)
    }

    fn maybe_note(&mut self) -> Option<String> {
        (self.below(2) == 0).then(|| self.note())
    }

    fn text(&mut self, words: u32) -> String {
        let count = self.words.len() as u32;
        let picked: Vec<&str> = (0..words)
            .map(|_| {
                let among = if self.below(3) == 0 { count / 6 } else { count };
                let at = self.below(among) as usize;
                self.words[at]
            })
            .collect();
        picked.join(" ")
    }

    fn up_to(&mut self, most: u32) -> u8 {
        self.below(most + 1) as u8
    }

    fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.rng.next_u32()) * u64::from(bound)) >> 32) as u32
    }
}
