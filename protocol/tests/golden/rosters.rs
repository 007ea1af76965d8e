//! Roster records, their acts and wraps.

use ed25519_dalek::{Signer as _, SigningKey};
use mainstay_protocol::frame::Signer;
use mainstay_protocol::roster::{
    Act, AuthorLast, Device, Epoch, LastHead, Party, Record, Role, Roster, SealedKey, Wrap,
    WrapRef, record_hash,
};
use mainstay_protocol::sign::{Signature, Signed, VerifyKey};

use crate::Samples;
use crate::values::*;

fn device() -> Device {
    Device { key: key(), kem: kem(), sealed_name: vec![0x60; 8].into() }
}

fn epoch() -> Epoch {
    let author = key().author_id();
    Epoch {
        id: wrap().epoch,
        number: 1,
        wraps: vec![
            WrapRef { to: Signer::Device(author), hash: HASH },
            WrapRef { to: Signer::Recovery, hash: HASH },
        ],
        previous: vec![SealedKey { epoch: wrap().epoch, sealed: vec![0x61; 4].into() }],
    }
}

/// A founding record of the space that `values::key` founds.
fn founding() -> Record {
    Record {
        version: 1,
        space: key().space_id(),
        number: 0,
        parent: None,
        signer: Signer::Recovery,
        acts: vec![
            Act::Found { recovery: key(), recovery_kem: kem() },
            Act::Admit { device: device(), wrap: None, succeeds: None },
            Act::Epoch(epoch()),
        ],
    }
}

#[test]
fn records_keep_their_bytes_and_verify() {
    let mut samples = Samples::new("rosters.hex");
    let record = signed(&founding());
    let roster = Roster::verify(key().space_id(), std::slice::from_ref(&record)).unwrap();
    assert_eq!(roster.head(), record_hash(&record));
    samples.add("record_founding", &founding());
    samples.add_fixed("signed_record_founding", &record);
    samples.add_bytes("hash_founding", record_hash(&record).0.to_vec());
    let later = Record {
        number: 70_000,
        parent: Some(HASH),
        signer: Signer::Device(AUTHOR),
        acts: vec![Act::Recover],
        ..founding()
    };
    samples.add("record_later", &later);

    let last = vec![LastHead { slot: SLOT, head: HEAD }];
    let to = WrapRef { to: Signer::Recovery, hash: HASH };
    samples.add("act_found", &Act::Found { recovery: key(), recovery_kem: kem() });
    samples.add_without_last(
        "act_admit",
        &Act::Admit { device: device(), wrap: None, succeeds: None },
        2,
    );
    let admit = Act::Admit { device: device(), wrap: Some(to), succeeds: None };
    samples.add_without_last("act_admit_with_wrap", &admit, 1);
    let admit = Act::Admit { device: device(), wrap: Some(to), succeeds: Some(AUTHOR) };
    samples.add("act_admit_under_a_new_name", &admit);
    samples.add("act_remove", &Act::Remove { author: AUTHOR, last: last.clone() });
    samples.add("act_bound", &Act::Bound { author: AUTHOR, last: last.clone() });
    samples.add("act_epoch", &Act::Epoch(epoch()));
    samples.add("act_recover", &Act::Recover);
    samples.add("act_heal", &Act::Heal { branch: vec![signed(&later)] });
    samples.add("device", &device());
    samples.add("epoch", &epoch());
    samples.add("last_head", &last[0]);
    samples.add("wrap_ref", &to);
    samples.add("sealed_key", &epoch().previous[0]);
    samples.add("wrap", &wrap());
    samples.add("wrap_of_a_founding_record", &Wrap { parent: None, ..wrap() });
    samples.check();
}

/// The key of the owner of the share that `values::key` is the root of.
fn owner_key() -> SigningKey {
    SigningKey::from_bytes(&[8; 32])
}

fn owner() -> Party {
    let key = VerifyKey(owner_key().verifying_key().to_bytes());
    Party { key, kem: kem(), role: Role::Owner, sealed_name: vec![0x62; 8].into() }
}

fn counsellor() -> Party {
    Party { key: key(), role: Role::Counsellor, ..owner() }
}

fn share_epoch() -> Epoch {
    let wraps = vec![
        WrapRef { to: Signer::Member(owner().member()), hash: HASH },
        WrapRef { to: Signer::Recovery, hash: HASH },
    ];
    Epoch { wraps, previous: vec![], ..epoch() }
}

fn share_founding() -> Record {
    let acts = vec![
        Act::Found { recovery: key(), recovery_kem: kem() },
        Act::Share { owner: owner() },
        Act::Epoch(share_epoch()),
    ];
    Record { acts, ..founding() }
}

#[test]
fn records_of_shares_keep_their_bytes_and_verify() {
    let mut samples = Samples::new("shares.hex");
    let founding = signed(&share_founding());
    let later = Record {
        number: 1,
        parent: Some(record_hash(&founding)),
        signer: Signer::Member(owner().member()),
        acts: vec![
            Act::Certify { key: VerifyKey([0x63; 32]) },
            Act::Consent {
                epoch: share_epoch().id,
                sealed: vec![0x64; 24].into(),
                until_ms: Some(1_900_000_000_000),
            },
        ],
        ..share_founding()
    };
    let second = Signed::seal(&later, |input| Signature(owner_key().sign(input).to_bytes()));
    let roster = Roster::verify(key().space_id(), &[founding.clone(), second.clone()]).unwrap();
    assert_eq!(roster.head(), record_hash(&second));
    samples.add("record_founding", &share_founding());
    samples.add_fixed("signed_record_founding", &founding);
    samples.add_bytes("hash_founding", record_hash(&founding).0.to_vec());
    samples.add("record_later", &later);
    samples.add_fixed("signed_record_later", &second);

    let last = vec![LastHead { slot: SLOT, head: HEAD }];
    let of_authors = vec![AuthorLast { author: AUTHOR, last: last[0] }];
    let consent = |until_ms| Act::Consent {
        epoch: share_epoch().id,
        sealed: vec![0x64; 24].into(),
        until_ms,
    };
    samples.add("act_share", &Act::Share { owner: owner() });
    samples.add("act_certify", &Act::Certify { key: key() });
    samples.add("act_retire", &Act::Retire { author: AUTHOR, last });
    samples.add("act_enter", &Act::Enter { member: counsellor() });
    samples.add("act_leave", &Act::Leave { member: MEMBER, last: of_authors.clone() });
    samples.add("act_rekey", &Act::Rekey { owner: owner(), last: of_authors.clone() });
    samples.add("act_consent", &consent(Some(1_900_000_000_000)));
    samples.add_without_last("act_consent_without_end", &consent(None), 1);
    samples.add("epoch", &share_epoch());
    samples.add("party_owner", &owner());
    samples.add("party_counsellor", &counsellor());
    samples.add_fixed("role_owner", &Role::Owner);
    samples.add_fixed("role_counsellor", &Role::Counsellor);
    samples.add("author_last", &of_authors[0]);
    samples.add("wrap_of_member", &Wrap { to: Signer::Member(MEMBER), ..wrap() });
    samples.check();
}
