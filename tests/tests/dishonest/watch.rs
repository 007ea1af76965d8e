//! A person's phones under a dishonest relay, and what must stay true of them.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;
use mainstay_core::document::Row;
use mainstay_core::engine::{Alarm, EngineError};
use mainstay_core::journal::{EntryBody, EntryId, Note, Patch, Value, When};
use mainstay_core::plan::{PlanEdit, Section};
use mainstay_core::space::epoch::EpochKey;
use mainstay_core::space::phrase::Phrase;
use mainstay_core::space::sign::AuthorKey;
use mainstay_core::space::test_kit;
use mainstay_core::sync::Local;
use mainstay_protocol::envelope::Envelope;
use mainstay_protocol::frame::{Item, Reply, Request};
use mainstay_tests::inside::Inside;
use mainstay_tests::network::{Line, Turn};
use mainstay_tests::search::Search;
use mainstay_tests::stores;
use mainstay_tests::world::{Phone, World};

pub(crate) const DAY_MS: i64 = 24 * 3600 * 1000;
/// Rounds of honest syncs within which all devices agree.
const ROUNDS: usize = 6;

pub(crate) struct Watch {
    pub(crate) world: World,
    pub(crate) phrase: Phrase,
    pub(crate) phones: Vec<Phone>,
    /// What each phone told the person.
    pub(crate) alarms: Vec<BTreeSet<Alarm>>,
    /// Everything that a device of the person wrote, entry by entry.
    written: BTreeMap<EntryId, BTreeSet<String>>,
    /// What each phone has shown so far, and what was logged on it.
    shown: Vec<BTreeSet<EntryId>>,
    own: Vec<BTreeSet<EntryId>>,
    /// What was put into the plan, and what each phone has shown of it so far.
    plan: BTreeSet<String>,
    shown_plan: Vec<BTreeSet<String>>,
    search: Search,
}

/// A line on which answers are changed.
pub(crate) fn lying(meddle: impl FnMut(&Request, Vec<Reply>) -> Vec<Reply> + 'static) -> Line {
    Line { meddle: Some(Box::new(meddle)), ..Line::default() }
}

/// A line on which the items of every answer are changed.
pub(crate) fn with_items(mut change: impl FnMut(&mut Vec<Item>) + 'static) -> Line {
    lying(move |request, mut replies| {
        for reply in &mut replies {
            if let (Request::Pull { .. }, Reply::Items { items, .. }) = (request, reply) {
                change(items);
            }
        }
        replies
    })
}

impl Watch {
    /// Two phones with three entries each, all of them on both.
    pub(crate) fn new(seed: u64) -> Self {
        let mut world = World::new(seed);
        world.received = Some(Vec::new());
        let phrase = Phrase::make(&mut world.rng);
        let first = world.phone(&phrase);
        let mut this = Self {
            world,
            phrase,
            phones: vec![first],
            alarms: vec![BTreeSet::new()],
            written: BTreeMap::new(),
            shown: vec![BTreeSet::new()],
            own: vec![BTreeSet::new()],
            plan: BTreeSet::new(),
            shown_plan: vec![BTreeSet::new()],
            search: Search::default(),
        };
        this.world.sync(&mut this.phones[0]).unwrap();
        this.link("second");
        for phone in [0, 1] {
            for n in 0..3 {
                this.log(phone, &format!("from the beginning, {phone} and {n}"));
            }
            this.add_to_plan(phone, &format!("a reason of phone {phone}"));
        }
        this.honest();
        this
    }

    /// Links another phone, honestly.
    pub(crate) fn link(&mut self, name: &str) -> usize {
        let mut new = self.world.link(&mut self.phones[0], name).unwrap();
        self.world.sync(&mut new).unwrap();
        self.add(new)
    }

    /// Watches another phone from now on.
    pub(crate) fn add(&mut self, new: Phone) -> usize {
        self.phones.push(new);
        self.alarms.push(BTreeSet::new());
        self.shown.push(BTreeSet::new());
        self.own.push(BTreeSet::new());
        self.shown_plan.push(BTreeSet::new());
        self.look_for_secrets();
        self.phones.len() - 1
    }

    /// From now on all secrets that there are at the moment are looked for.
    fn look_for_secrets(&mut self) {
        let inside = Inside::new(&self.world.relay, &self.phrase, self.world.now_ms as u64);
        let mut all = test_kit::of_phrase(&self.phrase);
        all.extend(test_kit::of_keyring(&inside.keyring));
        for phone in &self.phones {
            all.extend(test_kit::of_device(&phone.secret, &phone.replica.space(), 0));
        }
        for (name, bytes) in all {
            self.search.add(name, &bytes);
        }
    }

    pub(crate) fn log(&mut self, phone: usize, text: &str) -> EntryId {
        let at = Timestamp::from_millisecond(self.world.now_ms).unwrap();
        let body = EntryBody::Note(Note { note: Some(text.to_owned()) });
        let now_ms = self.world.now_ms;
        let when = When::exact(at, "Europe/Berlin");
        let id = self.phones[phone].replica.log(body, when, now_ms).unwrap();
        self.wrote(id, text);
        self.shown[phone].insert(id);
        self.own[phone].insert(id);
        id
    }

    pub(crate) fn edit(&mut self, phone: usize, id: EntryId, text: &str) {
        let patch = Patch::from([("note".to_owned(), Some(Value::Str(text.to_owned())))]);
        self.phones[phone].replica.edit(id, &patch, self.world.now_ms).unwrap();
        self.wrote(id, text);
    }

    pub(crate) fn add_to_plan(&mut self, phone: usize, text: &str) {
        let replica = &mut self.phones[phone].replica;
        let (id, section, details) = (replica.new_item_id(), Section::Reasons, Default::default());
        let add = PlanEdit::Add { id, section, text: text.to_owned(), details, position: None };
        replica.edit_plan(&add, self.world.now_ms).unwrap();
        self.search.add("words of the plan", text.as_bytes());
        self.plan.insert(text.to_owned());
    }

    fn wrote(&mut self, id: EntryId, text: &str) {
        self.search.add("words", text.as_bytes());
        self.written.entry(id).or_default().insert(text.to_owned());
    }

    /// A power cut: what came from others may have to come again, what was logged here may not.
    pub(crate) fn crash(&mut self, phone: usize) {
        self.world.crash(&mut self.phones[phone]).unwrap();
        self.shown[phone] = self.own[phone].clone();
        self.shown_plan[phone].clear();
        self.look();
    }

    /// One sync over a line, after which everything is looked at.
    pub(crate) fn sync(&mut self, phone: usize, mut line: Line) -> Result<Turn, EngineError> {
        let (world, at) = (&mut self.world, &mut self.phones[phone]);
        let ended = catch_unwind(AssertUnwindSafe(|| world.sync_over(at, &mut line)));
        let ended = ended.unwrap_or_else(|_| panic!("phone {phone} panicked"));
        if let Err(EngineError::BadReply { what }) = &ended {
            assert_ne!(*what, "a sync without end");
        }
        self.alarms[phone].extend(self.phones[phone].replica.take_alarms());
        self.look();
        ended
    }

    /// What holds after every step.
    pub(crate) fn look(&mut self) {
        let received = self.world.received.replace(Vec::new()).unwrap();
        assert_eq!(self.search.found_in(&received), BTreeSet::new(), "the relay was sent it");
        let kept = stores::bytes(&self.world.relay_store);
        assert_eq!(self.search.found_in(&kept), BTreeSet::new(), "the relay keeps it");
        for at in 0..self.phones.len() {
            let rows = self.rows(at);
            for row in &rows {
                let text = text(row);
                let known = self.written.get(&row.id).is_some_and(|texts| texts.contains(&text));
                assert!(known, "phone {at} shows {text:?}, which nobody wrote there");
            }
            let here: BTreeSet<EntryId> = rows.iter().map(|row| row.id).collect();
            assert!(self.shown[at].is_subset(&here), "phone {at} lost what it had shown");
            self.shown[at] = here;
            let reasons = reasons(&self.phones[at]);
            assert!(reasons.is_subset(&self.plan), "phone {at}: nobody wrote that into the plan");
            assert!(self.shown_plan[at].is_subset(&reasons), "phone {at} lost a part of the plan");
            self.shown_plan[at] = reasons;
            let status = self.phones[at].replica.status(self.world.now_ms).unwrap();
            assert!(status.on_relay <= status.entries && status.on_other_devices <= status.entries);
        }
    }

    /// The last envelope on the relay that the second phone made, and what a changed app needs to go on
    /// from there.
    pub(crate) fn to_go_on_from(&self) -> (Envelope, EpochKey, AuthorKey) {
        let phone = &self.phones[1];
        let author = phone.secret.keys(&phone.replica.space(), 0).author;
        let mut inside = Inside::new(&self.world.relay, &self.phrase, self.world.now_ms as u64);
        let all = inside.envelopes().into_iter().map(|(_, envelope)| envelope);
        let own = all.filter(|envelope| envelope.header().author == author.author_id());
        let last = own.max_by_key(|envelope| envelope.header().seq).unwrap();
        let epoch = inside.keyring.epoch(&last.header().epoch).unwrap().clone();
        (last, epoch, author)
    }

    pub(crate) fn rows(&mut self, phone: usize) -> Vec<Row> {
        self.phones[phone].replica.timeline(i64::MIN, i64::MAX).unwrap()
    }

    /// The relay is honest from now on: all phones agree, and hold all that was ever written; what they
    /// say of the relay is true.
    pub(crate) fn honest(&mut self) {
        let mut last = Vec::new();
        for _ in 0..ROUNDS {
            // What a relay once kept back although it named it is asked for again after an hour.
            self.world.now_ms += 3600 * 1000;
            last = (0..self.phones.len())
                .map(|at| self.sync(at, Line::default()).map_err(|error| format!("{error:?}")))
                .collect();
        }
        assert!(last.iter().all(|ended| *ended == Ok(Turn::Done)), "{last:?}");
        let everything: BTreeSet<EntryId> = self.written.keys().copied().collect();
        let first = self.rows(0);
        for at in 0..self.phones.len() {
            assert_eq!(self.rows(at), first, "phone {at} differs");
            assert_eq!(reasons(&self.phones[at]), self.plan, "phone {at}: another plan");
            let status = self.phones[at].replica.status(self.world.now_ms).unwrap();
            assert_eq!((status.waiting, status.on_relay), (0, status.entries), "phone {at}");
        }
        assert_eq!(first.iter().map(|row| row.id).collect::<BTreeSet<_>>(), everything);
        // Keys that came since, such as that of a new epoch.
        self.look_for_secrets();
        self.look();
        for phone in &self.phones {
            let listed = phone.replica.devices();
            let active = listed.iter().filter(|info| info.status == "active").count();
            assert_eq!(active, self.phones.len(), "nobody came in: {listed:?}");
        }
    }

    /// The same, and what the relay holds is all that there is: twelve words bring it.
    pub(crate) fn honest_to_the_last(&mut self) {
        self.honest();
        let mut new = self.world.restore(&self.phrase).unwrap();
        self.world.sync(&mut new).unwrap();
        let found = new.replica.timeline(i64::MIN, i64::MAX).unwrap();
        assert_eq!(found, self.rows(0));
        assert_eq!(reasons(&new), self.plan, "the words bring the plan too");
    }
}

/// The plan as a phone shows it.
fn reasons(phone: &Phone) -> BTreeSet<String> {
    let plan = phone.replica.plan();
    plan.section(&Section::Reasons).iter().map(|item| item.text.clone()).collect()
}

pub(crate) fn text(row: &Row) -> String {
    match row.fields.get("note") {
        Some(Value::Str(text)) => text.clone(),
        other => panic!("no note: {other:?}"),
    }
}
