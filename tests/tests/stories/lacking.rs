//! A device with a mistake in its app: it packs a month and says that it covers what is not in it. And one
//! whose app is older than what it packs.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use mainstay_core::chapter::{Bundle, BundledDoc, PROJECTION, Page, Payload, SlotName};
use mainstay_core::document::{EntryDoc, PlanDoc};
use mainstay_core::plan::{PlanEdit, Section};
use mainstay_core::space::seal;
use mainstay_core::sync::Local;
use mainstay_protocol::envelope::{Chunk, Envelope, Header, Kind};
use mainstay_protocol::frame::{ItemBody, Reply, Request};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{AuthorHead, Head};
use mainstay_protocol::ids::AuthorId;
use mainstay_tests::inside::Inside;
use mainstay_tests::network::{Line, Meddle, Turn};

use super::{DAY_MS, Phone, Phrase, World, edit, log, round, rows, two};

/// A snapshot that a phone makes by hand.
struct Made {
    slot: SlotName,
    bytes: Vec<u8>,
    /// What its header says of its documents, if it says anything.
    documents: Option<Vec<u8>>,
}

/// The phone pushes it, under a header that covers every chain of the slot. The relay takes it.
fn push_by_hand(world: &mut World, phrase: &Phrase, phone: &Phone, made: Made) {
    let space = phone.replica.space();
    let author = phone.secret.keys(&space, 0).author;
    let mut inside = Inside::new(&world.relay, phrase, world.now_ms as u64);
    let all: Vec<Envelope> = inside.envelopes().into_iter().map(|(_, envelope)| envelope).collect();
    let slot = inside.keyring.space_key().slot(made.slot);
    let mut heads: BTreeMap<AuthorId, Head> = BTreeMap::new();
    for envelope in all.iter().filter(|e| e.header().slot == slot) {
        let header = envelope.header();
        let head = Head { seq: header.seq, hash: envelope.hash(&space) };
        let covered = header.covers.iter().map(|cover| (cover.author, cover.head));
        for (author, head) in covered.chain([(header.author, head)]) {
            let newest = heads.entry(author).or_insert(head);
            *newest = if newest.seq < head.seq { head } else { *newest };
        }
    }
    let last = heads.get(&author.author_id()).copied();
    let covers: Vec<AuthorHead> =
        heads.into_iter().map(|(author, head)| AuthorHead { author, head }).collect();
    let like = all.last().unwrap().header().clone();
    let space_key = inside.keyring.space_key();
    let header = Header {
        slot,
        author: author.author_id(),
        seq: last.map_or(1, |head| head.seq + 1),
        previous: last.map_or(Hash([0; 32]), |head| head.hash),
        kind: Kind::Snapshot,
        chunk: Chunk::WHOLE,
        contents: made.documents.map(|listed| space_key.contents(&slot, &covers, &listed)),
        covers,
        destroys: false,
        news: false,
        forgets: 0,
        ..like
    };
    let payload = Payload::Part { slot: made.slot, bytes: made.bytes.into() }.to_bytes();
    let epoch = inside.keyring.epoch(&header.epoch).unwrap().clone();
    let sealed = seal::seal(&mut world.rng, &space, header, (&epoch, &author), &payload).unwrap();
    let mut connection = world.greet_as(space, &author).unwrap().connection;
    let push = Request::Push { space, envelopes: vec![sealed.to_bytes().into()] };
    let reply = world.handle(&mut connection, push).remove(0);
    assert!(matches!(reply, Reply::Pushed { .. }), "{reply:?}");
}

/// A faulty phone's chapter: these documents and no others, and what its header says of them.
fn chapter(month: u16, docs: Vec<BundledDoc>, says: bool) -> Made {
    let state = |doc: &BundledDoc| EntryDoc::load(&doc.saved).unwrap().heads().digest();
    let listed = docs.iter().flat_map(|doc| [doc.entry, state(doc)].concat()).collect();
    let bytes = Bundle { docs, forgotten: vec![] }.to_bytes();
    Made { slot: SlotName::Chapter(month), bytes, documents: says.then_some(listed) }
}

/// What lies packed on the relay of the month with these many documents.
fn packed(world: &World, phrase: &Phrase, many: usize) -> Vec<BundledDoc> {
    let bundles = Inside::new(&world.relay, phrase, world.now_ms as u64).bundles();
    bundles.into_iter().map(|bundle| bundle.docs).find(|docs| docs.len() == many).unwrap()
}

/// Everything that was there is shown, said to be on the relay, and comes to whoever is new.
fn all_is_there(world: &mut World, phrase: &Phrase, own: &mut Phone, expected: &[String]) {
    world.sync(own).unwrap();
    world.sync(own).unwrap();
    assert_eq!(texts(own), expected);
    let status = own.replica.status(world.now_ms).unwrap();
    assert_eq!((status.waiting, status.on_relay), (0, expected.len() as u64));
    let mut new = world.restore(phrase).unwrap();
    world.sync(&mut new).unwrap();
    assert_eq!(texts(&mut new), expected);
}

fn texts(phone: &mut Phone) -> Vec<String> {
    let rows = rows(phone);
    let mut texts: Vec<String> =
        rows.iter().map(|row| row.fields["note"].as_str().unwrap().to_owned()).collect();
    texts.sort();
    texts
}

// Broken on purpose: `Replica::has_other_contents` finding none made it fail, also where nothing is said.
#[test]
fn a_chapter_that_covers_what_it_lacks_takes_nothing_away_while_a_device_has_it() {
    for says in [true, false] {
        let (mut world, phrase, mut own, mut faulty) = two(170);
        let id = log(&world, &mut own, "a");
        log(&world, &mut own, "b");
        log(&world, &mut own, "c");
        log(&world, &mut faulty, "d");
        round(&mut world, &mut [&mut own, &mut faulty]);
        let made = chapter(id.month().index(), vec![], says);
        push_by_hand(&mut world, &phrase, &faulty, made);
        // It has heard of that snapshot, and time was up before it could look.
        let mut line = Line { turns_left: Some(1), ..Line::default() };
        assert_eq!(world.sync_over(&mut own, &mut line).unwrap(), Turn::Cut);
        let status = own.replica.status(world.now_ms).unwrap();
        assert_eq!((status.entries, status.on_relay), (4, 0), "nothing is said that may not be so");
        all_is_there(&mut world, &phrase, &mut own, &["a", "b", "c", "d"].map(str::to_owned));
    }
}

// Broken on purpose: the same.
#[test]
fn a_chapter_that_lacks_packed_documents_or_their_last_edits_takes_nothing_away_either() {
    for (leaves_out, says) in [(true, true), (false, true), (true, false), (false, false)] {
        let (mut world, phrase, mut own, mut faulty) = two(171);
        let id = log(&world, &mut own, "a");
        log(&world, &mut own, "b");
        let other = log(&world, &mut faulty, "c");
        round(&mut world, &mut [&mut own, &mut faulty]);
        world.now_ms += 45 * DAY_MS;
        round(&mut world, &mut [&mut own, &mut faulty]);
        // Without the edits, and perhaps without one document.
        let mut docs = packed(&world, &phrase, 3);
        edit(&world, &mut own, id, "a, edited");
        edit(&world, &mut faulty, other, "c, edited there");
        round(&mut world, &mut [&mut own, &mut faulty]);
        docs.truncate(if leaves_out { 2 } else { 3 });
        let made = chapter(id.month().index(), docs, says);
        push_by_hand(&mut world, &phrase, &faulty, made);
        let expected = ["a, edited", "b", "c, edited there"].map(str::to_owned);
        all_is_there(&mut world, &phrase, &mut own, &expected);
    }
}

// Broken on purpose: `Replica::adopt_plan` never marking the plan anew made it fail.
#[test]
fn a_plan_that_was_packed_without_all_that_it_covers_takes_nothing_away() {
    for says in [true, false] {
        let (mut world, phrase, mut own, mut faulty) = two(174);
        add_reason(&world, &mut own, "June");
        round(&mut world, &mut [&mut own, &mut faulty]);
        let earlier = own.replica.plan_document().to_vec();
        add_reason(&world, &mut own, "July");
        add_reason(&world, &mut faulty, "August");
        round(&mut world, &mut [&mut own, &mut faulty]);
        let listed = PlanDoc::load(&earlier).unwrap().heads().digest().to_vec();
        let made = Made { slot: SlotName::Plan, bytes: earlier, documents: says.then_some(listed) };
        push_by_hand(&mut world, &phrase, &faulty, made);
        world.sync(&mut own).unwrap();
        world.sync(&mut own).unwrap();
        let mut new = world.restore(&phrase).unwrap();
        world.sync(&mut new).unwrap();
        assert_eq!(reasons(&new), reasons(&own));
        assert_eq!(reasons(&new), ["August", "July", "June"]);
    }
}

fn add_reason(world: &World, phone: &mut Phone, text: &str) {
    let (id, section, text) = (phone.replica.new_item_id(), Section::Reasons, text.to_owned());
    let add = PlanEdit::Add { id, section, text, details: Default::default(), position: None };
    phone.replica.edit_plan(&add, world.now_ms).unwrap();
}

fn reasons(phone: &Phone) -> Vec<String> {
    let plan = phone.replica.plan();
    let items = plan.section(&Section::Reasons).iter();
    let mut texts: Vec<String> = items.map(|item| item.text.clone()).collect();
    texts.sort();
    texts
}

// Broken on purpose: `listed` leaving out the first document made it fail.
#[test]
fn who_has_every_document_of_a_packed_month_does_not_fetch_it() {
    let (mut world, phrase, mut own, mut other) = two(173);
    for n in 0..6 {
        let id = log(&world, &mut own, &format!("{n}"));
        log(&world, &mut other, &format!("{n} there"));
        round(&mut world, &mut [&mut own, &mut other]);
        edit(&world, &mut other, id, &format!("{n}, edited there"));
    }
    add_reason(&world, &mut own, "June");
    round(&mut world, &mut [&mut own, &mut other]);
    world.now_ms += 45 * DAY_MS;
    world.sync(&mut own).unwrap();
    assert_eq!(packed(&world, &phrase, 12).len(), 12);
    let bodies = Rc::new(Cell::new(0));
    let count = bodies.clone();
    let meddle: Meddle = Box::new(move |_, replies| {
        for reply in &replies {
            let Reply::Items { items, .. } = reply else { continue };
            let whole = items.iter().filter(|item| matches!(item.body, ItemBody::Whole(_)));
            count.set(count.get() + whole.count());
        }
        replies
    });
    let mut line = Line { meddle: Some(meddle), ..Line::default() };
    world.sync_over(&mut other, &mut line).unwrap();
    assert!(line.envelopes > 0, "it heard that the month was packed");
    assert_eq!(bodies.get(), 0);
}

/// The other way round: this version is the older one. What it does not know stays when it packs the month
/// anew, and rows of a newer meaning are left alone.
#[test]
fn a_month_that_a_newer_version_wrote_stays_whole_when_an_older_one_packs_it_again() {
    use automerge::transaction::Transactable;
    use automerge::{Automerge, ROOT, ReadDoc};
    let (mut world, phrase, mut own, mut newer) = two(172);
    let id = log(&world, &mut newer, "a");
    log(&world, &mut own, "b");
    round(&mut world, &mut [&mut own, &mut newer]);
    world.now_ms += 45 * DAY_MS;
    round(&mut world, &mut [&mut own, &mut newer]);
    let mut docs = packed(&world, &phrase, 2);
    let written = docs.iter_mut().find(|doc| doc.entry == *id.as_bytes()).unwrap();
    let mut document = Automerge::load(&written.saved).unwrap();
    let mut tx = document.transaction();
    tx.put(ROOT, "newer_field", "of a newer version").unwrap();
    tx.put_object(ROOT, "newer_list", automerge::ObjType::List).unwrap();
    tx.commit();
    written.saved = document.save_nocompress().into();
    let month = id.month().index();
    push_by_hand(&mut world, &phrase, &newer, chapter(month, docs, true));
    let page = Page { projection: PROJECTION + 1, rows: vec![] };
    let made = Made { slot: SlotName::Page(month), bytes: page.to_bytes(), documents: None };
    push_by_hand(&mut world, &phrase, &newer, made);

    let mut new = world.link(&mut own, "third").unwrap();
    world.sync(&mut new).unwrap();
    assert_eq!(texts(&mut new), ["a", "b"]);
    world.sync(&mut own).unwrap();
    edit(&world, &mut own, id, "a, edited");
    world.sync(&mut own).unwrap();
    world.now_ms += 45 * DAY_MS;
    round(&mut world, &mut [&mut own]);
    let again = Inside::new(&world.relay, &phrase, world.now_ms as u64).bundles().pop().unwrap();
    let again = Automerge::load(again.find(&id).unwrap()).unwrap();
    for kept in ["newer_field", "newer_list"] {
        assert!(again.get(ROOT, kept).unwrap().is_some(), "{kept}");
    }
    let edited = again.get(ROOT, "note").unwrap().unwrap();
    assert!(format!("{edited:?}").contains("a, edited"), "it was packed again: {edited:?}");
    all_is_there(&mut world, &phrase, &mut own, &["a, edited", "b"].map(str::to_owned));
}
