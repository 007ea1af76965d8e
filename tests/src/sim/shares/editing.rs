//! The counsellor edits a plan, and both sides say whether they would like "opened" to be told.

use mainstay_core::care::SharedPlan;
use mainstay_core::engine::{EngineError, ShareInfo};
use mainstay_core::journal::Patch;
use mainstay_core::plan::{ItemId, PlanEdit, Section};
use rand_core::Rng;

use super::{At, COUNSELLOR, Care, Failure};

/// Where the counsellor adds, and nobody else changes anything: what was added there stays.
const ADDED_TO: Section = Section::Supports;

impl Care {
    pub(super) fn edit_a_clients_plan(&mut self) -> Result<(), Failure> {
        let Some(tie) = self.any_tie() else { return Ok(()) };
        let at = self.any(COUNSELLOR);
        let share = self.ties[tie].share;
        let view = self.ask(at, |phone, now_ms| phone.replica.shared_plan(&share, now_ms));
        let Some(view) = self.plan_if_here(at, view)? else { return Ok(()) };
        let text = format!("added {}", self.ties[tie].edits_made);
        let edit = self.plan_edit(&view.plan, &text);
        let added = matches!(edit, PlanEdit::Add { .. });
        let done =
            self.ask(at, |phone, now_ms| phone.replica.edit_shared_plan(&share, &edit, now_ms));
        let label = self.label(at);
        match done {
            Ok(()) => {}
            Err(EngineError::NotYours) if !view.may_edit => return Ok(()),
            Err(EngineError::ShareOver | EngineError::EditsWait { .. }) => return Ok(()),
            Err(error) => return Err(format!("{label}: edit in share {tie}: {error:?}")),
        }
        self.ties[tie].edits_made += 1;
        self.say(format!(
            "{label} edits the plan of share {tie}{}",
            match added {
                true => format!(": {text}"),
                false => String::new(),
            }
        ));
        if added {
            let id = self.id(at);
            self.ties[tie].added_to_plan.push((id, text));
        }
        Ok(())
    }

    /// Adds, mostly; else changes what is there.
    fn plan_edit(&mut self, plan: &SharedPlan, text: &str) -> PlanEdit {
        let open: Vec<ItemId> =
            plan.items.iter().filter(|item| item.section != ADDED_TO).map(|item| item.id).collect();
        let one = open.get(self.below(4) as usize).copied();
        match (self.below(5), one) {
            (0, Some(id)) => {
                PlanEdit::Edit { id, text: Some(format!("other {text}")), details: Patch::new() }
            }
            (1, Some(id)) => PlanEdit::Move { id, section: Section::Reasons, position: 0 },
            (2, Some(id)) => PlanEdit::Remove { id },
            _ => {
                let mut bytes = [0; 16];
                self.choices.fill_bytes(&mut bytes);
                let (id, text) = (ItemId::from_bytes(bytes), text.to_owned());
                let details = Default::default();
                PlanEdit::Add { id, section: ADDED_TO, text, details, position: None }
            }
        }
    }

    fn plan_if_here<T>(
        &self,
        at: At,
        view: Result<Option<T>, EngineError>,
    ) -> Result<Option<T>, Failure> {
        match view {
            Ok(view) => Ok(view),
            Err(
                EngineError::NoSuchShare | EngineError::ShareNotHere | EngineError::ShareExpired,
            ) => Ok(None),
            Err(error) => Err(format!("{}: a plan: {error:?}", self.label(at))),
        }
    }

    /// What the counsellor added to a plan is in it, on every device of the person's, where they could
    /// edit it all the time and nothing was lost; and nothing waits any more.
    pub(super) fn check_edits(&mut self, tie: usize) -> Result<(), Failure> {
        let (owner, share) = (self.ties[tie].owner, self.ties[tie].share);
        let gone = !self.people[owner].known.departed.is_empty();
        if !self.ties[tie].always_editable || self.harmed() || gone || self.may_be_over(tie) {
            return Ok(());
        }
        let here: Vec<u32> = self.all(COUNSELLOR).into_iter().map(|at| self.id(at)).collect();
        let added = self.ties[tie].added_to_plan.clone();
        for at in self.all(owner) {
            let plan = self.ask(at, |phone, _| phone.replica.plan());
            let there: Vec<&str> =
                plan.section(&ADDED_TO).iter().map(|item| item.text.as_str()).collect();
            let lost =
                added.iter().find(|(id, text)| here.contains(id) && !there.contains(&&text[..]));
            if let Some((_, lost)) = lost {
                let label = self.label(at);
                return Err(format!("share {tie}: {lost:?} is not in the plan of {label}"));
            }
        }
        for at in self.all(COUNSELLOR) {
            let view = self.ask(at, |phone, now_ms| phone.replica.shared_plan(&share, now_ms));
            let waiting = self.plan_if_here(at, view)?.map_or(0, |view| view.waiting);
            if waiting > 0 {
                let label = self.label(at);
                return Err(format!("share {tie}: {waiting} changes of {label} wait for ever"));
            }
        }
        Ok(())
    }

    /// Somebody asks or does not, tells or does not; or the counsellor looks.
    pub(super) fn open(&mut self) -> Result<(), Failure> {
        let Some(tie) = self.any_tie() else { return Ok(()) };
        let (owner, share) = (self.ties[tie].owner, self.ties[tie].share);
        let (kind, yes) = (self.below(4), self.chance(70));
        let at = if kind == 0 { self.any(owner) } else { self.any(COUNSELLOR) };
        let done = self.ask(at, |phone, now_ms| match kind {
            0 => {
                let Some(mut consent) = phone.replica.consent_of(&share)? else { return Ok(false) };
                consent.asks_opened = yes;
                phone.replica.set_consent(&share, &consent, now_ms).map(|()| true)
            }
            1 => phone.replica.tell_opened(&share, yes, now_ms).map(|()| true),
            _ => phone.replica.note_opened(&share, now_ms),
        });
        if self.allowed(at, "opened", done)? {
            let what = ["asks", "tells", "looks", "looks"][kind as usize];
            self.say(format!("{} {what} ({yes}) in share {tie}", self.label(at)));
        }
        Ok(())
    }

    /// Both sides see the same of who opened it when.
    pub(super) fn check_opened(
        &self,
        (by, said): (At, &ShareInfo),
        (to, heard): (At, &ShareInfo),
    ) -> Result<(), Failure> {
        let opened = |info: &ShareInfo| -> Vec<i64> {
            info.members.iter().filter_map(|member| member.opened_ms).collect()
        };
        match opened(said) == opened(heard) {
            true => Ok(()),
            false => Err(format!(
                "{} opened it at {:?}, and {} has {:?}",
                self.label(by),
                opened(said),
                self.label(to),
                opened(heard)
            )),
        }
    }
}
