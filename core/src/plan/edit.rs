//! Changes to the plan, as plain commands.

use super::{ItemId, Plan, PlanItem, PlanLimits, Section, order};
use crate::journal::{Codes, Fields, Limits, Patch, Value};

/// A change to the plan. Positions count items in use within a section, from 0; a position beyond
/// the end means the end. In CBOR as numbered here, so that an intent can hold it.
#[derive(Clone, Debug, PartialEq, minicbor::Encode, minicbor::Decode)]
pub enum PlanEdit {
    /// Adds an item.
    #[n(0)]
    Add {
        /// Its new random id.
        #[n(0)]
        id: ItemId,
        /// Where it goes.
        #[n(1)]
        section: Section,
        /// What it says.
        #[n(2)]
        text: String,
        /// Optional details.
        #[n(3)]
        details: Fields,
        /// Its position; the end if `None`.
        #[n(4)]
        position: Option<usize>,
    },
    /// Changes an item's text or details. Setting a text to what it already says settles a conflict.
    #[n(1)]
    Edit {
        /// Which item.
        #[n(0)]
        id: ItemId,
        /// The new text, if it changes.
        #[n(1)]
        text: Option<String>,
        /// Details to set or take away.
        #[n(2)]
        details: Patch,
    },
    /// Moves an item within or between sections.
    #[n(2)]
    Move {
        /// Which item.
        #[n(0)]
        id: ItemId,
        /// To which section.
        #[n(1)]
        section: Section,
        /// To which position there, counted without the item itself.
        #[n(2)]
        position: usize,
    },
    /// Archives an item: it leaves the plan, and entries that name it keep their meaning.
    #[n(3)]
    Remove {
        /// Which item.
        #[n(0)]
        id: ItemId,
    },
    /// Brings an archived item back.
    #[n(4)]
    Restore {
        /// Which item.
        #[n(0)]
        id: ItemId,
    },
}

/// A change the plan does not take: what is wrong and what to do. Never a person's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// There is no such item.
    #[error("the plan has no item {0}; look its id up with `plan show`")]
    NoSuchItem(ItemId),
    /// An item with this id is there already.
    #[error("the plan already has an item {0}; edit it instead")]
    AlreadyThere(ItemId),
    /// An item needs some text.
    #[error("the text is empty; say what the item is")]
    Empty,
    /// Too long.
    #[error("`{field}` is longer than {max} bytes; shorten it")]
    TooLong {
        /// The field.
        field: String,
        /// Most bytes allowed.
        max: usize,
    },
    /// Too many items or details.
    #[error("the plan holds at most {max} {what}; take one away first")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many are allowed.
        max: usize,
    },
    /// A detail's name is not a name.
    #[error("a detail's name has other characters than a-z, 0-9 and _; rename it")]
    Name,
}

/// What a valid change writes, item by item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ItemPatch {
    pub(crate) id: ItemId,
    pub(crate) section: Option<Section>,
    pub(crate) text: Option<String>,
    pub(crate) order: Option<String>,
    /// `Some(true)` archives, `Some(false)` brings back.
    pub(crate) archived: Option<bool>,
    pub(crate) details: Patch,
}

impl ItemPatch {
    fn of(id: ItemId) -> Self {
        Self { id, section: None, text: None, order: None, archived: None, details: Patch::new() }
    }
}

impl PlanEdit {
    /// Checks the change against a plan.
    ///
    /// # Errors
    /// [`PlanError`] says why the plan does not take it.
    pub fn validate(&self, plan: &Plan) -> Result<(), PlanError> {
        self.resolve(plan).map(|_| ())
    }

    /// What to write for this change, given the plan as it stands.
    pub(crate) fn resolve(&self, plan: &Plan) -> Result<Vec<ItemPatch>, PlanError> {
        match self {
            Self::Add { id, section, text, details, position } => {
                if plan.item(*id).is_some() {
                    return Err(PlanError::AlreadyThere(*id));
                }
                if plan.len() >= PlanLimits::ITEMS_MAX {
                    return Err(PlanError::TooMany { what: "items", max: PlanLimits::ITEMS_MAX });
                }
                let details: Patch = details
                    .iter()
                    .map(|(name, value)| (name.clone(), Some(value.clone())))
                    .collect();
                check_text(text)?;
                check_details(&Fields::new(), &details)?;
                let mut patches = put_at(plan, *id, section, position.unwrap_or(usize::MAX))?;
                if let Some(first) = patches.first_mut() {
                    first.text = Some(text.clone());
                    first.details = details;
                }
                Ok(patches)
            }
            Self::Edit { id, text, details } => {
                let item = find(plan, *id)?;
                text.as_deref().map_or(Ok(()), check_text)?;
                check_details(&item.details, details)?;
                Ok(vec![ItemPatch {
                    text: text.clone(),
                    details: details.clone(),
                    ..ItemPatch::of(*id)
                }])
            }
            Self::Move { id, section, position } => {
                find(plan, *id)?;
                put_at(plan, *id, section, *position)
            }
            Self::Remove { id } => archive(plan, *id, true),
            Self::Restore { id } => archive(plan, *id, false),
        }
    }
}

impl Plan {
    /// The plan as it reads after a change, without a document or a history.
    ///
    /// # Errors
    /// [`PlanError`] says why the plan does not take it.
    pub fn edited(&self, edit: &PlanEdit) -> Result<Self, PlanError> {
        let patches = edit.resolve(self)?;
        let mut items: Vec<PlanItem> =
            self.items.values().flatten().chain(&self.archived).cloned().collect();
        for patch in patches {
            let at = items.iter().position(|item| item.id == patch.id);
            let at = at.unwrap_or_else(|| {
                items.push(PlanItem::new(patch.id));
                items.len() - 1
            });
            items[at].take(patch);
        }
        Ok(Self::from_items(items))
    }
}

impl PlanItem {
    fn new(id: ItemId) -> Self {
        let (section, text, order) = (Section::from(String::new()), String::new(), String::new());
        Self { id, section, text, details: Fields::new(), order, archived_at_ms: None }
    }

    fn take(&mut self, patch: ItemPatch) {
        let ItemPatch { id: _, section, text, order, archived, details } = patch;
        section.into_iter().for_each(|section| self.section = section);
        text.into_iter().for_each(|text| self.text = text);
        order.into_iter().for_each(|order| self.order = order);
        match archived {
            Some(true) => self.archived_at_ms = Some(0),
            Some(false) => self.archived_at_ms = None,
            None => {}
        }
        crate::journal::apply(&mut self.details, &details);
    }
}

fn find(plan: &Plan, id: ItemId) -> Result<&PlanItem, PlanError> {
    plan.item(id).ok_or(PlanError::NoSuchItem(id))
}

fn archive(plan: &Plan, id: ItemId, archived: bool) -> Result<Vec<ItemPatch>, PlanError> {
    find(plan, id)?;
    Ok(vec![ItemPatch { archived: Some(archived), ..ItemPatch::of(id) }])
}

/// The item's own patch first, then those of neighbours that make room.
fn put_at(
    plan: &Plan,
    id: ItemId,
    section: &Section,
    position: usize,
) -> Result<Vec<ItemPatch>, PlanError> {
    if section.code().is_empty() || section.code().len() > Limits::SHORT_MAX_BYTES {
        return Err(PlanError::TooLong { field: "section".into(), max: Limits::SHORT_MAX_BYTES });
    }
    let others: Vec<&PlanItem> =
        plan.section(section).iter().filter(|item| item.id != id).collect();
    let places: Vec<&str> = others.iter().map(|item| item.order.as_str()).collect();
    let (order, moved) = order::place(&places, position);
    let own = ItemPatch { section: Some(section.clone()), order: Some(order), ..ItemPatch::of(id) };
    let moved = moved
        .into_iter()
        .map(|(at, order)| ItemPatch { order: Some(order), ..ItemPatch::of(others[at].id) });
    Ok(std::iter::once(own).chain(moved).collect())
}

fn check_text(text: &str) -> Result<(), PlanError> {
    if text.trim().is_empty() {
        return Err(PlanError::Empty);
    }
    if text.len() > PlanLimits::TEXT_MAX_BYTES {
        return Err(PlanError::TooLong { field: "text".into(), max: PlanLimits::TEXT_MAX_BYTES });
    }
    Ok(())
}

fn check_details(old: &Fields, patch: &Patch) -> Result<(), PlanError> {
    for (name, value) in patch {
        if !crate::journal::check::is_field_name(name) {
            return Err(PlanError::Name);
        }
        let size = match value {
            Some(Value::Str(text)) => text.len(),
            Some(Value::Json(json)) => json.to_string().len(),
            _ => 0,
        };
        if size > PlanLimits::DETAIL_MAX_BYTES {
            return Err(PlanError::TooLong {
                field: name.clone(),
                max: PlanLimits::DETAIL_MAX_BYTES,
            });
        }
    }
    let mut details = old.clone();
    crate::journal::apply(&mut details, patch);
    if details.len() > PlanLimits::DETAILS_MAX {
        return Err(PlanError::TooMany { what: "details per item", max: PlanLimits::DETAILS_MAX });
    }
    Ok(())
}
