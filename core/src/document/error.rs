//! What can be wrong with a document.

use crate::plan::PlanError;

/// Why a document cannot be read or changed. Never holds a person's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocError {
    /// Larger than a document may be. Whoever wrote it is at fault.
    #[error("the document is larger than {max} bytes; the change that made it so is refused")]
    TooLarge {
        /// Most bytes allowed.
        max: usize,
    },
    /// The bytes are no document or change of ours. Whoever wrote or stored them is at fault.
    #[error("the bytes are no valid document or change ({0}); get them again from another copy")]
    Malformed(&'static str),
    /// Automerge refused them, or met a defect of its own while reading them.
    #[error("Automerge refused the bytes ({0}); get them again from another copy")]
    Refused(&'static str),
    /// An actor id was used twice for different changes: a clone or a restored backup.
    #[error("two different changes carry the same actor and sequence; edit with a new actor id")]
    ActorReused,
    /// The plan does not take the change.
    #[error(transparent)]
    Plan(#[from] PlanError),
}
