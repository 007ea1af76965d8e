//! Check 22: no key in any address or plain field, and no word.

use std::collections::BTreeSet;

use mainstay_core::care::{SharedBody, Target};
use mainstay_core::engine::{Job, Offer};
use mainstay_core::journal::{Fields, Patch};
use mainstay_core::plan::{PlanEdit, Section};
use mainstay_core::space::link::Invitation;
use mainstay_core::space::phrase::Phrase;
use mainstay_core::space::recovery::Recovery;
use mainstay_core::space::root::open_root;
use mainstay_core::space::test_kit::{self, Secret};
use mainstay_core::sync::Local;
use mainstay_protocol::codec;
use mainstay_protocol::frame::Request;
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::mailbox::Letter;
use mainstay_sync_server::relay::Connection;
use mainstay_tests::inside::Inside;
use mainstay_tests::search::Search;
use mainstay_tests::sharing::consent;
use mainstay_tests::stores;
use mainstay_tests::world::{EXPORTER, Phone, World};
use zeroize::Zeroizing;

use super::Vault;
use crate::kit::{DAY_MS, Pair, edit, log, log_urge, pair};

/// How bytes are written in texts, beside hex: the letters, and how many bits one has.
const LETTERS: [(&str, &[u8], u32); 5] = [
    ("base64", b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 6),
    ("base64url", b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 6),
    ("bech32", b"qpzry9x8gf2tvdw0s3jn54khce6mua7l", 5),
    ("base32", b"abcdefghijklmnopqrstuvwxyz234567", 5),
    ("base32 of checkpoints", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", 5),
];

/// The letters of some bytes that lie `before` bytes after the beginning of a text: those that depend
/// on nothing around them.
fn written(bytes: &[u8], (letters, bits): (&[u8], u32), before: usize) -> Vec<u8> {
    let all = [&vec![0; before][..], bytes].concat();
    let first = (before * 8).div_ceil(bits as usize);
    let last = all.len() * 8 / bits as usize;
    let bit = |at: usize| usize::from(all[at / 8] >> (7 - at % 8) & 1);
    let letter = |n: usize| {
        let from = n * bits as usize;
        letters[(from..from + bits as usize).fold(0, |value, at| value << 1 | bit(at))]
    };
    (first..last).map(letter).collect()
}

/// Looks for a secret as it is, in hex, and in every alphabet at every place of a text.
fn look_for(search: &mut Search, name: &str, secret: &[u8]) {
    search.add(name, secret);
    let upper: String = secret.iter().map(|byte| format!("{byte:02X}")).collect();
    search.add(&format!("{name} in capitals"), upper.as_bytes());
    for (alphabet, letters, bits) in LETTERS {
        for before in 0..if bits == 6 { 3 } else { 5 } {
            let text = written(secret, (letters, bits), before);
            search.add(&format!("{name} in {alphabet} after {before}"), &text);
            if bits == 5 {
                let name = format!("{name} in {alphabet} after {before}, other case");
                let turn = |byte: &u8| match byte.is_ascii_lowercase() {
                    true => byte.to_ascii_uppercase(),
                    false => byte.to_ascii_lowercase(),
                };
                search.add(&name, &text.iter().map(turn).collect::<Vec<_>>());
            }
        }
    }
}

/// The bytes of an invitation's text, and its secret, which stands behind the share's id there.
fn inside_of(text: &str, share: &SpaceId) -> (Vec<u8>, Zeroizing<Vec<u8>>) {
    let (_, letters, bits) = LETTERS[3];
    let digits = text.split_once(':').unwrap().1.bytes();
    let values = digits.map(|digit| letters.iter().position(|known| *known == digit).unwrap());
    let bits: Vec<bool> =
        values.flat_map(|value| (0..bits).rev().map(move |bit| value >> bit & 1 == 1)).collect();
    let byte = |bits: &[bool]| bits.iter().fold(0, |byte: u8, bit| byte << 1 | u8::from(*bit));
    let bytes: Vec<u8> = bits.as_chunks::<8>().0.iter().map(|bits| byte(bits)).collect();
    let at = bytes.windows(32).position(|window| window == share.as_bytes()).unwrap();
    assert_eq!(bytes[at + 32..at + 34], [0x58, 32], "32 bytes of CBOR");
    let secret = Zeroizing::new(bytes[at + 34..at + 66].to_vec());
    (bytes, secret)
}

/// Every secret of a person, in their journal and in a share.
fn secrets_of(world: &World, phrase: &Phrase, phones: &[&Phone], share: &SpaceId) -> Vec<Secret> {
    let inside = Inside::new(&world.relay, phrase, world.now_ms as u64);
    let mut all = test_kit::of_phrase(phrase);
    all.extend(test_kit::of_keyring(&inside.keyring));
    for phone in phones {
        for generation in 0..2 {
            all.extend(test_kit::of_device(&phone.secret, &phone.replica.space(), generation));
            all.extend(test_kit::of_device(&phone.secret, share, generation));
        }
    }
    let vault = Vault::of(world, phrase, share);
    vault.secrets.iter().for_each(|secret| all.extend(test_kit::of_member(secret)));
    all.extend(test_kit::of_keyring(&vault.keyring));
    all
}

// Broken on purpose: the invitation's secret for the name of its mailbox made it fail.
#[test]
fn check_22_no_key_lies_in_anything_that_the_relay_receives_keeps_or_anybody_logs() {
    let mut p = pair(3500, "notes:full,plan:view");
    p.world.received = Some(Vec::new());
    // A whole life once more, on the record: another share, a device that goes, a revoke.
    let mut old = p.world.link(&mut p.phone, "old").unwrap();
    p.world.sync_all(&mut old).unwrap();
    let given = consent("Ana", "notes:full", p.world.now_ms);
    let (share, text) = p.world.invite(&mut p.phone, given).unwrap();
    let mut logged = Vec::new();
    p.world.answer(&mut p.laptop, &text).unwrap();
    for _ in 0..2 {
        p.world.sync_all(&mut p.laptop).unwrap();
        p.world.sync_all(&mut p.phone).unwrap();
        logged.push(format!("{:?}", p.phone.replica.shares(p.world.now_ms).unwrap()));
    }
    p.phone.replica.confirm_share(&share, p.world.now_ms).unwrap();
    log(&p.world, &mut p.phone, "words");
    p.round();
    p.phone.replica.ask(Job::Remove(old.replica.author()));
    p.round();
    for device in [&mut p.phone, &mut p.laptop] {
        logged.push(format!("{:?}", device.replica.shares(p.world.now_ms).unwrap()));
    }
    let wrong = [format!("{text}x"), text.replace("mainstay-share", "mainstay-link")];
    logged.extend(wrong.map(|text| format!("{:?}", Invitation::parse_share(&text).unwrap_err())));
    logged.push(format!("{:?}", Invitation::parse_share(&text).unwrap()));
    let mut all = secrets_of(&p.world, &p.phrase, &[&p.phone, &old], &share);
    all.extend(secrets_of(&p.world, &p.words, &[&p.laptop], &share));
    let sealed = Vault::of(&p.world, &p.phrase, &share).sealed_root();
    let root = open_root(&sealed, &share, Recovery::derive(&p.phrase).kem()).unwrap();
    all.extend(test_kit::of_root(&root));
    p.phone.replica.end_share(&share, p.world.now_ms).unwrap();
    for _ in 0..3 {
        let _ = p.world.sync_all(&mut p.phone);
        let done = p.world.sync_all(&mut p.laptop);
        logged.push(format!("{done:?}"));
    }

    let mut search = Search::default();
    for (at, (name, bytes)) in all.iter().enumerate() {
        look_for(&mut search, &format!("{name} ({at})"), bytes);
    }
    // In the invitation stands its own secret, and no other.
    let (bytes, secret) = inside_of(&text, &share);
    assert_eq!(search.found_in(&[text.as_bytes(), &bytes].concat()), BTreeSet::new());
    look_for(&mut search, "an invitation's secret", &secret);
    assert!(!search.found_in(text.as_bytes()).is_empty(), "it is there to be found");
    let received = p.world.received.replace(Vec::new()).unwrap();
    assert!(received.len() > 50_000, "{} bytes", received.len());
    for place in [&received, &stores::bytes(&p.world.relay_store), &logged.concat().into_bytes()] {
        assert_eq!(search.found_in(place), BTreeSet::new());
    }

    let invitation = Invitation::parse_share(&text).unwrap();
    each_is_found_where_somebody_sends_it(&mut p.world, &search, &invitation);
}

/// Each is found, in every form, where somebody careless sends it.
fn each_is_found_where_somebody_sends_it(
    world: &mut World,
    search: &Search,
    invitation: &Invitation,
) {
    let names = search.names();
    let all: Vec<u8> = names.iter().flat_map(|n| search.bytes(n).unwrap().to_vec()).collect();
    let (mailbox, letter) = (invitation.mailbox(), Letter { sealed: all.into() });
    let letter = Request::PutLetter { mailbox, place: 9, letter };
    let mut connection = Connection::new(Box::new(|_| EXPORTER));
    world.handle(&mut connection, letter);
    let received = world.received.take().unwrap();
    assert!(names.is_subset(&search.found_in(&received)));
}

/// All the words that a device shows of a share and of who is in it, and of the person's devices.
fn shown(phone: &mut Phone, share: &SpaceId, now_ms: i64) -> Vec<u8> {
    let heard = phone.replica.heard(share, now_ms).unwrap();
    let mut all: Vec<u8> = heard.iter().flat_map(|heard| codec::encode(&heard.record)).collect();
    all.extend(phone.replica.consent_of(share).unwrap().unwrap().to_bytes().unwrap());
    for info in phone.replica.shares(now_ms).unwrap() {
        let names = info.members.into_iter().filter_map(|member| member.name);
        all.extend(names.chain([info.peer]).flat_map(String::into_bytes));
    }
    all.extend(phone.replica.devices().into_iter().flat_map(|device| device.name.into_bytes()));
    all
}

// Broken on purpose: an `aead::seal` that seals nothing made it fail.
#[test]
fn check_22_no_word_of_a_share_lies_in_anything_that_the_relay_receives_or_keeps() {
    let mut search = Search::default();
    // Each stands in one place only.
    let mut word = |place: &str, word: &'static str| {
        search.add(place, word.as_bytes());
        word
    };
    let mut world = World::new(3501);
    world.received = Some(Vec::new());
    let phrase = Phrase::make(&mut world.rng);
    let mut phone = world.phone(&phrase);
    world.sync_all(&mut phone).unwrap();
    let old = world.link(&mut phone, word("a device of the person's", "Cinderella")).unwrap();
    let (words, mut laptop) = world.counsellor();
    world.sync_all(&mut laptop).unwrap();
    world.link(&mut laptop, word("a device of the counsellor's", "Rumpelstilt")).unwrap();
    let name = word("the recipient's name", "Bartholomew");
    let mut given = consent(name, "notes:full,urges:full,plan:edit", world.now_ms);
    given.recipient.organisation = word("where they work", "Wintergreen").to_owned();
    given.recipient.role = word("what they are", "storyteller").to_owned();
    given.purpose = word("what it is for", "periwinkles").to_owned();
    given.jurisdiction = word("whose law applies", "Ruritanian").to_owned();
    let offer = Offer {
        name: word("the person's name", "Persephone").to_owned(),
        peer: word("what the person calls the counsellor", "Nightingale").to_owned(),
        consent: given,
        life_ms: 7 * DAY_MS as u64,
    };
    let (share, invitation) = phone.replica.open_share(&offer, world.now_ms).unwrap();
    world.sync_all(&mut phone).unwrap();
    let names = (
        word("the counsellor's name", "Gwendolynne"),
        word("what the counsellor calls the person", "Kingfisher"),
    );
    laptop.replica.answer_invitation(invitation.clone(), names, world.now_ms).unwrap();
    world.sync_all(&mut laptop).unwrap();
    world.sync_all(&mut phone).unwrap();
    world.sync_all(&mut laptop).unwrap();
    phone.replica.confirm_share(&share, world.now_ms).unwrap();
    let mut p = Pair { world, phrase, phone, words, laptop, share };
    p.round();

    let now_ms = p.world.now_ms;
    let entry = log(&p.world, &mut p.phone, word("an entry", "quicksilver"));
    log_urge(&p.world, &mut p.phone, 70, word("thoughts of an urge", "honeycombed"));
    let add = |phone: &mut Phone, text: &str| PlanEdit::Add {
        id: phone.replica.new_item_id(),
        section: Section::Supports,
        text: text.to_owned(),
        details: Fields::new(),
        position: None,
    };
    let line = add(&mut p.phone, word("a line of the plan", "cobblestone"));
    p.phone.replica.edit_plan(&line, now_ms).unwrap();
    p.round();
    let theirs = add(&mut p.laptop, word("a line by the counsellor", "mulberries"));
    p.laptop.replica.edit_shared_plan(&share, &theirs, now_ms).unwrap();
    let proposal = SharedBody::Proposal {
        section: Section::Supports,
        item: None,
        text: word("a proposal", "marmalades").to_owned(),
        details: Fields::new(),
        why: word("why it is proposed", "pomegranate").to_owned(),
        written_at_ms: now_ms,
    };
    p.laptop.replica.say_in(&share, proposal, now_ms).unwrap();
    let comment = |on: Target, text: &str| SharedBody::Comment {
        on,
        text: text.to_owned(),
        written_at_ms: now_ms,
    };
    let on_entry = Target::Record(p.phone.replica.record_of(&share, &entry).unwrap());
    let said = comment(on_entry, word("a comment of the counsellor's", "dragonflies"));
    p.laptop.replica.say_in(&share, said, now_ms).unwrap();
    let said = comment(Target::Plan, word("a comment of the person's", "woodpeckers"));
    p.phone.replica.say_in(&share, said, now_ms).unwrap();
    p.round();
    let before = [shown(&mut p.phone, &share, now_ms), shown(&mut p.laptop, &share, now_ms)];

    // All of it once more, in other words.
    edit(&p.world, &mut p.phone, entry, word("an entry, edited", "thistledown"));
    let PlanEdit::Add { id, .. } = line else { panic!() };
    let text = Some(word("a line, edited", "lighthouses").to_owned());
    p.phone.replica.edit_plan(&PlanEdit::Edit { id, text, details: Patch::new() }, now_ms).unwrap();
    let consent = p.phone.replica.consent_of(&share).unwrap().unwrap();
    let mut later = consent.clone();
    later.purpose = word("what it is for by now", "snowdropped").to_owned();
    p.phone.replica.set_consent(&share, &later.following(&consent), now_ms).unwrap();
    p.phone.replica.ask(Job::Remove(old.replica.author()));
    p.round();
    let after = [shown(&mut p.phone, &share, now_ms), shown(&mut p.laptop, &share, now_ms)];
    let there = search.found_in(&[before.concat(), after.concat()].concat());
    assert_eq!(there, search.names(), "all of it was said, and arrived");

    let kept = stores::bytes(&p.world.relay_store);
    p.phone.replica.end_share(&share, now_ms).unwrap();
    for _ in 0..3 {
        let _ = p.world.sync_all(&mut p.phone);
        let _ = p.world.sync_all(&mut p.laptop);
    }
    let received = p.world.received.replace(Vec::new()).unwrap();
    assert!(received.len() > 50_000, "{} bytes", received.len());
    for place in [&received, &kept, &stores::bytes(&p.world.relay_store)] {
        assert_eq!(search.found_in(place), BTreeSet::new());
    }
    each_is_found_where_somebody_sends_it(&mut p.world, &search, &invitation);
}
