//! What a shared record says.

use minicbor::decode::Error;
use minicbor::{Decode, Decoder, Encode};

use super::{PlanEdits, RecordId, Role, SharedEntry, SharedPlan};
use crate::journal::Fields;
use crate::plan::{ItemId, Section};

/// What a record of a share says. Times are Unix milliseconds by the writer's clock.
///
/// Texts are plain data: they are shown as they are, and nothing in them is followed, fetched or
/// run.
#[derive(Clone, PartialEq, Encode, Decode)]
#[non_exhaustive]
pub enum SharedBody {
    /// An entry, as far as the consent lets it be seen.
    #[n(0)]
    Entry(#[n(0)] SharedEntry),
    /// What was said here before is taken back.
    #[n(1)]
    Gone,
    /// The plan, as far as the consent lets it be seen.
    #[n(2)]
    Plan(#[n(0)] SharedPlan),
    /// A comment.
    #[n(3)]
    Comment {
        /// On what.
        #[n(0)]
        on: Target,
        /// The comment, of 1 to [`super::CareLimits::COMMENT_MAX_BYTES`].
        #[n(1)]
        text: String,
        /// When it was written.
        #[n(2)]
        written_at_ms: i64,
    },
    /// A change of the plan that the person may accept or decline.
    #[n(4)]
    Proposal {
        /// Where the item goes, or stands.
        #[n(0)]
        section: Section,
        /// The item to change; a new one if `None`.
        #[n(1)]
        item: Option<ItemId>,
        /// What it is to say, of 1 to [`crate::plan::PlanLimits::TEXT_MAX_BYTES`].
        #[n(2)]
        text: String,
        /// Its details.
        #[n(3)]
        details: Fields,
        /// Why, of at most [`super::CareLimits::WHY_MAX_BYTES`]; may be empty.
        #[n(4)]
        why: String,
        /// When it was written.
        #[n(5)]
        written_at_ms: i64,
    },
    /// What the person decided about a proposal.
    #[n(5)]
    Decision {
        /// The record that proposed.
        #[n(0)]
        proposal: RecordId,
        /// Whether the plan was changed so.
        #[n(1)]
        accepted: bool,
        /// When it was decided.
        #[n(2)]
        at_ms: i64,
    },
    /// That something was opened, if the reader chooses to tell.
    #[n(6)]
    Opened {
        /// What; the share as a whole if `None`.
        #[n(0)]
        on: Option<Target>,
        /// When.
        #[n(1)]
        at_ms: i64,
    },
    /// Changes that a counsellor made in the plan, until they are taken in.
    #[n(7)]
    Edits(#[n(0)] PlanEdits),
    /// Something of a form that only a newer version knows. It is only ever read: nobody may write
    /// it.
    #[n(255)]
    Unreadable,
}

/// What a comment is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[non_exhaustive]
pub enum Target {
    /// A record, such as an entry.
    #[n(0)]
    Record(#[n(0)] RecordId),
    /// An item of the plan.
    #[n(1)]
    Item(#[n(0)] ItemId),
    /// The plan as a whole.
    #[n(2)]
    Plan,
}

impl SharedBody {
    /// What sort of body it is, as [`super::to_json`] says it in `kind` for all but entries.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Entry(_) => "entry",
            Self::Gone => "gone",
            Self::Plan(_) => "plan",
            Self::Comment { .. } => "comment",
            Self::Proposal { .. } => "proposal",
            Self::Decision { .. } => "decision",
            Self::Opened { .. } => "opened",
            Self::Edits(_) => "edits",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What people wrote never meets a log.
impl std::fmt::Debug for SharedBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SharedBody({})", self.code())
    }
}

/// Whether a member of this role may write such a record. Readers drop what its writer may not.
///
/// The owner shows, retracts, comments and decides. A counsellor comments, proposes, edits the plan
/// (which counts where the consent says so), tells that something was opened, and retracts; as a record takes the place only of what its own member said
/// there before, that is their own.
#[must_use]
pub const fn may_write(role: Role, body: &SharedBody) -> bool {
    use SharedBody::{Comment, Decision, Edits, Entry, Gone, Opened, Plan, Proposal};
    match role {
        Role::Owner => {
            matches!(body, Entry(_) | Gone | Plan(_) | Comment { .. } | Decision { .. })
        }
        Role::Counsellor => {
            matches!(body, Comment { .. } | Proposal { .. } | Gone | Opened { .. } | Edits(_))
        }
        _ => false,
    }
}

/// Reads a body. Well-formed CBOR that this version does not understand is
/// [`SharedBody::Unreadable`]: a newer version's, as far as anybody can tell.
pub(super) fn decode<'b, C>(d: &mut Decoder<'b>, ctx: &mut C) -> Result<SharedBody, Error> {
    let start = d.position();
    d.skip()?;
    let end = d.position();
    d.set_position(start);
    let body = SharedBody::decode(d, ctx).ok().filter(|_| d.position() == end);
    d.set_position(end);
    Ok(body.unwrap_or(SharedBody::Unreadable))
}
