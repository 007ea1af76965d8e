//! What a real relay has on its disk: no word, no key, and nothing that joins two spaces.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use mainstay_core::engine::{Backend, Engine};
use mainstay_core::plan::{PlanEdit, Section};
use mainstay_core::space::device::DeviceSecret;
use mainstay_core::space::phrase::Phrase;
use mainstay_core::space::recovery::Recovery;
use mainstay_core::space::test_kit::{self, Secret};
use mainstay_protocol::frame::{Attach, Proof, Reply, Request, Signer};
use mainstay_protocol::ids::MailboxId;
use mainstay_protocol::mailbox::Letter;
use mainstay_protocol::sign::purpose;
use mainstay_store::{SledStore, Store};
use mainstay_sync_server::relay::Connection;
use mainstay_tests::inside::Inside;
use mainstay_tests::world::EXPORTER;
use zeroize::Zeroizing;

use crate::kit::{self, Desk, finds, note, relay_at};
use crate::on_both_stores;

const CANARY: &str = "a canary that sings in nobody's mine";

/// Every byte of every file of a folder, the relay's own keys left out.
fn files(folder: &Path, all: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, all),
            false => all.extend(fs::read(path).unwrap()),
        }
    }
}

/// What is on the disk of a copy of the relay.
fn on_disk(copy: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    files(&copy.join("data"), &mut all);
    all
}

/// A journal with everything that could leak in it: words, a plan, a second device that was removed
/// again, a page and a bundle.
async fn lived_in(desk: &Desk, name: &str, on: Backend) -> (Engine, Phrase) {
    let (phone, phrase) = desk.phone(name, on).await;
    for number in 0..70 {
        phone.log(note(&format!("{CANARY} {number}")), kit::days_ago(0)).await.unwrap();
    }
    let id = phone.new_item_id().await.unwrap();
    let (section, text) = (Section::Reasons, CANARY.to_owned());
    let details = Default::default();
    phone.edit_plan(PlanEdit::Add { id, section, text, details, position: None }).await.unwrap();
    phone.sync().await.unwrap();
    phone.log(note(CANARY), kit::days_ago(40)).await.unwrap();
    let tablet = desk.link(&phone, &format!("{name} {CANARY}"), on).await;
    tablet.log(note(CANARY), kit::days_ago(80)).await.unwrap();
    tablet.sync().await.unwrap();
    phone.remove_device(&format!("{name} {CANARY}")).await.unwrap();
    phone.sync().await.unwrap();
    (phone, phrase)
}

fn secret_of(desk: &Desk, device: &str, on: Backend) -> DeviceSecret {
    let secret = desk.config(device, on).keys.load("mainstay-device-secret").unwrap().unwrap();
    DeviceSecret::from_bytes(Zeroizing::new(secret[..].try_into().unwrap()))
}

/// Every secret of a journal and its devices.
fn secrets(
    desk: &Desk,
    copy: &Path,
    phrase: &Phrase,
    devices: &[String],
    on: Backend,
) -> Vec<Secret> {
    let relay = relay_at(copy);
    let inside = Inside::new(&relay, phrase, kit::now_ms());
    let space = Recovery::derive(phrase).space_id();
    let mut all = test_kit::of_phrase(phrase);
    all.extend(test_kit::of_keyring(&inside.keyring));
    for device in devices {
        all.extend(test_kit::of_device(&secret_of(desk, device, on), &space, 0));
    }
    all
}

/// Leaves `what` on the relay as somebody careless would: as a letter that is not sealed.
fn leak(copy: &Path, phrase: &Phrase, device: &DeviceSecret, what: &[u8]) {
    let relay = relay_at(copy);
    let space = Recovery::derive(phrase).space_id();
    let author = device.keys(&space, 0).author;
    let signer = Signer::Device(author.author_id());
    let proof = Proof { exporter: EXPORTER, relay: relay.keys().relay(), space, signer };
    let signature = Some(author.sign_for(purpose::ATTACH, &proof.message()));
    let mut connection = Connection::new(Box::new(|_| EXPORTER));
    let mailbox = MailboxId([7; 32]);
    let letter = Letter { sealed: what.to_vec().into() };
    for request in [
        Request::Attach(Attach { space, signer, signature, cursor: None }),
        Request::OpenMailbox { space, mailbox, life_ms: 60_000 },
        Request::PutLetter { mailbox, place: 0, letter },
    ] {
        let replies = relay.handle(&mut connection, request, kit::now_ms());
        assert!(!matches!(replies[..], [Reply::Refused(_)]), "{replies:?}");
    }
}

// The search is shown to find what is there: a leak of a word and of each key, through the relay.
async fn no_word_and_no_key(on: Backend) {
    let mut desk = Desk::new().await;
    let (_, phrase) = lived_in(&desk, "first", on).await;
    let copy = desk.copy_relay().await;
    let devices = ["first".to_owned(), format!("first {CANARY}")];
    let secrets = secrets(&desk, &copy, &phrase, &devices, on);
    assert!(secrets.len() >= 3 + 5 + 10, "keys of two devices, two epochs and the phrase");
    let stored = on_disk(&copy);
    assert!(stored.len() > 10_000);
    let words: Vec<&str> = phrase.words().collect();
    for text in [CANARY, &CANARY[2..10], &words.join(" "), "Europe/Berlin"] {
        assert!(!finds(&stored, text.as_bytes()), "{text}");
    }
    for (name, secret) in &secrets {
        assert!(!finds(&stored, secret), "{name}");
    }
    let all: Vec<u8> = secrets.iter().flat_map(|(_, secret)| secret.to_vec()).collect();
    let careless = secret_of(&desk, "first", on);
    leak(&copy, &phrase, &careless, &[CANARY.as_bytes(), &all].concat());
    let leaked = on_disk(&copy);
    assert!(finds(&leaked, CANARY.as_bytes()));
    assert!(secrets.iter().all(|(_, secret)| finds(&leaked, secret)));
}

/// Everything in a space's roster that names somebody: keys and ids.
fn names(copy: &Path, phrase: &Phrase) -> BTreeSet<Vec<u8>> {
    let relay = relay_at(copy);
    let inside = Inside::new(&relay, phrase, kit::now_ms());
    let state = inside.roster.state();
    let mut names = BTreeSet::from([state.recovery.0.to_vec(), state.recovery_kem.0.to_vec()]);
    for (author, member) in &state.members {
        names.insert(author.0.to_vec());
        names.insert(member.device.key.0.to_vec());
        names.insert(member.device.kem.0.to_vec());
    }
    names
}

/// The records that a relay keeps of one space.
fn records_of(copy: &Path, phrase: &Phrase) -> Vec<u8> {
    let space = Recovery::derive(phrase).space_id();
    let store = SledStore::open(&copy.join("data")).unwrap().store;
    let mut all = Vec::new();
    let from = [b"S", space.as_bytes()].concat();
    let scanned = store.scan(&from, None, &mut |key, value| {
        if !key.starts_with(&from) {
            return std::ops::ControlFlow::Break(());
        }
        all.extend_from_slice(value);
        all.extend_from_slice(&key[from.len()..]);
        std::ops::ControlFlow::Continue(())
    });
    scanned.unwrap();
    all
}

// Broken on purpose: leaving the space out of `DeviceSecret::keys`' derivation made it fail.
async fn two_spaces(on: Backend) {
    let mut desk = Desk::new().await;
    let (phone, one) = desk.phone("first", on).await;
    phone.log(note("of the first"), kit::days_ago(0)).await.unwrap();
    phone.sync().await.unwrap();
    phone.suspend().await.unwrap();
    // A second journal of the same device: one secret in the key store, two spaces.
    let mut config = desk.config("first", on);
    config.dir = desk.dir.path().join("second journal");
    let (second, two) = Engine::create(config).await.unwrap();
    second.set_relay(desk.relay.address()).await.unwrap();
    second.log(note("of the second"), kit::days_ago(0)).await.unwrap();
    second.sync().await.unwrap();

    let copy = desk.copy_relay().await;
    let (of_one, of_two) = (names(&copy, &one), names(&copy, &two));
    assert!(of_one.len() == 5 && of_one.is_disjoint(&of_two));
    let (in_one, in_two) = (records_of(&copy, &one), records_of(&copy, &two));
    assert!(of_one.iter().all(|name| finds(&in_one, name)), "the search finds what is there");
    assert!(!of_one.iter().any(|name| finds(&in_two, name)));
    assert!(!of_two.iter().any(|name| finds(&in_one, name)));
}

on_both_stores!(
    no_word_and_no_key,
    fn a_real_relays_disk_holds_no_word_and_no_key_on_sled(),
    fn a_real_relays_disk_holds_no_word_and_no_key_on_redb()
);
on_both_stores!(
    two_spaces,
    fn two_journals_of_one_device_share_no_key_on_the_relay_on_sled(),
    fn two_journals_of_one_device_share_no_key_on_the_relay_on_redb()
);
