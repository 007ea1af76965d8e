//! Under which of its names a device speaks to the relay: its present one, or a former one where the relay
//! lists that alone.
//!
//! A relay that lost everything may have been given the list of devices by one that had not heard of this
//! device's new name, and may have taken a record of that one since. Only under its former name can this
//! device speak there, to join that list with its own.

use mainstay_protocol::ids::AuthorId;

use super::Replica;
use crate::space::device::DeviceKeys;

/// A former name and its keys.
pub(super) struct Voice {
    generation: u32,
    keys: DeviceKeys,
}

impl Replica {
    /// The keys that this device speaks under in this sync. Nothing but a heal is signed with a former
    /// name's.
    pub(super) fn voice(&self) -> &DeviceKeys {
        self.intake.voice.as_ref().map_or(&self.me.keys, |voice| &voice.keys)
    }

    pub(super) fn voice_id(&self) -> AuthorId {
        self.voice().author.author_id()
    }

    /// Whether it is a former name.
    pub(super) fn speaks_formerly(&self) -> bool {
        self.intake.voice.is_some()
    }

    /// Speaks under the present name again.
    pub(super) fn speak_presently(&mut self) {
        self.intake.voice = None;
    }

    /// Goes back to the newest former name that was not tried in this sync, and still takes part. Tells
    /// whether there is one. The list says already that they are names of this device; of one under which it
    /// took part before it was let in anew, the relay learns nothing here.
    pub(super) fn speak_formerly(&mut self) -> bool {
        let from = self.intake.voice.as_ref().map_or(self.me.generation, |voice| voice.generation);
        let voices = (0..from).rev().map(|generation| Voice {
            generation,
            keys: self.me.secret.keys(&self.me.space, generation),
        });
        let state = self.roster.state();
        let names = state.names_of(&self.me.keys.author.author_id());
        let takes_part = |voice: &Voice| {
            let name = voice.keys.author.author_id();
            names.contains(&name) && state.is_active(&name)
        };
        self.intake.voice = voices.into_iter().find(takes_part);
        self.intake.voice.is_some()
    }
}
