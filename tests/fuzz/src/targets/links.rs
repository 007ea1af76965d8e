//! Invitations, and the two halves of a handshake.

use std::sync::OnceLock;

use mainstay_core::space::device::DeviceSecret;
use mainstay_core::space::link::{Invitation, InvitationKind, Inviter, Joiner, LinkError, Place};
use mainstay_core::space::member::{MemberKeys, MemberSecret};
use mainstay_core::space::sign::AuthorKey;
use mainstay_protocol::address::{Pin, RelayAddress};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::mailbox::Letter;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::{Bound, TEXT, Target, WIRE, text};
use crate::mutate::Form;

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "invitations",
        form: Form::Text,
        max_bytes: 4096,
        bound: TEXT,
        examples: invitation_examples,
        run: invitations,
    },
    Target {
        name: "invitation-insides",
        form: Form::Bytes,
        max_bytes: 1200,
        bound: Bound { base_bytes: 64 << 10, times: 40 },
        examples: inside_examples,
        run: inside,
    },
    Target {
        name: "handshakes",
        form: Form::Bytes,
        max_bytes: 16 * 1024,
        bound: WIRE,
        examples: half_examples,
        run: halves,
    },
    Target {
        name: "letters",
        form: Form::Bytes,
        max_bytes: 8 * 1024,
        bound: WIRE,
        examples: letter_examples,
        run: letters,
    },
];

const SPACE: SpaceId = SpaceId([1; 32]);

/// A handshake of each kind after each step.
struct Met {
    invitation: Invitation,
    author: AuthorKey,
    inviters: Vec<Vec<u8>>,
    joiners: Vec<Vec<u8>>,
    letters: Vec<Vec<u8>>,
}

fn place(host: &str) -> Place {
    let relay = RelayAddress { host: host.into(), port: 4433, pins: vec![Pin([1; 32])] };
    Place { relay, space: SPACE }
}

fn all() -> &'static [Met] {
    static ALL: OnceLock<Vec<Met>> = OnceLock::new();
    ALL.get_or_init(|| {
        let rng = &mut ChaCha20Rng::from_seed([1; 32]);
        let owner: MemberKeys = MemberSecret::make(rng).keys();
        let author = DeviceSecret::make(rng).keys(&SPACE, 0).author;
        let link = Inviter::start(rng, 0, 1000, place("relay.example.org"), &author).unwrap();
        let share = Inviter::start_share(rng, 0, 1000, place("::1"), &owner).unwrap();
        vec![meet(rng, link, author), meet(rng, share, owner.sign)]
    })
}

fn meet(rng: &mut ChaCha20Rng, mut inviter: Inviter, author: AuthorKey) -> Met {
    let invitation = inviter.invitation().clone();
    let copy = invitation.clone();
    let (mut joiner, answer) = match invitation.kind() {
        InvitationKind::Device => {
            let keys = DeviceSecret::make(rng).keys(&SPACE, 0);
            Joiner::start(rng, 0, copy, &keys, "a tablet").unwrap()
        }
        InvitationKind::Share => {
            let keys = MemberSecret::make(rng).keys();
            Joiner::start_share(rng, 0, copy, &keys, "Dr. Weber").unwrap()
        }
    };
    let mut inviters = vec![inviter.to_bytes().to_vec()];
    let mut joiners = vec![joiner.to_bytes().to_vec()];
    let reveal = inviter.answered(rng, 0, &answer).unwrap();
    inviters.push(inviter.to_bytes().to_vec());
    joiner.revealed(0, &reveal).unwrap();
    joiners.push(joiner.to_bytes().to_vec());
    inviter.confirm(0).unwrap();
    inviters.push(inviter.to_bytes().to_vec());
    let verdict = inviter.admitted(rng, Hash([9; 32])).unwrap();
    inviters.push(inviter.to_bytes().to_vec());
    let letters = [answer, reveal, verdict].map(|letter| letter.sealed.to_vec()).to_vec();
    Met { invitation, author, inviters, joiners, letters }
}

fn invitation_examples() -> Vec<Vec<u8>> {
    all().iter().map(|met| met.invitation.to_text().as_bytes().to_vec()).collect()
}

fn invitations(input: &[u8]) -> bool {
    let text = text(input);
    let (link, share) = (Invitation::parse(&text), Invitation::parse_share(&text));
    assert!(link.is_err() || share.is_err(), "one text for both kinds");
    for error in [&link, &share].into_iter().filter_map(|read| read.as_ref().err()) {
        let _ = error.to_string();
    }
    let again = match (&link, &share) {
        (Ok(invitation), _) => (invitation, Invitation::parse(&invitation.to_text())),
        (_, Ok(invitation)) => (invitation, Invitation::parse_share(&invitation.to_text())),
        _ => return false,
    };
    assert!(again.1.as_ref() == Ok(again.0));
    let _ = again.0.mailbox();
    true
}

/// The bytes of an invitation, without the check value.
fn inside_examples() -> Vec<Vec<u8>> {
    let digits = |met: &Met| {
        let text = met.invitation.to_text();
        let (_, digits) = text.split_once(':').unwrap();
        unletter(digits)[4..].to_vec()
    };
    all().iter().map(digits).collect()
}

/// What is behind the check value.
fn inside(input: &[u8]) -> bool {
    let check = Hash::of("device link", &[b"check", input]);
    let digits = letter(&[&check.0[..4], input].concat());
    let both = [InvitationKind::Device, InvitationKind::Share].map(|kind| kind.scheme());
    both.iter().fold(false, |any, scheme| any | invitations(format!("{scheme}{digits}").as_bytes()))
}

const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Base 32 (RFC 4648) without padding.
fn letter(bytes: &[u8]) -> String {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| usize::from(byte >> (7 - at % 8) & 1));
    let value = |at: usize| (at..at + 5).fold(0, |value, at| value << 1 | bit(at));
    (0..bytes.len() * 8).step_by(5).map(|at| char::from(LETTERS[value(at)])).collect()
}

fn unletter(text: &str) -> Vec<u8> {
    let value = |letter| LETTERS.iter().position(|known| *known == letter).unwrap();
    let bits: Vec<usize> =
        text.bytes().flat_map(|l| (0..5).rev().map(move |bit| value(l) >> bit & 1)).collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |n, bit| n << 1 | *bit as u8)).collect()
}

fn half_examples() -> Vec<Vec<u8>> {
    all().iter().flat_map(|met| met.inviters.iter().chain(&met.joiners)).cloned().collect()
}

/// Halves that were stored; what they are asked next must not make them fall over either.
fn halves(input: &[u8]) -> bool {
    let mut any = false;
    let rng = &mut ChaCha20Rng::from_seed([2; 32]);
    for met in all() {
        let letters: Vec<Letter> =
            met.letters.iter().map(|sealed| Letter { sealed: sealed.clone().into() }).collect();
        if let Ok(mut inviter) = Inviter::from_bytes(input, &met.author) {
            let again = Inviter::from_bytes(&inviter.to_bytes(), &met.author).unwrap();
            assert_eq!(again.to_bytes(), inviter.to_bytes());
            let _ = (inviter.code().map(|(_, code)| code.to_string()), inviter.is_over());
            let _ = inviter.answered(rng, 0, &letters[0]);
            let _ = (inviter.confirm(0), inviter.confirmed().is_some());
            let _ = (inviter.admitted(rng, Hash([9; 32])).is_ok(), inviter.decline(rng).is_some());
            any = true;
        }
        if let Ok(mut joiner) = Joiner::from_bytes(input) {
            let again = Joiner::from_bytes(&joiner.to_bytes()).unwrap();
            assert_eq!(again.to_bytes(), joiner.to_bytes());
            let _ = (joiner.revealed(0, &letters[1]), joiner.verdict(&letters[2]));
            any = true;
        }
    }
    any
}

fn letter_examples() -> Vec<Vec<u8>> {
    all().iter().flat_map(|met| met.letters.clone()).collect()
}

/// Letters from a mailbox. Only what was sealed under the invitation's secret opens.
fn letters(input: &[u8]) -> bool {
    let letter = Letter { sealed: input.to_vec().into() };
    let rng = &mut ChaCha20Rng::from_seed([2; 32]);
    let mut any = false;
    for met in all() {
        let real = |place: usize| met.letters[place] == input;
        let mut inviter = Inviter::from_bytes(&met.inviters[0], &met.author).unwrap();
        let answered = inviter.answered(rng, 0, &letter);
        assert_eq!(answered.is_ok(), real(0));
        assert!(answered.is_ok() || answered == Err(LinkError::Altered));
        let mut joiner = Joiner::from_bytes(&met.joiners[0]).unwrap();
        assert_eq!(joiner.revealed(0, &letter).is_ok(), real(1));
        let joiner = Joiner::from_bytes(&met.joiners[1]).unwrap();
        assert_eq!(joiner.verdict(&letter).is_ok(), real(2));
        any |= real(0) | real(1) | real(2);
    }
    any
}
