//! What a list of shares tells. Who shares with whom is nobody's business who reads a log: names are
//! not printed.

use mainstay_protocol::ids::{MemberId, SpaceId};

use super::Handshake;
use crate::care::SharedRecord;

/// A share as a person sees it in a list.
#[derive(Clone, PartialEq, Eq)]
pub struct ShareInfo {
    /// Its id.
    pub id: SpaceId,
    /// The other side, as this person calls them.
    pub peer: String,
    /// Whether it is this person's journal that is shared.
    pub owner: bool,
    /// How far it is.
    pub state: ShareStage,
    /// Since when there is this share (Unix milliseconds); 0 for an invitation that was answered.
    pub since_ms: i64,
    /// Who is in it, by the list that every member keeps.
    pub members: Vec<ShareMember>,
    /// Records that wait to be sent, or for the relay's word.
    pub waiting: u64,
    /// Records of the other side and of this one that stand.
    pub records: u64,
    /// Entries that found no room in the share; the newest go first.
    pub left_out: u64,
    /// Whether every device of the other side that ever stated anything holds all of it, by its own
    /// signed word.
    pub delivered: bool,
    /// Whether this person tells their client, who has to ask for it, when they opened what is shared.
    pub tells_opened: bool,
    /// When a sync of this share was last completed (Unix milliseconds, this device's clock).
    pub synced_ms: Option<i64>,
}

impl std::fmt::Debug for ShareInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShareInfo")
            .field("id", &self.id)
            .field("owner", &self.owner)
            .field("state", &self.state)
            .field("members", &self.members)
            .field("waiting", &self.waiting)
            .field("records", &self.records)
            .field("delivered", &self.delivered)
            .finish_non_exhaustive()
    }
}

/// Somebody in a share.
#[derive(Clone, PartialEq, Eq)]
pub struct ShareMember {
    /// Their id there.
    pub id: MemberId,
    /// The name that they came with; none where this member came later and cannot read it.
    pub name: Option<String>,
    /// Whether it is their journal.
    pub owner: bool,
    /// Whether it is this person.
    pub me: bool,
    /// When they last told that they had opened what is shared (Unix milliseconds, in whole hours, by
    /// their clock); only while the person asks for it and they tell.
    pub opened_ms: Option<i64>,
}

impl std::fmt::Debug for ShareMember {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShareMember")
            .field("id", &self.id)
            .field("owner", &self.owner)
            .field("me", &self.me)
            .finish_non_exhaustive()
    }
}

/// How far a share is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShareStage {
    /// An invitation is open.
    Invited(Handshake),
    /// This device is not in it yet: it is fetched with the next sync.
    Coming,
    /// Somebody shares, somebody reads.
    Active,
    /// Nobody was let in yet, and no invitation is open.
    Empty,
    /// Its consent has ended; it can be given anew.
    Expired,
    /// The person ended it, or the other side did.
    Ended,
}

/// A record with who said it.
#[derive(Clone, PartialEq)]
pub struct Heard {
    /// Whether it was this person's side.
    pub mine: bool,
    /// The name that its member came with, those who have left among them; none where this device cannot
    /// read it.
    pub name: Option<String>,
    /// What was said.
    pub record: SharedRecord,
}

impl std::fmt::Debug for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Heard")
            .field("mine", &self.mine)
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}
