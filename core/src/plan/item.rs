//! What a plan consists of.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rand_core::Rng;

use super::Section;
use crate::journal::{Fields, ParseIdError};

/// Limits of the plan.
pub struct PlanLimits;

impl PlanLimits {
    /// Bytes of an item's text.
    pub const TEXT_MAX_BYTES: usize = 8 * 1024;
    /// Details of an item.
    pub const DETAILS_MAX: usize = 24;
    /// Bytes of a detail, as JSON.
    pub const DETAIL_MAX_BYTES: usize = 8 * 1024;
    /// Items of a plan, archived ones included.
    pub const ITEMS_MAX: usize = 2000;
}

/// 16 random bytes that name an item of the plan. Shown as 32 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId([u8; 16]);

impl ItemId {
    /// A new random id.
    pub fn make(rng: &mut dyn Rng) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// The id with exactly these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes of the id.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::journal::id::write_hex(&self.0, f)
    }
}

impl fmt::Debug for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ItemId({self})")
    }
}

impl FromStr for ItemId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        crate::journal::id::read_hex(text).map(Self).ok_or(ParseIdError)
    }
}

impl<C> minicbor::Encode<C> for ItemId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for ItemId {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let bytes = d.bytes()?.try_into();
        bytes.map(Self).map_err(|_| minicbor::decode::Error::message("an item's id has 16 bytes"))
    }
}

/// One item of the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanItem {
    /// Its name.
    pub id: ItemId,
    /// The section it stands in.
    pub section: Section,
    /// What it says, in the person's words.
    pub text: String,
    /// Optional details, such as `stage`, `role`, `reach`, `when`, `steps`, `mine`.
    pub details: Fields,
    /// Its place within the section.
    pub order: String,
    /// Since when it is archived (Unix milliseconds); entries that name it keep their meaning.
    pub archived_at_ms: Option<i64>,
}

/// The plan as it stands: items by section, in order, archived ones apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Items in use, in the order of their section.
    pub items: BTreeMap<Section, Vec<PlanItem>>,
    /// Archived items, by id.
    pub archived: Vec<PlanItem>,
}

impl Plan {
    /// Sorts loose items into sections.
    #[must_use]
    pub fn from_items(items: impl IntoIterator<Item = PlanItem>) -> Self {
        let mut plan = Self::default();
        for item in items {
            if item.archived_at_ms.is_some() {
                plan.archived.push(item);
            } else {
                plan.items.entry(item.section.clone()).or_default().push(item);
            }
        }
        plan.archived.sort_by_key(|item| item.id);
        for items in plan.items.values_mut() {
            items.sort_by(|a, b| (&a.order, a.id).cmp(&(&b.order, b.id)));
        }
        plan
    }

    /// The items of a section, in order.
    #[must_use]
    pub fn section(&self, section: &Section) -> &[PlanItem] {
        self.items.get(section).map_or(&[], Vec::as_slice)
    }

    /// An item in use or archived.
    #[must_use]
    pub fn item(&self, id: ItemId) -> Option<&PlanItem> {
        self.items.values().flatten().chain(&self.archived).find(|item| item.id == id)
    }

    /// How many items there are, archived ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.values().map(Vec::len).sum::<usize>() + self.archived.len()
    }

    /// Whether there is no item at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
