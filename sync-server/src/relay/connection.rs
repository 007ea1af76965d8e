//! What one connection has shown about itself.

use std::collections::{BTreeMap, BTreeSet};

use mainstay_protocol::frame::{Refusal, Signer};
use mainstay_protocol::ids::{AuthorId, SpaceId};
use mainstay_protocol::roster::Role;

use crate::relay::Space;

/// Spaces that one connection may attach to. A counsellor has about 200 clients.
pub const MAX_ATTACHED_SPACES: usize = 1024;
/// Signers of one space that one connection may speak for: a recovery key, the device it admits,
/// and an author key that replaces another; in a share also a member's key, and the one that replaces it.
const MAX_SIGNERS: usize = 8;

/// What gives a connection's TLS exporter output for a space.
pub type Exporter = Box<dyn Fn(&SpaceId) -> [u8; 32] + Send>;

/// One connection: whom it has proved to speak for, in which spaces.
///
/// What a signer may do is decided anew at each request by the roster as it is then.
pub struct Connection {
    exporter: Exporter,
    attached: BTreeMap<SpaceId, Attachment>,
}

struct Attachment {
    /// As whom the latest attachment was.
    present: Signer,
    proven: BTreeSet<Signer>,
    subscribed: bool,
}

impl Connection {
    /// A new connection. `exporter` gives the TLS exporter's output for
    /// [`mainstay_protocol::frame::Proof::EXPORTER_LABEL`] and a space's id as context.
    pub fn new(exporter: Exporter) -> Self {
        Self { exporter, attached: BTreeMap::new() }
    }

    /// The spaces that this connection subscribed to.
    pub fn subscriptions(&self) -> impl Iterator<Item = &SpaceId> {
        self.attached.iter().filter(|(_, a)| a.subscribed).map(|(space, _)| space)
    }

    pub(super) fn exporter(&self, space: &SpaceId) -> [u8; 32] {
        (self.exporter)(space)
    }

    pub(super) fn has_proved(&self, space: &SpaceId, signer: &Signer) -> bool {
        self.attached.get(space).is_some_and(|a| a.proven.contains(signer))
    }

    /// Notes a signer that has just proved itself, or had before.
    pub(super) fn attach(&mut self, space: &SpaceId, signer: Signer) -> Result<(), Refusal> {
        let room = self.attached.len() < MAX_ATTACHED_SPACES;
        let too_many = || Refusal::Malformed { why: "too many spaces on one connection".into() };
        if !room && !self.attached.contains_key(space) {
            return Err(too_many());
        }
        let attachment = self.attached.entry(*space).or_insert_with(|| Attachment {
            present: signer,
            proven: BTreeSet::new(),
            subscribed: false,
        });
        if attachment.proven.len() >= MAX_SIGNERS && !attachment.proven.contains(&signer) {
            return Err(too_many());
        }
        attachment.proven.insert(signer);
        attachment.present = signer;
        Ok(())
    }

    pub(super) fn subscribe(&mut self, space: &SpaceId) {
        if let Some(attachment) = self.attached.get_mut(space) {
            attachment.subscribed = true;
        }
    }

    /// Whoever is attached, whatever the roster says of them.
    pub(super) fn anybody(&self, space: &Space) -> Result<Signer, Refusal> {
        self.attached.get(&space.id).map(|a| a.present).ok_or(Refusal::NotAuthorised)
    }

    /// Whoever is attached, if they take part: an active device, a member of a share, or the recovery
    /// key. Anybody else gets nothing but the roster.
    pub(super) fn participant(&self, space: &Space, now_ms: u64) -> Result<Signer, Refusal> {
        let signer = self.anybody(space)?;
        takes_part(space, &signer, now_ms).map(|()| signer)
    }

    /// Whether whoever is attached may read what is stored: an active device or the recovery key. A
    /// member's key alone is not used for reading; each of their devices has its own.
    pub(super) fn reader(&self, space: &Space, now_ms: u64) -> Result<(), Refusal> {
        match self.participant(space, now_ms)? {
            Signer::Member(_) => self.writer(space, now_ms),
            Signer::Device(_) | Signer::Recovery => Ok(()),
        }
    }

    /// Whether this connection speaks for an active device.
    pub(super) fn writer(&self, space: &Space, now_ms: u64) -> Result<(), Refusal> {
        let proven = self.attached.get(&space.id).map(|a| &a.proven).into_iter().flatten();
        let devices = proven.filter(|signer| matches!(signer, Signer::Device(_)));
        let mut refused = Refusal::NotAuthorised;
        for device in devices {
            match takes_part(space, device, now_ms) {
                Ok(()) => return Ok(()),
                Err(Refusal::Expired) => refused = Refusal::Expired,
                Err(_) => {}
            }
        }
        Err(refused)
    }

    /// Whether whoever signed a record is at the other end: they have proved themselves, or one of a
    /// member's devices has.
    pub(super) fn speaks_for(&self, space: &Space, signer: &Signer) -> bool {
        let Signer::Member(member) = signer else { return self.has_proved(&space.id, signer) };
        let state = space.roster.state();
        let proven = self.attached.get(&space.id).map(|a| &a.proven).into_iter().flatten();
        proven.into_iter().any(|proved| match proved {
            Signer::Device(author) => {
                let of = state.share.as_ref().and_then(|share| share.author_of(author));
                state.is_active(author) && of.is_some_and(|(of, _)| of == *member)
            }
            proved => proved == signer,
        })
    }

    /// Whether this connection speaks for this author, and the author is active.
    pub(super) fn author(
        &self,
        space: &Space,
        author: &AuthorId,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        let device = Signer::Device(*author);
        match self.has_proved(&space.id, &device) {
            true => takes_part(space, &device, now_ms),
            false => Err(Refusal::NotAuthorised),
        }
    }
}

/// Whether somebody is in, and not only until a time that has come.
fn takes_part(space: &Space, signer: &Signer, now_ms: u64) -> Result<(), Refusal> {
    let state = space.roster.state();
    state.key(signer).ok_or(Refusal::NotAuthorised)?;
    let Some(share) = state.share.as_ref().filter(|share| share.has_expired(now_ms)) else {
        return Ok(());
    };
    let role = match signer {
        Signer::Recovery => return Ok(()),
        Signer::Member(member) => share.party(member).map(|party| party.role),
        Signer::Device(author) => share.author_of(author).map(|(_, role)| role),
    };
    if role == Some(Role::Owner) { Ok(()) } else { Err(Refusal::Expired) }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
