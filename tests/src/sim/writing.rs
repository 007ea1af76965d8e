//! A person writes: entries and the plan.

use jiff::Timestamp;
use mainstay_core::engine::EngineError;
use mainstay_core::journal::{Entry, EntryBody, EntryId, Note, Patch, Value, When};
use mainstay_core::plan::{ItemId, PlanEdit, Section};

use super::{Failure, Sim};

const DAY_MS: i64 = 24 * 3600 * 1000;

fn when(at_ms: i64, zone: &str) -> When {
    let at = Timestamp::from_millisecond(at_ms).expect("a simulated time is in range");
    When::exact(at, zone)
}

fn note(text: String) -> EntryBody {
    EntryBody::Note(Note { note: Some(text) })
}

impl Sim {
    fn moment(&mut self) -> i64 {
        let days = match self.below(3) {
            0 => 0,
            1 => self.below(5),
            _ => self.below(90),
        };
        self.world.now_ms - i64::from(days) * DAY_MS
    }

    fn words(&mut self) -> String {
        self.names += 1;
        match self.below(12) {
            0 => format!("{} {}", self.names, "long words ".repeat(400)),
            _ => format!("words {}", self.names),
        }
    }

    pub(super) fn log(&mut self, device: usize) -> Result<(), Failure> {
        let (at, text) = (self.moment(), self.words());
        let now_ms = self.world.now_ms;
        let at = when(at, self.devices[device].zone);
        let logged = self.devices[device].phone.replica.log(note(text), at, now_ms);
        let id = logged.map_err(|e| self.failed(device, "log", &e))?;
        self.say(format!("{} logs {id}", self.devices[device].label));
        self.acknowledged(device, id)
    }

    /// An entry that a device shows.
    pub(super) fn entry_of(
        &mut self,
        device: usize,
        deleted: bool,
    ) -> Result<Option<EntryId>, Failure> {
        let replica = &mut self.devices[device].phone.replica;
        let mut rows = Vec::new();
        for month in replica.chapters() {
            rows.extend(replica.chapter_rows(month).map_err(|e| format!("rows: {e:?}"))?);
        }
        rows.retain(|row| row.deleted_at.is_some() == deleted);
        if rows.is_empty() {
            return Ok(None);
        }
        let at = self.below(rows.len() as u32) as usize;
        Ok(Some(rows[at].id))
    }

    fn patch(&mut self) -> Patch {
        Patch::from([("note".to_owned(), Some(Value::Str(self.words())))])
    }

    pub(super) fn edit(&mut self, device: usize) -> Result<(), Failure> {
        match self.entry_of(device, false)? {
            Some(id) => self.edit_entry(device, id),
            None => Ok(()),
        }
    }

    fn edit_entry(&mut self, device: usize, id: EntryId) -> Result<(), Failure> {
        let patch = self.patch();
        self.say(format!("{} edits {id}", self.devices[device].label));
        let now_ms = self.world.now_ms;
        let done = self.devices[device].phone.replica.edit(id, &patch, now_ms);
        self.done(device, id, "edit", done)
    }

    pub(super) fn done(
        &mut self,
        device: usize,
        id: EntryId,
        what: &str,
        done: Result<(), EngineError>,
    ) -> Result<(), Failure> {
        match done {
            Ok(()) => self.acknowledged(device, id),
            Err(EngineError::StillRestoring) => Ok(()),
            Err(error) => Err(self.failed(device, what, &error)),
        }
    }

    /// The same entry is changed on two devices.
    pub(super) fn edit_twice(&mut self) -> Result<(), Failure> {
        let (a, b) = (self.any(), self.any());
        let Some(id) = self.entry_of(a, false)? else { return Ok(()) };
        self.edit_entry(a, id)?;
        if self.devices[b].phone.replica.row_of(&id).is_ok() {
            self.edit_entry(b, id)?;
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, device: usize) -> Result<(), Failure> {
        let Some(id) = self.entry_of(device, false)? else { return Ok(()) };
        self.say(format!("{} deletes {id}", self.devices[device].label));
        let now_ms = self.world.now_ms;
        let done = self.devices[device].phone.replica.delete(id, now_ms);
        // Timers run by two clocks, of which the relay's is right: the time that passed is the true one.
        self.known.deleted.entry(id).or_insert(now_ms - self.ahead_ms);
        self.done(device, id, "delete", done)
    }

    pub(super) fn bring_back(&mut self, device: usize) -> Result<(), Failure> {
        let Some(id) = self.entry_of(device, true)? else { return Ok(()) };
        self.say(format!("{} brings {id} back", self.devices[device].label));
        let now_ms = self.world.now_ms;
        let done = self.devices[device].phone.replica.restore_deleted(id, now_ms);
        self.done(device, id, "bring back", done)
    }

    pub(super) fn forget(&mut self, device: usize) -> Result<(), Failure> {
        let deleted = self.chance(50);
        let Some(id) = self.entry_of(device, deleted)? else { return Ok(()) };
        self.say(format!("{} forgets {id}", self.devices[device].label));
        let now_ms = self.world.now_ms;
        let done = self.devices[device].phone.replica.forget(id, now_ms);
        done.map_err(|e| self.failed(device, "forget", &e))?;
        self.known.forgotten.insert(id);
        let by = self.devices[device].id;
        self.known.forgettings.push((id, by, self.known.operations.len()));
        Ok(())
    }

    pub(super) fn import(&mut self, device: usize) -> Result<(), Failure> {
        let count = 5 + self.below(90);
        self.say(format!("{} imports {count} entries", self.devices[device].label));
        let (base, zone) = (self.moment(), self.devices[device].zone);
        let mut entries = Vec::new();
        for n in 0..count {
            let at = when(base - i64::from(n) * DAY_MS / 4, zone);
            let text = self.words();
            let id = EntryId::make(at.month(), &mut self.world.rng);
            let created = Timestamp::from_millisecond(self.world.now_ms).expect("in range");
            entries.push(Entry::typed(id, note(text), at, created));
        }
        let now_ms = self.world.now_ms;
        let imported = self.devices[device].phone.replica.import(&entries, now_ms);
        let imported = imported.map_err(|e| self.failed(device, "import", &e))?;
        if imported.added != entries.len() {
            return Err(format!("{imported:?} of {count} entries"));
        }
        entries.iter().try_for_each(|entry| self.acknowledged(device, entry.id))
    }

    pub(super) fn edit_plan(&mut self, device: usize) -> Result<(), Failure> {
        let text = self.words();
        let position = self.below(4) as usize;
        let kind = self.below(4);
        let replica = &mut self.devices[device].phone.replica;
        let items: Vec<ItemId> = [Section::Reasons, Section::CopingSkills]
            .iter()
            .flat_map(|section| replica.plan().section(section).to_vec())
            .map(|item| item.id)
            .collect();
        let one = items.get(position % items.len().max(1)).copied();
        let edit = match (kind, one) {
            (1, Some(id)) => PlanEdit::Edit { id, text: Some(text), details: Patch::new() },
            (2, Some(id)) => PlanEdit::Move { id, section: Section::CopingSkills, position },
            (3, Some(id)) => PlanEdit::Remove { id },
            _ => {
                let (id, section) = (replica.new_item_id(), Section::Reasons);
                PlanEdit::Add { id, section, text, details: Default::default(), position: None }
            }
        };
        let now_ms = self.world.now_ms;
        let done = replica.edit_plan(&edit, now_ms);
        self.say(format!("{} changes the plan", self.devices[device].label));
        done.map_err(|e| self.failed(device, "plan", &e))?;
        self.acknowledged_plan(device)
    }
}
