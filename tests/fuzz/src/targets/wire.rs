//! What crosses the wire.

use std::fmt::Debug;

use mainstay_protocol::address::key_from_spki;
use mainstay_protocol::codec;
use mainstay_protocol::envelope::{Chunk, Envelope, Header, Kind, Stub};
use mainstay_protocol::frame::{self, *};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{AuthorHead, Head, HeadsDigest, SlotHead};
use mainstay_protocol::ids::*;
use mainstay_protocol::limits::{MAX_ENVELOPE_BYTES, MAX_FRAME_BYTES};
use mainstay_protocol::mailbox::Letter;
use mainstay_protocol::receipt::Receipt;
use mainstay_protocol::roster::*;
use mainstay_protocol::sign::{Signable, Signature, Signed, VerifyKey};
use mainstay_protocol::statement::{Claim, Cursor, Statement, Stored};
use minicbor::{Decode, Encode};

use super::{Target, WIRE};
use crate::golden;
use crate::mutate::Form;

const fn target(
    name: &'static str,
    examples: fn() -> Vec<Vec<u8>>,
    run: fn(&[u8]) -> bool,
) -> Target {
    Target { name, form: Form::Bytes, max_bytes: MAX_FRAME_BYTES + 64, bound: WIRE, examples, run }
}

pub(super) const TARGETS: &[Target] = &[
    target("frames", streams, frames),
    target("requests", || golden::of("requests.hex"), requests),
    target("replies", || [golden::of("replies.hex"), golden::of("refusals.hex")].concat(), replies),
    target("envelopes", || golden::of("envelopes.hex"), envelopes),
    target("values", golden::all, values),
];

/// Reads a value, and what it is written as: both are the same.
pub(super) fn same<T>(input: &[u8]) -> Option<T>
where
    T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq + Debug,
{
    let value: T = codec::decode(input).ok()?;
    let again = codec::decode::<T>(&codec::encode(&value));
    assert_eq!(again.as_ref(), Ok(&value), "reads as something else when it is written again");
    Some(value)
}

fn signed<T: Signable>(input: &Signed<T>) {
    let _ = input.peek();
    let _ = input.verify(&VerifyKey([1; 32]));
}

/// Batches as they lie on a stream.
fn streams() -> Vec<Vec<u8>> {
    let framed = |bytes: &Vec<u8>| [&frame::prefix(bytes).unwrap()[..], bytes].concat();
    let (requests, replies) = (golden::of("requests.hex"), golden::of("replies.hex"));
    let pairs = requests.windows(2).chain(replies.windows(2));
    pairs.map(|pair| pair.iter().flat_map(framed).collect()).collect()
}

fn frames(input: &[u8]) -> bool {
    let (mut rest, mut any) = (input, false);
    while let Some((prefix, after)) = rest.split_first_chunk::<{ frame::PREFIX_BYTES }>() {
        let Ok(length) = frame::length(*prefix) else { break };
        assert!(length <= MAX_FRAME_BYTES);
        let Some((bytes, after)) = after.split_at_checked(length) else { break };
        assert_eq!(frame::prefix(bytes), Ok(*prefix));
        any |= same::<Request>(bytes).is_some() | same::<Reply>(bytes).is_some();
        rest = after;
    }
    any
}

fn requests(input: &[u8]) -> bool {
    match same::<Request>(input) {
        None => return false,
        Some(Request::Push { envelopes: pushed, .. }) => {
            pushed.iter().for_each(|bytes| _ = envelopes(bytes));
        }
        Some(Request::Create { records, admission, .. }) => {
            records.iter().for_each(signed);
            match &admission {
                Admission::Invited(invitation) => signed(invitation),
                Admission::Granted(grant) => signed(grant),
                _ => {}
            }
        }
        Some(Request::Append { record, .. }) => signed(&record),
        Some(Request::PutReceipt { receipt, .. }) => signed(&receipt),
        Some(_) => {}
    }
    true
}

fn replies(input: &[u8]) -> bool {
    match same::<Reply>(input) {
        None => return same::<Refusal>(input).is_some(),
        Some(Reply::Items { items, .. }) => items.iter().for_each(|item| match &item.body {
            ItemBody::Whole(bytes) | ItemBody::Stub(bytes) => _ = envelopes(bytes),
        }),
        Some(Reply::Roster { records }) => records.iter().for_each(signed),
        Some(Reply::Created { grant, statement }) => {
            signed(&grant);
            signed(&statement);
        }
        Some(Reply::Receipts { receipts, .. }) => receipts.iter().for_each(signed),
        Some(Reply::Refused(refusal)) => _ = refusal.to_string(),
        Some(_) => {}
    }
    true
}

fn envelopes(input: &[u8]) -> bool {
    let (space, key) = (SpaceId([0x51; 32]), VerifyKey([1; 32]));
    let mut any = false;
    if let Ok(envelope) = Envelope::from_bytes(input) {
        let again = envelope.to_bytes();
        assert!(again.len() <= MAX_ENVELOPE_BYTES, "larger when it is written again");
        assert!(Envelope::from_bytes(&again) == Ok(envelope.clone()));
        assert_eq!(Stub::from_bytes(&envelope.stub().to_bytes()), Ok(envelope.stub().clone()));
        assert!(envelope.verify(&space, &key).is_err());
        any = true;
    }
    if let Ok(stub) = Stub::from_bytes(input) {
        assert_eq!(Stub::from_bytes(&stub.to_bytes()), Ok(stub.clone()));
        assert!(stub.verify(&space, &key).is_err());
        any = true;
    }
    any | same::<Header>(input).is_some()
}

/// Every other type, each on every input.
fn values(input: &[u8]) -> bool {
    macro_rules! any_of {
        ($($type:ty),* $(,)?) => { false $(| same::<$type>(input).is_some())* };
    }
    if let Some(key) = key_from_spki(input) {
        assert_eq!(mainstay_protocol::address::spki(&key), input);
    }
    any_of![
        SpaceId,
        AuthorId,
        MemberId,
        EpochId,
        SlotId,
        Incarnation,
        StoreInstance,
        MailboxId,
        Hash,
        VerifyKey,
        Signature,
        Head,
        AuthorHead,
        SlotHead,
        HeadsDigest,
        Cursor,
        Stored,
        Claim,
        Statement,
        Receipt,
        Letter,
        Signer,
        Attach,
        Proof,
        Pull,
        Admission,
        Invitation,
        Grant,
        Rules,
        Attached,
        Item,
        ItemBody,
        Refusal,
        Chunk,
        Kind,
        Record,
        Act,
        Role,
        Party,
        AuthorLast,
        LastHead,
        Device,
        KemKey,
        Epoch,
        WrapRef,
        SealedKey,
        Wrap,
        Signed<Record>,
        Signed<Receipt>,
        Signed<Statement>,
        Signed<Grant>,
        Signed<Invitation>,
    ]
}
