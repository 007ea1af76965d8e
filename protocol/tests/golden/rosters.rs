//! Roster records, their acts and wraps.

use mainstay_protocol::frame::Signer;
use mainstay_protocol::roster::{
    Act, Device, Epoch, LastHead, Record, Roster, SealedKey, WrapRef, record_hash,
};

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
    samples.add(
        "wrap_of_a_founding_record",
        &mainstay_protocol::roster::Wrap { parent: None, ..wrap() },
    );
    samples.check();
}
