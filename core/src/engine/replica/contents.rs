//! Whether a snapshot has what this device has.
//!
//! Who holds every head that a snapshot covers does not fetch its body. If its author made a mistake, and
//! packed less than it covers, nobody would ever see: the relay lets go of what is covered. So the header
//! says what is in it, and whoever has something else looks.

use mainstay_protocol::envelope::Header;

use super::Replica;
use crate::chapter::{Bundle, SlotName};
use crate::document::Row;
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::journal::Month;

/// The documents of a bundle, each with what tells its state; `rows` are those of the same chapter.
pub(super) fn listed(bundle: &Bundle, rows: &[Row]) -> Vec<u8> {
    let is_packed = |row: &&Row| bundle.find(&row.id).is_some();
    list(rows.iter().filter(is_packed))
}

fn list<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<u8> {
    rows.flat_map(|row| [*row.id.as_bytes(), row.heads_digest].concat()).collect()
}

impl Replica {
    /// The state of the plan.
    pub(super) fn plan_listed(&self) -> Vec<u8> {
        self.plan.heads().digest().to_vec()
    }

    /// Whether a snapshot's author had other documents than this device when it made it, or does not say.
    pub(super) fn has_other_contents(
        &mut self,
        tx: &Tx,
        name: SlotName,
        header: &Header,
    ) -> Result<bool, EngineError> {
        let here = match name {
            SlotName::Plan => self.plan_listed(),
            SlotName::Chapter(month) => list(self.rows(tx, Month::from_index(month))?.iter()),
            SlotName::Page(_) | SlotName::Record(_) => return Ok(false),
        };
        let here = self.keyring.space_key().contents(&header.slot, &header.covers, &here);
        Ok(header.contents != Some(here))
    }
}
