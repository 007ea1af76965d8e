//! Lists of devices and of members.
//!
//! Records are signed, so that damage ends at the first signature. One target is what a relay may
//! show; the other signs every record anew, as a hostile member would, and reaches the rules.

mod chains;

use mainstay_protocol::codec;
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::limits::{MAX_FRAME_BYTES, MAX_ROSTER_RECORDS};
use mainstay_protocol::roster::{Act, Merged, Record, Roster, record_hash};
use mainstay_protocol::sign::Signed;
use minicbor::{Decode, Encode};

use super::{Bound, Target};
use crate::mutate::Form;

/// A record of a few bytes leads to a state that names every device, and a roster keeps each: with
/// the examples' keys of 1,216 bytes shared between states, so much for each byte.
const BOUND: Bound = Bound { base_bytes: 512 << 10, times: 400 };

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "roster-shown",
        form: Form::Bytes,
        max_bytes: MAX_FRAME_BYTES,
        bound: BOUND,
        examples: shown_examples,
        run: shown,
    },
    Target {
        name: "roster-signed",
        form: Form::Bytes,
        max_bytes: 64 * 1024,
        bound: BOUND,
        examples: signed_examples,
        run: signed,
    },
];

/// Records before they are signed.
#[derive(Encode, Decode)]
struct Unsigned {
    /// 1: each follows the one before it, whatever it says itself.
    #[n(0)]
    linked: u8,
    #[n(1)]
    records: Vec<Record>,
}

fn shown_examples() -> Vec<Vec<u8>> {
    let chains = chains::all();
    chains.iter().map(|chain| codec::encode(&chain.roster.records_after(None))).collect()
}

fn signed_examples() -> Vec<Vec<u8>> {
    let mut examples = Vec::new();
    for chain in chains::all() {
        let records: Vec<Record> = chain.roster.records().map(|(_, _, r)| r.clone()).collect();
        for length in 1..=records.len() {
            let records = records[..length].to_vec();
            examples.push(codec::encode(&Unsigned { linked: (length % 2) as u8, records }));
        }
    }
    examples
}

fn shown(input: &[u8]) -> bool {
    let Ok(records) = codec::decode::<Vec<Signed<Record>>>(input) else { return false };
    let spaces = chains::all().iter().map(|chain| *chain.roster.space());
    spaces.fold(false, |any, space| any | judge(space, &records))
}

fn signed(input: &[u8]) -> bool {
    let Ok(unsigned) = codec::decode::<Unsigned>(input) else { return false };
    if unsigned.records.len() > MAX_ROSTER_RECORDS {
        return false;
    }
    let mut any = false;
    for chain in chains::all() {
        let mut records: Vec<Signed<Record>> = Vec::new();
        for record in &unsigned.records {
            let mut record = record.clone();
            if unsigned.linked == 1 {
                record.space = *chain.roster.space();
                record.parent = records.last().map(record_hash);
                record.number = records.len() as u32;
            }
            for act in &mut record.acts {
                if let Act::Heal { branch } = act {
                    branch.iter_mut().for_each(|inside| again(chain, inside));
                }
            }
            records.push(chain.sign(&record));
        }
        any |= judge(*chain.roster.space(), &records);
    }
    any
}

/// Signs what a heal carries.
fn again(chain: &chains::Chain, signed: &mut Signed<Record>) {
    if let Ok(record) = signed.peek() {
        *signed = chain.sign(&record);
    }
}

/// Both ways to verify a chain agree, and so do a whole and its parts.
fn judge(space: SpaceId, records: &[Signed<Record>]) -> bool {
    let whole = Roster::verify(space, records);
    let sparse = Roster::verify_sparse(space, records);
    assert_eq!(whole.as_ref().err(), sparse.as_ref().err(), "kept and thinned out, they differ");
    let (Ok(whole), Ok(sparse)) = (whole, sparse) else { return false };
    assert_eq!(whole.state(), sparse.state());
    let kept = whole.records_after(None);
    assert!(whole.number() as usize + 1 == kept.len(), "a record is not where its number says");
    let again = Roster::verify(space, &kept).expect("what was accepted is accepted again");
    assert_eq!(again.state(), whole.state());
    let state = whole.state();
    for (author, _) in state.active() {
        let _ = (state.names_of(author), state.is_former(author));
    }
    let mut part =
        Roster::verify(space, &kept[..kept.len().div_ceil(2)]).expect("a part is accepted");
    let merged = part.merge(&kept);
    assert!(matches!(merged, Ok(Merged::Same | Merged::Extended(_))), "{merged:?}");
    assert_eq!(part.head(), whole.head());
    true
}
