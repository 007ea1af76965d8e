use mainstay_protocol::frame::{Refusal, Reply, Request};
use mainstay_protocol::ids::MailboxId;
use mainstay_protocol::limits::MAX_MAILBOX_LIFE_MS;
use mainstay_protocol::mailbox::Letter;

use super::kit::*;
use crate::relay::MAX_OPEN_MAILBOXES;

const BOX: MailboxId = MailboxId([4; 32]);

fn letter(byte: u8) -> Letter {
    Letter { sealed: vec![byte; 4096].into() }
}

fn put(place: u32, byte: u8) -> Request {
    Request::PutLetter { mailbox: BOX, place, letter: letter(byte) }
}

fn opened() -> Two {
    let mut t = two();
    let open = Request::OpenMailbox { space: t.world.id, mailbox: BOX, life_ms: 100 };
    assert_eq!(ask(&t.relay, &mut t.of_a, open), Reply::Done);
    t
}

#[test]
fn letters_are_added_at_the_next_place_only_by_anybody_who_knows_the_mailbox() {
    let t = opened();
    let mut stranger = connection(5);
    assert_eq!(ask(&t.relay, &mut stranger, put(0, 1)), Reply::Done);
    assert_eq!(ask(&t.relay, &mut stranger, put(0, 1)), Reply::Done, "a lost acknowledgement");
    assert_eq!(refusal(&t.relay, &mut stranger, put(0, 2)), Refusal::Mailbox);
    assert_eq!(refusal(&t.relay, &mut stranger, put(2, 2)), Refusal::Mailbox);
    assert_eq!(ask(&t.relay, &mut stranger, put(1, 2)), Reply::Done);
    let letters = ask(&t.relay, &mut stranger, Request::Letters { mailbox: BOX, after: 1 });
    assert_eq!(letters, Reply::Letters { letters: vec![letter(2)] });
}

#[test]
fn a_mailbox_is_bounded_in_letters_size_life_and_number() {
    let mut t = opened();
    for place in 0..8 {
        ask(&t.relay, &mut connection(5), put(place, 1));
    }
    assert_eq!(refusal(&t.relay, &mut connection(5), put(8, 1)), Refusal::Mailbox);
    let long = Letter { sealed: vec![0; 4097].into() };
    let long = Request::PutLetter { mailbox: BOX, place: 0, letter: long };
    let refused = refusal(&t.relay, &mut connection(5), long);
    assert!(matches!(refused, Refusal::Malformed { .. }));
    let space = t.world.id;
    let open =
        |name, life_ms| Request::OpenMailbox { space, mailbox: MailboxId([name; 32]), life_ms };
    let refused = refusal(&t.relay, &mut t.of_a, open(50, MAX_MAILBOX_LIFE_MS + 1));
    assert!(matches!(refused, Refusal::Malformed { .. }));
    for name in 1..MAX_OPEN_MAILBOXES as u8 {
        assert_eq!(ask(&t.relay, &mut t.of_a, open(50 + name, 100)), Reply::Done);
    }
    assert_eq!(refusal(&t.relay, &mut t.of_a, open(99, 100)), Refusal::Mailbox);
}

#[test]
fn an_expired_or_closed_mailbox_is_gone_and_makes_room() {
    let mut t = opened();
    ask(&t.relay, &mut connection(5), put(0, 1));
    let late = t.relay.handle(&mut connection(5), put(1, 1), NOW_MS + 100);
    assert_eq!(late, [Reply::Refused(Refusal::Mailbox)]);
    t.relay.sweep(NOW_MS + 100).unwrap();
    let letters = Request::Letters { mailbox: BOX, after: 0 };
    assert_eq!(refusal(&t.relay, &mut connection(5), letters.clone()), Refusal::Mailbox);

    let space = t.world.id;
    let open = Request::OpenMailbox { space, mailbox: BOX, life_ms: 100 };
    assert_eq!(ask(&t.relay, &mut t.of_a, open), Reply::Done);
    let empty = Reply::Letters { letters: vec![] };
    assert_eq!(ask(&t.relay, &mut connection(5), letters.clone()), empty);
    let close = Request::CloseMailbox { space, mailbox: BOX };
    assert_eq!(ask(&t.relay, &mut t.of_b, close), Reply::Done);
    assert_eq!(refusal(&t.relay, &mut connection(5), letters), Refusal::Mailbox);
}

#[test]
fn only_an_active_device_opens_a_mailbox_and_only_its_own_space_closes_it() {
    let mut t = opened();
    let space = t.world.id;
    let open = Request::OpenMailbox { space, mailbox: MailboxId([8; 32]), life_ms: 1 };
    assert_eq!(refusal(&t.relay, &mut connection(5), open), Refusal::NotAuthorised);
    let (other, device) = World::found(60, 61);
    ask(&t.relay, &mut t.of_a, other.create(mainstay_protocol::frame::Admission::Open));
    let mut elsewhere = other.attached(&t.relay, &device);
    let close = Request::CloseMailbox { space: other.id, mailbox: BOX };
    assert_eq!(refusal(&t.relay, &mut elsewhere, close), Refusal::Mailbox);
}
