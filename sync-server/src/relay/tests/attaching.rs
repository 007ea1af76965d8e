use mainstay_protocol::frame::{Attach, Refusal, Request, Signer};

use super::kit::*;

#[test]
fn a_signature_made_for_another_connection_is_refused() {
    let t = two();
    let attach = t.world.attach_as(&t.a, t.a.signer(), [6; 32]);
    let refused = refusal(&t.relay, &mut connection(5), Request::Attach(attach));
    assert_eq!(refused, Refusal::NotAuthorised);
}

#[test]
fn a_later_attachment_of_the_same_signer_needs_no_signature() {
    let mut t = two();
    let again = |signer| Attach { space: t.world.id, signer, signature: None, cursor: None };
    attach(&t.relay, &mut t.of_a, again(t.a.signer()));
    let other = refusal(&t.relay, &mut t.of_a, Request::Attach(again(t.b.signer())));
    assert_eq!(other, Refusal::NotAuthorised);
    let fresh = refusal(&t.relay, &mut connection(5), Request::Attach(again(t.a.signer())));
    assert_eq!(fresh, Refusal::NotAuthorised);
}

#[test]
fn a_key_that_was_never_admitted_attaches_to_nothing() {
    let t = two();
    let stranger = Key::new(77);
    for signer in [stranger.signer(), Signer::Recovery, t.a.signer()] {
        let attach = t.world.attach_as(&stranger, signer, [5; 32]);
        let refused = refusal(&t.relay, &mut connection(5), Request::Attach(attach));
        assert_eq!(refused, Refusal::NotAuthorised);
    }
}

#[test]
fn an_unknown_space_is_called_unknown() {
    let (world, a) = World::found(30, 31);
    let attach = world.attach_as(&a, a.signer(), [5; 32]);
    let refused = refusal(&relay(), &mut connection(5), Request::Attach(attach));
    assert_eq!(refused, Refusal::UnknownSpace);
}

#[test]
fn without_attachment_nothing_of_a_space_is_served() {
    let t = two();
    let space = t.world.id;
    let requests = [
        Request::Roster { space, known: None },
        Request::Wraps { space },
        Request::Heads { space },
        Request::Slots { space },
        Request::Receipts { space, after: 0 },
        Request::Subscribe { space },
        Request::Pull { space, pull: after(start(&t.relay)) },
        push_request(space, &[]),
        t.world.append(t.world.head()),
    ];
    for request in requests {
        assert_eq!(refusal(&t.relay, &mut connection(5), request), Refusal::NotAuthorised);
    }
}

#[test]
fn a_cursor_is_recognised_only_with_its_incarnation_number_and_running_hash() {
    let mut t = two();
    let mut chain = t.world.chain(&t.a);
    let (first, second) = (chain.change(&t.world, b"1"), chain.change(&t.world, b"2"));
    push(&t.relay, &mut t.of_a, &t.world, &[first.clone(), second]);
    let place = start(&t.relay).next(&first.hash(&t.world.id));
    let mut recognised = |cursor| {
        let attachment = Attach {
            space: t.world.id,
            signer: t.a.signer(),
            signature: None,
            cursor: Some(cursor),
        };
        attach(&t.relay, &mut t.of_a, attachment).recognised
    };
    assert!(recognised(start(&t.relay)));
    assert!(recognised(place));
    let mut wrong = [place; 3];
    wrong[0].incarnation.0[0] ^= 1;
    wrong[1].number += 1;
    wrong[2].running.0[0] ^= 1;
    for cursor in wrong {
        assert!(!recognised(cursor), "{cursor:?}");
    }
}

#[test]
fn a_relay_rolled_back_and_filled_past_a_cursor_does_not_recognise_it() {
    let mut t = two();
    let (mut chain, mut other) = (t.world.chain(&t.a), t.world.chain(&t.a));
    let lost = chain.change(&t.world, b"lost");
    push(&t.relay, &mut t.of_a, &t.world, std::slice::from_ref(&lost));
    let cursor = start(&t.relay).next(&lost.hash(&t.world.id));

    let rolled_back = relay_over(Default::default(), Default::default(), 9);
    ask(
        &rolled_back,
        &mut connection(5),
        t.world.create(mainstay_protocol::frame::Admission::Open),
    );
    let mut of_a = t.world.attached(&rolled_back, &t.a);
    let envelopes = [other.change(&t.world, b"x"), other.change(&t.world, b"y")];
    push(&rolled_back, &mut of_a, &t.world, &envelopes);
    let pull = Request::Pull { space: t.world.id, pull: after(cursor) };
    let incarnation = rolled_back.incarnation();
    assert_eq!(refusal(&rolled_back, &mut of_a, pull), Refusal::CursorUnknown { incarnation });
}

#[test]
fn after_a_restore_no_old_cursor_is_recognised() {
    let mut t = two();
    let envelope = t.world.chain(&t.a).change(&t.world, b"1");
    push(&t.relay, &mut t.of_a, &t.world, std::slice::from_ref(&envelope));
    let cursor = start(&t.relay).next(&envelope.hash(&t.world.id));
    t.relay.restored(mainstay_protocol::ids::Incarnation([8; 16])).unwrap();
    let pulled = Request::Pull { space: t.world.id, pull: after(cursor) };
    assert!(matches!(refusal(&t.relay, &mut t.of_a, pulled), Refusal::CursorUnknown { .. }));
    let reopened = relay_over(t.store.clone(), Default::default(), 7);
    assert_eq!(reopened.incarnation().0, [8; 16]);
}
