//! A session that was lived once, for all who cut it.

use std::sync::OnceLock;

use mainstay_core::engine::Backend;
use mainstay_power_cut::disk::Disk;
use mainstay_power_cut::recording::{self, Event};
use mainstay_protocol::ids::Incarnation;

use crate::relay;
use crate::session::Session;
use crate::told::Told;
use crate::worker::Job;

/// The folders that lie on the disk before a session.
pub(crate) const FOLDERS: [&str; 3] = ["relay", "relay/data", "relay/keys"];

/// Which of the two loses its power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Phone,
    Relay,
}

/// What the worker did, apart for phone and relay, each event at the same place in both.
pub(crate) struct Record {
    phone: Vec<Event>,
    relay: Vec<Event>,
    /// Of the relay's store.
    pub(crate) incarnation: Incarnation,
}

impl Record {
    /// A whole session on this store, lived when it is first asked for.
    pub(crate) fn of(backend: Backend) -> &'static Self {
        static RECORDS: [OnceLock<Record>; 2] = [OnceLock::new(), OnceLock::new()];
        let which = usize::from(backend == Backend::Redb);
        RECORDS[which].get_or_init(|| Self::live(backend))
    }

    fn live(backend: Backend) -> Self {
        let job = Job::new(backend, Session::Whole);
        job.run(&[]).unwrap();
        let events = recording::read(&job.log());
        let told = job.told();
        assert!(told.synced, "no sync came to its end");
        let said = std::fs::read_to_string(job.acks()).unwrap();
        assert!(!said.contains("failed"), "without a fault nothing fails: {said}");
        let held = relay::held(&job.disk().join("relay"), told.phrase().as_ref()).unwrap();
        let (phone, relay) = ["phone", "relay"].map(|part| recording::part(&events, part)).into();
        Self { phone, relay, incarnation: held.incarnation }
    }

    /// Replays the session. `visit` is called after each event that changed what a cut could leave of
    /// this side: with its number, the disks of phone and relay, and what had been told.
    pub(crate) fn replay(&self, side: Side, mut visit: impl FnMut(usize, [&Disk; 2], &Told)) {
        let (mut phone, mut relay) = (Disk::default(), Disk::with_folders(&FOLDERS));
        let mut told = Told::default();
        let mut boundary = 0;
        for (on_phone, on_relay) in self.phone.iter().zip(&self.relay) {
            if let Event::Acknowledged { lines } = on_phone {
                told.read(lines);
            }
            let changed = (phone.follow(on_phone), relay.follow(on_relay));
            if if side == Side::Phone { changed.0 } else { changed.1 } {
                boundary += 1;
                visit(boundary, [&phone, &relay], &told);
            }
        }
    }

    /// How many write boundaries a side has.
    pub(crate) fn boundaries(&self, side: Side) -> usize {
        let mut count = 0;
        self.replay(side, |boundary, _, _| count = boundary);
        count
    }
}
