//! What a device keeps: a store whose values are sealed rightly and say something else, as a defect or
//! another version might have left them.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use mainstay_core::engine::{Replica, Setup};
use mainstay_core::journal::{CheckIn, EntryBody, Patch, Value, When};
use mainstay_core::ndjson;
use mainstay_core::plan::{PlanEdit, Section};
use mainstay_core::space::at_rest::RestKey;
use mainstay_core::space::device::DeviceSecret;
use mainstay_core::space::phrase::Phrase;
use mainstay_core::space::recovery::Recovery;
use mainstay_protocol::address::{Pin, RelayAddress};
use mainstay_protocol::codec;
use mainstay_store::{Batch, MemoryStore, Store};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zeroize::Zeroizing;

use super::entries::{LINES, now};
use super::{Bound, Target};
use crate::mutate::Form;

pub(super) const TARGETS: &[Target] = &[Target {
    name: "stored-records",
    form: Form::Bytes,
    max_bytes: 16 * 1024,
    // A whole small journal is opened, read, verified and written to.
    bound: Bound { base_bytes: 64 << 20, times: 200 },
    examples,
    run,
}];

const NOW_MS: i64 = 1_795_000_000_000;

/// One value in place of what a record holds.
#[derive(Encode, Decode)]
struct Instead {
    /// Counted in the store's order, over and over.
    #[n(0)]
    place: u32,
    #[n(1)]
    value: ByteVec,
}

fn secret() -> DeviceSecret {
    DeviceSecret::from_bytes(Zeroizing::new([2; 32]))
}

fn setup(store: &MemoryStore) -> Setup {
    let rng = Box::new(ChaCha20Rng::from_seed([5; 32]));
    Setup { store: Arc::new(store.clone()), secret: secret(), rng }
}

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Every record of a small journal, made once.
fn journal() -> &'static (Pairs, RestKey) {
    static JOURNAL: OnceLock<(Pairs, RestKey)> = OnceLock::new();
    JOURNAL.get_or_init(|| {
        let store = MemoryStore::new();
        write(&store);
        let mut pairs = Pairs::new();
        let scanned = store.scan(&[], None, &mut |key, value| {
            pairs.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        });
        scanned.unwrap();
        (pairs, secret().rest_key())
    })
}

/// Two packed months, loose entries, an edit, a deletion, a plan, a relay, and what waits.
fn write(store: &MemoryStore) {
    let recovery = Recovery::derive(&Phrase::from_entropy(&[3; 16]));
    let mut replica = Replica::create(setup(store), &recovery, "a phone").unwrap();
    let pins = vec![Pin([1; 32])];
    let relay = RelayAddress { host: "relay.example.org".into(), port: 4433, pins };
    replica.set_relay(&relay).unwrap();
    let entries: Vec<_> = LINES
        .iter()
        .map(|line| ndjson::parse_line(line, now()).unwrap())
        .map(|import| {
            mainstay_core::journal::Entry::from_fields(import.id, &import.fields).unwrap()
        })
        .collect();
    replica.import(&entries, NOW_MS).unwrap();
    for mood in 0..3 {
        let body = EntryBody::CheckIn(CheckIn { mood: Some(mood), ..CheckIn::default() });
        let id = replica.log(body, When::exact(now(), "Europe/Berlin"), NOW_MS).unwrap();
        replica.fold().unwrap();
        let patch = Patch::from([("mood".to_owned(), Some(Value::Int(9)))]);
        if mood == 1 {
            replica.edit(id, &patch, NOW_MS).unwrap();
        } else if mood == 2 {
            replica.delete(id, NOW_MS).unwrap();
        }
    }
    let (id, text) = (replica.new_item_id(), "walk".to_owned());
    let section = Section::CopingSkills;
    let add = PlanEdit::Add { id, section, text, details: Default::default(), position: None };
    replica.edit_plan(&add, NOW_MS).unwrap();
    replica.begin_sync(NOW_MS).unwrap();
    // Not folded: intents lie in the store as well.
    let body = EntryBody::CheckIn(CheckIn { craving: Some(2), ..CheckIn::default() });
    replica.log(body, When::exact(now(), "Europe/Berlin"), NOW_MS).unwrap();
}

fn examples() -> Vec<Vec<u8>> {
    let (pairs, rest) = journal();
    let open = |(place, (key, sealed)): (usize, &(Vec<u8>, Vec<u8>))| {
        let value = rest.open(key, sealed).unwrap().to_vec().into();
        codec::encode(&Instead { place: place as u32, value })
    };
    pairs.iter().enumerate().map(open).collect()
}

fn run(input: &[u8]) -> bool {
    let Ok(Instead { place, value }) = codec::decode::<Instead>(input) else { return false };
    let (pairs, rest) = journal();
    let (key, _) = &pairs[place as usize % pairs.len()];
    let sealed = rest.seal(&mut ChaCha20Rng::from_seed([6; 32]), key, &value);
    let store = MemoryStore::new();
    let mut batch = Batch::default();
    pairs.iter().for_each(|(key, sealed)| batch.put(key.clone(), sealed.clone()));
    batch.put(key.clone(), sealed);
    if store.commit(&batch).is_err() {
        return false;
    }
    let Ok(mut replica) = Replica::open(setup(&store)) else { return false };
    let rows = replica.timeline(i64::MIN, i64::MAX).unwrap_or_default();
    rows.iter().for_each(|row| _ = replica.show(&row.id));
    let _ = (replica.status(NOW_MS), replica.devices(), replica.show_plan(), replica.checkpoint());
    let _ = (replica.as_of(), replica.restore_progress(), replica.relay_address());
    let body = EntryBody::CheckIn(CheckIn { mood: Some(1), ..CheckIn::default() });
    let _ = replica.log(body, When::exact(now(), "Europe/Berlin"), NOW_MS);
    let _ = (replica.fold(), replica.begin_sync(NOW_MS), replica.verify());
    true
}
