//! A plan that both sides edit (decision 14). The counsellor's changes come as records of theirs; the
//! owner's devices take them into the plan, in the version in which they were made, and say so with
//! the plan's next projection.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use mainstay_protocol::codec;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::{AuthorId, MemberId, SlotId, SpaceId};

use super::read::OWNER_SIDE;
use super::register::{Register, SideId};
use super::side::Side;
use super::{Replica, Share};
use crate::care::{
    CareLimits, Consent, Editing, PlanDetail, PlanEdits, RecordId, SharedBody, SharedPlan,
    SharedRecord, Taken, WrittenEdit, project_plan,
};
use crate::document::{Heads, MAX_DOC_BYTES, PlanDoc};
use crate::engine::error::EngineError;
use crate::engine::replica::open::{PLAN, meta};
use crate::plan::PlanEdit;

/// Where a counsellor's changes lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(super) struct EditsPlace {
    #[cbor(n(0), with = "minicbor::bytes")]
    side: SideId,
    #[n(1)]
    slot: SlotId,
}

/// A plan that is shared, as it reads for this person.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedPlanView {
    /// The plan, with this person's own changes in it.
    pub plan: SharedPlan,
    /// Whether this person may edit it.
    pub may_edit: bool,
    /// This person's changes that the other side has not taken in yet.
    pub waiting: u64,
    /// Those of the last changes that the plan did not take: what they change is not there any more.
    pub refused: u64,
}

/// The plan with what counsellors changed in it, and how far that was looked at.
struct Looked {
    plan: PlanDoc,
    taken: Vec<Taken>,
}

impl Side<'_> {
    /// Notes, on the owner's side, where changes wait. Each device has one place for them: who fills
    /// others gets none of them looked at.
    pub(super) fn note_edits(
        &mut self,
        (side, slot): (SideId, SlotId),
        author: &AuthorId,
        record: &SharedRecord,
    ) {
        let SharedBody::Edits(edits) = &record.body else { return };
        let place = EditsPlace { side, slot };
        let waits = !edits.edits.is_empty()
            && self.share.owns()
            && record.id == Share::edits_record(author);
        let places = &mut self.share.view.edits;
        places.retain(|known| *known != place);
        places.extend(Some(place).filter(|_| waits));
    }

    /// What of the plan is to be said under a consent: with what counsellors changed in it, if they
    /// may.
    pub(super) fn plan_under(
        &self,
        consent: &Consent,
        now_ms: i64,
    ) -> Result<Option<SharedPlan>, EngineError> {
        if consent.scope.plan() != Some(PlanDetail::Edit) {
            return Ok(project_plan(&self.journal.plan(), consent, now_ms));
        }
        let looked = self.look_at_edits(consent)?;
        let shared = project_plan(&looked.plan.plan(), consent, now_ms);
        let stands = self.standing_plan()?.and_then(|plan| plan.editing);
        let stood = stands.as_ref().map_or(&[][..], |editing| &editing.taken);
        // A counsellor lets go of what was taken in: only of what this phone alone does not hold.
        let mut taken = match self.journal.keys_wait()? {
            true => stood.to_vec(),
            false => looked.taken,
        };
        // What nobody waits for any more may stand until the plan is said anew.
        if taken.iter().all(|now| stood.contains(now)) {
            taken = stood.to_vec();
        }
        Ok(shared.map(|shared| {
            let version = stands.map_or_else(|| Vec::new().into(), |editing| editing.version);
            SharedPlan { editing: Some(Editing { version, taken }), ..shared }
        }))
    }

    /// Takes what counsellors changed into the plan, durably.
    pub(super) fn take_edits(&mut self, consent: &Consent) -> Result<(), EngineError> {
        if consent.scope.plan() != Some(PlanDetail::Edit) || self.share.view.edits.is_empty() {
            return Ok(());
        }
        let looked = self.look_at_edits(consent)?;
        let before = self.journal.plan.heads();
        if looked.plan.heads() == before {
            return Ok(());
        }
        let mut tx = self.journal.tx();
        tx.put_bytes(&meta(&self.journal.vault, PLAN), &looked.plan.save())?;
        self.journal.mark_plan_pending(&mut tx, &before)?;
        tx.commit(&mut *self.journal.rng)?;
        self.journal.plan = looked.plan;
        self.journal.revision += 1;
        Ok(())
    }

    /// A name for the version of the plan that is said now.
    pub(super) fn plan_version(&mut self) -> ByteVec {
        let heads = codec::encode(&self.journal.plan.heads());
        self.share.namer().seal_version(&mut *self.journal.rng, &heads).into()
    }

    /// What makes the plan, and with it everything that is kept about shares, too large to go on with
    /// is refused as a whole, and keeps nothing else back: a counsellor cannot fill the document in which
    /// the person would say that it is over.
    fn look_at_edits(&self, consent: &Consent) -> Result<Looked, EngineError> {
        let mut looked = Looked { plan: self.journal.plan.clone(), taken: Vec::new() };
        let stands = self.standing_plan()?.and_then(|plan| plan.editing);
        for place in &self.share.view.edits {
            let Some((record, edits)) = self.edits_at(place)? else { continue };
            let done = stands.iter().flat_map(|now| &now.taken);
            if let Some(done) =
                done.into_iter().find(|t| t.record == record && t.last >= edits.last())
            {
                // Its counsellor has not heard of it yet.
                looked.taken.push(done.clone());
                continue;
            }
            let namer = self.share.namer();
            let heads = namer.open_version(&edits.base);
            let heads: Option<Heads> = heads.and_then(|bytes| codec::decode(&bytes).ok());
            let refused = match heads {
                Some(heads) => {
                    let known = self.journal.plan.has_all(&heads);
                    if !known && stands.as_ref().is_some_and(|now| now.version == edits.base) {
                        // The device that said this version is about to bring it.
                        continue;
                    }
                    let changes: Vec<(PlanEdit, i64)> =
                        edits.edits.iter().map(|w| (w.edit.clone(), w.at_ms)).collect();
                    let mut plan = looked.plan.clone();
                    let took = plan.take_edits(&heads, &changes, record.as_bytes());
                    let same = plan.heads() == looked.plan.heads();
                    match took.ok().filter(|_| same || has_room(&plan, consent)) {
                        Some(took) => {
                            looked.plan = plan;
                            let refused = (edits.first..).zip(took).filter(|(_, took)| !took);
                            refused.map(|(number, _)| number).collect()
                        }
                        None => (edits.first..=edits.last()).collect(),
                    }
                }
                // No version that this person's devices ever named.
                None => (edits.first..=edits.last()).collect(),
            };
            looked.taken.push(Taken { record, last: edits.last(), refused });
        }
        Ok(looked)
    }

    /// The changes that wait in a place, of a member who is in.
    fn edits_at(&self, place: &EditsPlace) -> Result<Option<(RecordId, PlanEdits)>, EngineError> {
        if !self.share.readers().contains(&MemberId(place.side)) {
            return Ok(None);
        }
        let tx = self.journal.tx();
        let register = self.journal.register(&tx, &self.share.id, (&place.side, &place.slot))?;
        let record = register.and_then(|register| register.record());
        Ok(record.and_then(|record| match record.body {
            SharedBody::Edits(edits) => Some((record.id, edits)),
            _ => None,
        }))
    }

    /// What this person's devices said of the plan last.
    fn standing_plan(&self) -> Result<Option<SharedPlan>, EngineError> {
        let slot = self.share.slot_of(&self.share.plan_record());
        let tx = self.journal.tx();
        let stands = self.journal.register(&tx, &self.share.id, (&OWNER_SIDE, &slot))?;
        Ok(stands.and_then(|register| plan_in(&register)))
    }

    /// Takes back this member's changes that the other side has taken in: their words are in the
    /// plan, and are not to stay beside it.
    pub(super) fn take_edits_back(&mut self) -> Result<(), EngineError> {
        if self.share.owns() {
            return Ok(());
        }
        let mut tx = self.journal.tx();
        let open = self.share.may_edit_plan();
        let (plan, mine) = self.journal.plan_registers(self.share)?;
        let editing = plan.and_then(|plan| plan.editing);
        for mut register in mine {
            let Some((record, edits)) = edits_in(&register) else { continue };
            if !self.share.takes_back(&record.id) {
                continue;
            }
            let done = editing.as_ref().is_some_and(|e| taken_upto(e, &record.id) >= edits.last());
            if edits.edits.is_empty() || (open && !done) {
                continue;
            }
            let (base, first) = (Vec::new().into(), edits.last() + 1);
            let body = SharedBody::Edits(PlanEdits { base, first, edits: Vec::new() });
            let counter = (record.counter + 1).min(CareLimits::COUNTER_MAX);
            let gone = SharedRecord { id: record.id, counter, body };
            register.pending = Some(gone.to_bytes()?.into());
            self.journal.put_register(&mut tx, &self.share.id, &register)?;
        }
        tx.commit_lazily(&mut *self.journal.rng)
    }
}

impl Share {
    /// Whether the consent that the list holds lets a counsellor edit the plan.
    fn may_edit_plan(&self) -> bool {
        let given = self.given();
        given.is_some_and(|consent| consent.scope.plan() == Some(PlanDetail::Edit))
    }

    /// Whether it is for this device to take back what stands in a place: its own, or one whose device is
    /// out. What another device writes there meanwhile nobody else may cover.
    fn takes_back(&self, record: &RecordId) -> bool {
        let authors = self.roster.state().share.iter().flat_map(|share| share.authors.iter());
        let mut others = authors.filter(|(author, state)| {
            state.member == self.me.member && state.ended.is_none() && **author != self.author()
        });
        !others.any(|(author, _)| Self::edits_record(author) == *record)
    }

    /// The record of a device's changes of the plan.
    fn edits_record(author: &AuthorId) -> RecordId {
        let name = Hash::of("plan edits", &[author.as_bytes()]).0;
        let (id, _) = name.split_first_chunk().expect("a hash has 32 bytes");
        RecordId::from_bytes(*id)
    }
}

impl Replica {
    /// The plan of a share, as this person sees it: their own, or a client's with their own changes in
    /// it. `None` where it is not shared.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`]; [`EngineError::ShareExpired`] for a reader after the consent has
    /// ended.
    pub fn shared_plan(
        &mut self,
        id: &SpaceId,
        now_ms: i64,
    ) -> Result<Option<SharedPlanView>, EngineError> {
        if self.with_share(id, |_, share| Ok(share.owns()))? {
            let (_, plan) = self.preview(id, now_ms)?;
            let view = |plan| SharedPlanView { plan, may_edit: false, waiting: 0, refused: 0 };
            return Ok(plan.map(view));
        }
        self.with_share(id, |journal, share| journal.plan_view_of(share, now_ms))
    }

    /// Changes a client's plan, where the consent lets this person. It goes out with the next sync, and
    /// is in the plan once the client's phone has synced. Durable on return.
    ///
    /// # Errors
    /// [`EngineError::NotYours`] where the consent does not say so; [`EngineError::Plan`] when the plan
    /// does not take the change; [`EngineError::EditsWait`] when too many wait;
    /// [`EngineError::NoSuchShare`], [`EngineError::ShareOver`], [`EngineError::ShareExpired`].
    pub fn edit_shared_plan(
        &mut self,
        id: &SpaceId,
        edit: &PlanEdit,
        now_ms: i64,
    ) -> Result<(), EngineError> {
        self.with_share(id, |journal, share| {
            if share.book.ended_ms.is_some() || !share.is_in() {
                return Err(EngineError::ShareOver);
            }
            let view = journal.plan_view_of(share, now_ms)?;
            let view = view.filter(|view| view.may_edit).ok_or(EngineError::NotYours)?;
            if matches!(edit, PlanEdit::Restore { .. }) {
                return Err(EngineError::NotYours);
            }
            view.plan.check(edit)?;
            let (plan, _) = journal.plan_registers(share)?;
            let editing = plan.and_then(|plan| plan.editing).ok_or(EngineError::NotYours)?;
            let id = Share::edits_record(&share.author());
            let slot = share.slot_of(&id);
            let mut tx = journal.tx();
            let place = (&share.my_side(), &slot);
            let found = journal.register(&tx, &share.id, place)?;
            let mut register = found.unwrap_or_else(|| Register::new(slot, share.my_side()));
            let stands = edits_in(&register);
            let counter = stands.as_ref().map_or(0, |(record, _)| record.counter) + 1;
            let edits = stands.map(|(_, edits)| edits).filter(|edits| !edits.edits.is_empty());
            let first = stood_last(&register) + 1;
            let none = || PlanEdits { base: editing.version.clone(), first, edits: Vec::new() };
            let edits = edits.unwrap_or_else(none);
            let written = WrittenEdit { edit: edit.clone(), at_ms: now_ms };
            let edits = edits.with(written, sent_last(&register));
            if edits.edits.len() > CareLimits::EDITS_MAX {
                return Err(EngineError::EditsWait { max: CareLimits::EDITS_MAX });
            }
            let record = SharedRecord { id, counter, body: SharedBody::Edits(edits) };
            register.pending = Some(record.to_bytes()?.into());
            journal.put_register(&mut tx, &share.id, &register)?;
            journal.revision += 1;
            tx.commit(&mut *journal.rng)
        })
    }

    fn plan_view_of(
        &mut self,
        share: &Share,
        now_ms: i64,
    ) -> Result<Option<SharedPlanView>, EngineError> {
        if share.state()?.has_expired(u64::try_from(now_ms).unwrap_or(0)) {
            return Err(EngineError::ShareExpired);
        }
        let (plan, mine) = self.plan_registers(share)?;
        let Some(plan) = plan else { return Ok(None) };
        let may_edit = share.may_edit_plan() && plan.editing.is_some();
        let none = Editing { version: Vec::new().into(), taken: Vec::new() };
        let editing = plan.editing.clone().unwrap_or(none);
        let (mut open, mut refused) = (Vec::new(), 0);
        for (record, edits) in mine.iter().filter_map(edits_in) {
            let upto = taken_upto(&editing, &record.id);
            let numbered = (edits.first..).zip(edits.edits);
            open.extend(numbered.filter(|(n, _)| *n > upto).map(|(_, written)| written.edit));
            let taken = editing.taken.iter().filter(|taken| taken.record == record.id);
            refused += taken.map(|taken| taken.refused.len() as u64).sum::<u64>();
        }
        let open = if may_edit { open } else { Vec::new() };
        let plan = SharedPlan { editing: None, ..plan.with_edits(&open) };
        Ok(Some(SharedPlanView { plan, may_edit, waiting: open.len() as u64, refused }))
    }

    /// What stands of the owner's plan, and the registers of this member's changes.
    fn plan_registers(
        &self,
        share: &Share,
    ) -> Result<(Option<SharedPlan>, Vec<Register>), EngineError> {
        let (mut plan, mut mine) = (None, Vec::new());
        self.each_register(&share.id, &mut |register| {
            if register.side == OWNER_SIDE {
                plan = plan_in(&register).or(plan.take());
            } else if register.side == share.my_side() && edits_in(&register).is_some() {
                mine.push(register);
            }
            Ok(std::ops::ControlFlow::Continue(()))
        })?;
        Ok((plan, mine))
    }
}

/// Whether the person's own changes still fit in, and the plan into one record.
fn has_room(plan: &PlanDoc, consent: &Consent) -> bool {
    let shared = project_plan(&plan.plan(), consent, consent.granted_at_ms);
    let record = |plan| SharedRecord {
        id: RecordId::from_bytes([0; 16]),
        counter: 1,
        body: SharedBody::Plan(plan),
    };
    plan.save().len() <= MAX_DOC_BYTES / 2
        && shared.is_some_and(|plan| record(plan).to_bytes().is_ok())
}

fn plan_in(register: &Register) -> Option<SharedPlan> {
    match register.record()?.body {
        SharedBody::Plan(plan) => Some(plan),
        _ => None,
    }
}

/// The changes that a register holds, those that no envelope holds yet among them.
fn edits_in(register: &Register) -> Option<(SharedRecord, PlanEdits)> {
    let pending = register.pending.as_ref().and_then(|bytes| SharedRecord::from_bytes(bytes).ok());
    let record = pending.or_else(|| register.record())?;
    match &record.body {
        SharedBody::Edits(edits) => Some((record.clone(), edits.clone())),
        _ => None,
    }
}

/// The number of the last change that an envelope holds.
fn sent_last(register: &Register) -> u64 {
    match register.record().map(|record| record.body) {
        Some(SharedBody::Edits(edits)) => edits.last(),
        _ => 0,
    }
}

/// The number of the last change that was ever made here.
fn stood_last(register: &Register) -> u64 {
    edits_in(register).map_or(0, |(_, edits)| edits.last())
}

fn taken_upto(editing: &Editing, record: &RecordId) -> u64 {
    let taken = editing.taken.iter().filter(|taken| taken.record == *record);
    taken.map(|taken| taken.last).max().unwrap_or(0)
}
