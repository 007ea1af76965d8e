//! Fixed values, with real signatures by fixed keys.

use ed25519_dalek::{Signer as _, SigningKey};
use mainstay_protocol::frame::Signer;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::{AuthorHead, Head, HeadsDigest, SlotHead};
use mainstay_protocol::ids::{AuthorId, Incarnation, MemberId, SlotId, SpaceId, StoreInstance};
use mainstay_protocol::receipt::Receipt;
use mainstay_protocol::roster::{KemKey, Wrap};
use mainstay_protocol::sign::{Signable, Signature, Signed, VerifyKey};
use mainstay_protocol::statement::{Claim, Cursor, Statement, Stored};

use crate::Samples;

pub(crate) const SPACE: SpaceId = SpaceId([0x51; 32]);
pub(crate) const SLOT: SlotId = SlotId([0x52; 16]);
pub(crate) const AUTHOR: AuthorId = AuthorId([0x53; 16]);
pub(crate) const MEMBER: MemberId = MemberId([0x5b; 16]);
pub(crate) const HASH: Hash = Hash([0x54; 32]);
pub(crate) const INCARNATION: Incarnation = Incarnation([0x55; 16]);
pub(crate) const HEAD: Head = Head { seq: 300, hash: HASH };
pub(crate) const CURSOR: Cursor =
    Cursor { incarnation: INCARNATION, number: 70_000, running: HASH };
pub(crate) const SLOT_HEAD: SlotHead = SlotHead { slot: SLOT, author: AUTHOR, head: HEAD };

/// The key that signs every vector but those of rosters.
pub(crate) fn key() -> VerifyKey {
    VerifyKey(SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes())
}

pub(crate) fn sign(input: &[u8]) -> Signature {
    Signature(SigningKey::from_bytes(&[7; 32]).sign(input).to_bytes())
}

pub(crate) fn signed<T: Signable>(content: &T) -> Signed<T> {
    let signed = Signed::seal(content, sign);
    signed.verify(&key()).unwrap();
    signed
}

pub(crate) fn statement(claim: Claim) -> Statement {
    Statement { version: 1, space: SPACE, cursor: CURSOR, claim }
}

pub(crate) fn receipt() -> Receipt {
    Receipt {
        version: 1,
        space: SPACE,
        author: AUTHOR,
        counter: 9,
        instance: StoreInstance([0x56; 16]),
        incarnation: INCARNATION,
        roster_head: HASH,
        digest: HeadsDigest::of([&SLOT_HEAD]),
        recent: vec![SLOT_HEAD],
    }
}

pub(crate) fn wrap() -> Wrap {
    Wrap {
        to: Signer::Device(AUTHOR),
        epoch: mainstay_protocol::ids::EpochId([0x57; 32]),
        parent: Some(HASH),
        sealed: vec![0x58; 24].into(),
    }
}

pub(crate) fn kem() -> KemKey {
    KemKey(vec![0x59; KemKey::LEN].into())
}

#[test]
fn ids_heads_and_cursors_keep_their_bytes() {
    let mut samples = Samples::new("values.hex");
    samples.add_fixed("space_id", &SPACE);
    samples.add_fixed("author_id", &AUTHOR);
    samples.add_fixed("member_id", &MEMBER);
    samples.add_fixed("epoch_id", &wrap().epoch);
    samples.add_fixed("slot_id", &SLOT);
    samples.add_fixed("incarnation", &INCARNATION);
    samples.add_fixed("store_instance", &StoreInstance([0x56; 16]));
    samples.add_fixed("mailbox_id", &mainstay_protocol::ids::MailboxId([0x5a; 32]));
    samples.add_fixed("hash", &HASH);
    samples.add_fixed("verify_key", &key());
    samples.add_fixed("signature", &sign(b"vector"));
    samples.add_fixed("kem_key", &kem());
    samples.add_fixed("heads_digest", &HeadsDigest::of([&SLOT_HEAD]));
    samples.add_fixed("heads_digest_empty", &HeadsDigest::EMPTY);
    samples.add("head", &HEAD);
    samples.add("author_head", &AuthorHead { author: AUTHOR, head: HEAD });
    samples.add("slot_head", &SLOT_HEAD);
    samples.add("cursor_start", &Cursor::start(INCARNATION));
    samples.add("cursor_next", &CURSOR.next(&HASH));
    samples.add("stored", &Stored { envelope: HASH, number: 1 });
    samples.add("signer_recovery", &Signer::Recovery);
    samples.add("signer_device", &Signer::Device(AUTHOR));
    samples.add("signer_member", &Signer::Member(MEMBER));
    samples.check();
}

#[test]
fn derived_names_keep_their_bytes() {
    let mut samples = Samples::new("hashes.hex");
    samples.add_bytes("author_id_of_key", key().author_id().0.to_vec());
    samples.add_bytes("member_id_of_key", key().member_id().0.to_vec());
    samples.add_bytes("space_id_of_key", key().space_id().0.to_vec());
    samples.add_bytes("hash_of_two_parts", Hash::of("label", &[b"one", b"two"]).0.to_vec());
    samples.add_bytes("wrap_hash", mainstay_protocol::roster::wrap_hash(&wrap()).0.to_vec());
    let input = mainstay_protocol::sign::signing_input("purpose", b"message");
    samples.add_bytes("signing_input", input);
    samples.add_bytes("pin_of_key", mainstay_protocol::address::Pin::of(&key()).0.to_vec());
    samples.check();
}

#[test]
fn statements_and_receipts_keep_their_bytes() {
    let mut samples = Samples::new("statements.hex");
    let claims = [
        ("stored", Claim::Stored(vec![Stored { envelope: HASH, number: 0 }])),
        ("roster", Claim::Roster(HASH)),
        ("heads", Claim::Heads(HeadsDigest::EMPTY)),
    ];
    for (name, claim) in claims {
        samples.add(&format!("claim_{name}"), &claim);
        samples.add(&format!("statement_{name}"), &statement(claim.clone()));
        samples.add_fixed(&format!("signed_statement_{name}"), &signed(&statement(claim)));
    }
    samples.add("receipt", &receipt());
    samples.add_fixed("signed_receipt", &signed(&receipt()));
    samples.check();
}
