//! What the stories of shares begin with.

use jiff::Timestamp;
use mainstay_core::engine::{EngineError, Errand};
use mainstay_core::journal::{EntryBody, EntryId, Note, Patch, Urge, Value, When};
use mainstay_core::space::phrase::Phrase;
use mainstay_core::sync::Connection as Link;
use mainstay_protocol::frame::{Reply, Request};
use mainstay_protocol::ids::SpaceId;
use mainstay_sync_server::relay::Connection;
use mainstay_tests::sharing::{consent, previewed, seen};
use mainstay_tests::world::{EXPORTER, Phone, World};

pub(crate) const DAY_MS: i64 = 24 * 3600 * 1000;

/// A person with a phone and a counsellor with a laptop, and a share between them.
pub(crate) struct Pair {
    pub(crate) world: World,
    pub(crate) phrase: Phrase,
    pub(crate) phone: Phone,
    pub(crate) words: Phrase,
    pub(crate) laptop: Phone,
    pub(crate) share: SpaceId,
}

pub(crate) fn pair(seed: u64, scope: &str) -> Pair {
    let mut world = World::new(seed);
    let phrase = Phrase::make(&mut world.rng);
    let mut phone = world.phone(&phrase);
    log(&world, &mut phone, "from before");
    world.sync_all(&mut phone).unwrap();
    let (words, mut laptop) = world.counsellor();
    let given = consent("Ana", scope, world.now_ms);
    let share = world.share(&mut phone, &mut laptop, given).unwrap();
    Pair { world, phrase, phone, words, laptop, share }
}

impl Pair {
    /// Both sides sync until everything has arrived.
    pub(crate) fn round(&mut self) {
        for _ in 0..2 {
            let done = self.world.sync_all(&mut self.phone).unwrap();
            assert!(done.failed.is_empty(), "{done:?}");
            let done = self.world.sync_all(&mut self.laptop).unwrap();
            assert!(done.failed.is_empty(), "{done:?}");
        }
    }

    /// The counsellor's device shows exactly what the preview shows, and this many entries.
    pub(crate) fn check_same(&mut self, entries: usize) {
        let now_ms = self.world.now_ms;
        let shown = previewed(&mut self.phone, &self.share, now_ms).unwrap();
        assert_eq!(shown.len(), entries);
        assert_eq!(seen(&mut self.laptop, &self.share, now_ms).unwrap(), shown);
    }
}

pub(crate) fn log(world: &World, phone: &mut Phone, text: &str) -> EntryId {
    let at = Timestamp::from_millisecond(world.now_ms).unwrap();
    let body = EntryBody::Note(Note { note: Some(text.to_owned()) });
    phone.replica.log(body, When::exact(at, "Europe/Berlin"), world.now_ms).unwrap()
}

pub(crate) fn log_urge(world: &World, phone: &mut Phone, intensity: u8, text: &str) -> EntryId {
    let at = Timestamp::from_millisecond(world.now_ms).unwrap();
    let urge =
        Urge { intensity: Some(intensity), thoughts: Some(text.to_owned()), ..Urge::default() };
    let body = EntryBody::Urge(urge);
    phone.replica.log(body, When::exact(at, "Europe/Berlin"), world.now_ms).unwrap()
}

pub(crate) fn edit(world: &World, phone: &mut Phone, id: EntryId, text: &str) {
    let patch = Patch::from([("note".to_owned(), Some(Value::Str(text.to_owned())))]);
    phone.replica.edit(id, &patch, world.now_ms).unwrap();
}

/// One share's sync, in which `carry` carries each request to the relay; where it gives none, the
/// line breaks.
pub(crate) fn carried(
    world: &mut World,
    phone: &mut Phone,
    share: SpaceId,
    mut carry: impl FnMut(&mut World, &mut Phone, &mut Connection, Request) -> Option<Vec<Reply>>,
) -> Result<(), EngineError> {
    let relay = world.relay.keys().relay();
    let mut connection = Connection::new(Box::new(|_| EXPORTER));
    let mut errand = Errand::new(share, Link { relay, exporter: Some(EXPORTER) });
    for _ in 0..500 {
        let Some(batch) = errand.next(&mut phone.replica, world.now_ms)? else { return Ok(()) };
        'batch: for request in batch {
            let Some(replies) = carry(world, phone, &mut connection, request) else {
                return Ok(());
            };
            for reply in replies {
                let refused = matches!(reply, Reply::Refused(_));
                errand.reply(&mut phone.replica, reply, world.now_ms)?;
                if refused {
                    break 'batch;
                }
            }
        }
    }
    panic!("a sync without end");
}
