//! Every request, reply and refusal.

use mainstay_protocol::frame::{
    Admission, Attach, Attached, Grant, Invitation, Item, ItemBody, Proof, Pull, Refusal, Reply,
    Request, Rules, Signer,
};
use mainstay_protocol::heads::HeadsDigest;
use mainstay_protocol::ids::MailboxId;
use mainstay_protocol::mailbox::Letter;
use mainstay_protocol::roster::{Act, Record};
use mainstay_protocol::sign::{Signed, purpose};
use mainstay_protocol::statement::{Claim, Stored};
use mainstay_protocol::{codec, frame, limits};

use crate::Samples;
use crate::values::*;

const MAILBOX: MailboxId = MailboxId([0x5a; 32]);

fn record() -> Signed<Record> {
    signed(&Record {
        version: 1,
        space: SPACE,
        number: 1,
        parent: Some(HASH),
        signer: Signer::Device(AUTHOR),
        acts: vec![Act::Recover],
    })
}

fn attach() -> Attach {
    let signature = Some(sign(&proof().message()));
    Attach { space: SPACE, signer: Signer::Device(AUTHOR), signature, cursor: Some(CURSOR) }
}

fn proof() -> Proof {
    Proof { exporter: [0x70; 32], relay: key(), space: SPACE, signer: Signer::Recovery }
}

fn invitation() -> Invitation {
    Invitation { version: 1, nonce: [0x71; 16], expires_ms: 1_800_000_000_000 }
}

fn grant() -> Grant {
    Grant { version: 1, space: SPACE }
}

fn letter() -> Letter {
    Letter { sealed: vec![0x72; 8].into() }
}

fn pulls() -> [(&'static str, Pull); 3] {
    let limit_bytes = limits::MAX_PULL_BYTES;
    [
        ("after", Pull::After { cursor: CURSOR, limit_bytes }),
        ("slots", Pull::Slots { slots: vec![SLOT], after: 5, stubs: true, limit_bytes }),
        ("numbers", Pull::Numbers { numbers: vec![1, 70_000], limit_bytes }),
    ]
}

fn admissions() -> [(&'static str, Admission); 3] {
    [
        ("open", Admission::Open),
        ("invited", Admission::Invited(signed(&invitation()))),
        ("granted", Admission::Granted(signed(&grant()))),
    ]
}

#[test]
fn requests_keep_their_bytes() {
    let mut samples = Samples::new("requests.hex");
    let space = SPACE;
    let requests = [
        ("attach", Request::Attach(attach())),
        ("roster", Request::Roster { space, known: Some(HASH) }),
        (
            "append",
            Request::Append { space, expected: HASH, record: record(), wraps: vec![wrap()] },
        ),
        ("wraps", Request::Wraps { space }),
        ("push", Request::Push { space, envelopes: vec![vec![0x73; 3].into()] }),
        ("heads", Request::Heads { space }),
        ("slots", Request::Slots { space }),
        ("put_receipt", Request::PutReceipt { space, receipt: signed(&receipt()) }),
        ("receipts", Request::Receipts { space, after: 3 }),
        ("subscribe", Request::Subscribe { space }),
        ("open_mailbox", Request::OpenMailbox { space, mailbox: MAILBOX, life_ms: 600_000 }),
        ("put_letter", Request::PutLetter { mailbox: MAILBOX, place: 1, letter: letter() }),
        ("letters", Request::Letters { mailbox: MAILBOX, after: 2 }),
        ("close_mailbox", Request::CloseMailbox { space, mailbox: MAILBOX }),
    ];
    for (name, request) in &requests {
        samples.add(name, request);
    }
    for (name, admission) in admissions() {
        samples.add(&format!("admission_{name}"), &admission);
        let (records, wraps) = (vec![record()], vec![wrap()]);
        let create = Request::Create { space, records, wraps, admission };
        samples.add(&format!("create_{name}"), &create);
    }
    for (name, pull) in pulls() {
        samples.add(&format!("pull_kind_{name}"), &pull);
        samples.add(&format!("pull_{name}"), &Request::Pull { space, pull });
    }
    let bare = Attach { signature: None, cursor: None, ..attach() };
    samples.add("attach_again", &Request::Attach(bare));
    let member = Attach { signer: Signer::Member(MEMBER), ..attach() };
    samples.add("attach_as_member", &Request::Attach(member));
    samples.add("proof_of_member", &Proof { signer: Signer::Member(MEMBER), ..proof() });
    let all = Request::Roster { space, known: None };
    samples.add_without_last("roster_all", &all, 1);
    samples.add("proof", &proof());
    samples.add("invitation", &invitation());
    samples.add("grant", &grant());
    samples.add("letter", &letter());
    samples.check();
}

#[test]
fn a_proof_verifies_for_attaching_and_for_nothing_else() {
    let signature =
        sign(&mainstay_protocol::sign::signing_input(purpose::ATTACH, &proof().message()));
    key().verify(purpose::ATTACH, &proof().message(), &signature).unwrap();
    let all = [purpose::ENVELOPE, purpose::ROSTER, purpose::RECEIPT, purpose::STATEMENT];
    for other in all.into_iter().chain([purpose::GRANT, purpose::INVITATION, purpose::LINK]) {
        key().verify(other, &proof().message(), &signature).unwrap_err();
    }
}

#[test]
fn replies_keep_their_bytes() {
    let mut samples = Samples::new("replies.hex");
    let stored = Claim::Stored(vec![Stored { envelope: HASH, number: 9 }]);
    let statement = signed(&statement(stored));
    let rules = Rules { quota_bytes: 1 << 30, used_bytes: 70_000, retention_ms: 2_592_000_000 };
    let attached = Attached {
        cursor: CURSOR,
        recognised: false,
        roster: HASH,
        receipts: 4,
        rules,
        now_ms: 1_795_000_000_000,
        lacks_wraps: true,
        heads: None,
        own_receipt: None,
    };
    let digest = Some(HeadsDigest(HASH));
    let with_heads = Attached { heads: digest, ..attached.clone() };
    let with_receipt = Attached { own_receipt: Some(300), ..with_heads.clone() };
    let items = [
        ("whole", Item { number: 300, body: ItemBody::Whole(vec![0x74; 3].into()) }),
        ("stub", Item { number: 70_000, body: ItemBody::Stub(vec![0x75; 3].into()) }),
    ];
    for (name, item) in &items {
        samples.add(&format!("item_{name}"), item);
        samples.add(&format!("item_body_{name}"), &item.body);
    }
    let items = items.map(|(_, item)| item).to_vec();
    let heads = vec![SLOT_HEAD];
    let replies = [
        ("attached", Reply::Attached(attached)),
        ("attached_with_heads", Reply::Attached(with_heads)),
        ("attached_with_receipt", Reply::Attached(with_receipt)),
        ("created", Reply::Created { grant: signed(&grant()), statement: statement.clone() }),
        ("roster", Reply::Roster { records: vec![record()] }),
        ("appended", Reply::Appended { statement: statement.clone() }),
        ("wraps", Reply::Wraps { wraps: vec![wrap()] }),
        ("pushed", Reply::Pushed { statement: statement.clone() }),
        ("items", Reply::Items { items, continues: true, more: false, cursor: CURSOR }),
        ("heads_last", Reply::Heads { heads: heads.clone(), statement: Some(statement) }),
        ("slots", Reply::Slots { slots: vec![SLOT] }),
        ("receipts", Reply::Receipts { receipts: vec![signed(&receipt())], stamp: 4 }),
        ("news", Reply::News),
        ("letters", Reply::Letters { letters: vec![letter()] }),
        ("done", Reply::Done),
        ("refused", Reply::Refused(Refusal::UnknownSpace)),
    ];
    for (name, reply) in &replies {
        samples.add(name, reply);
    }
    samples.add_without_last("heads", &Reply::Heads { heads, statement: None }, 1);
    samples.add("rules", &rules);
    samples.check();
}

#[test]
fn refusals_keep_their_bytes() {
    let mut samples = Samples::new("refusals.hex");
    let why = || "why".to_owned();
    let out_of_order = |head| Refusal::OutOfOrder { slot: SLOT, author: AUTHOR, head };
    let refusals = [
        ("unknown_space", Refusal::UnknownSpace),
        ("not_authorised", Refusal::NotAuthorised),
        ("roster_moved", Refusal::RosterMoved { head: HASH }),
        ("bad_record", Refusal::BadRecord { why: why() }),
        ("out_of_order", out_of_order(Some(HEAD))),
        ("bad_envelope", Refusal::BadEnvelope { why: why() }),
        ("cursor_unknown", Refusal::CursorUnknown { incarnation: INCARNATION }),
        ("quota", Refusal::Quota { quota_bytes: 70_000 }),
        ("rate_limited", Refusal::RateLimited { retry_after_ms: 300 }),
        ("malformed", Refusal::Malformed { why: why() }),
        ("invitation_needed", Refusal::InvitationNeeded),
        ("invitation_refused", Refusal::InvitationRefused),
        ("space_exists", Refusal::SpaceExists),
        ("mailbox", Refusal::Mailbox),
        ("unavailable", Refusal::Unavailable),
        ("expired", Refusal::Expired),
    ];
    for (name, refusal) in &refusals {
        samples.add(name, refusal);
    }
    samples.add_without_last("out_of_order_empty", &out_of_order(None), 1);
    samples.check();
}

#[test]
fn a_frame_announces_its_length_and_no_more_than_the_limit() {
    let bytes = codec::encode(&Request::Wraps { space: SPACE });
    let prefix = frame::prefix(&bytes).unwrap();
    assert_eq!(prefix, [0, 0, 0, bytes.len() as u8]);
    assert_eq!(frame::length(prefix).unwrap(), bytes.len());
    let most = limits::MAX_FRAME_BYTES;
    assert_eq!(frame::length((most as u32).to_be_bytes()).unwrap(), most);
    frame::length((most as u32 + 1).to_be_bytes()).unwrap_err();
    frame::length([0xff; 4]).unwrap_err();
}
