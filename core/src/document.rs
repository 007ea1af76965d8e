//! Domain ↔ Automerge: one document per entry, one for the plan.
//!
//! Everything here is deterministic: the same calls with the same arguments give the same bytes on
//! every device. Actor ids are given by the caller and must be random per document and process run;
//! an actor that was used before a restored backup would repeat sequence numbers and be refused.
//!
//! Documents are saved without compression: bundles compress many of them together, which is both
//! smaller and free of decompression bombs. Compressed input is therefore refused.

mod care;
mod conflict;
mod entry_doc;
mod error;
mod guard;
mod heads;
mod plan_doc;
mod replica;
mod row;
#[cfg(test)]
mod tests;
mod value;

pub use care::{CareValue, CareValues};
pub use entry_doc::EntryDoc;
pub use error::DocError;
pub use guard::{MAX_DOC_BYTES, MAX_DOC_ITEMS};
pub use heads::{Heads, MAX_HEADS};
pub use plan_doc::PlanDoc;
pub use row::Row;
