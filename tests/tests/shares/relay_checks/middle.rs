//! A relay in the middle of an invitation, with keys of its own towards each side, that tries to find a
//! pair of equal codes. It has the text of the invitation, and gave the counsellor one of its own.

use std::collections::BTreeSet;

use mainstay_core::space::link::{Code, Invitation, Inviter, Joiner, LinkError, Place};
use mainstay_core::space::member::{MemberKeys, MemberSecret};
use mainstay_protocol::address::{Pin, RelayAddress};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::mailbox::Letter;
use mainstay_protocol::sign::VerifyKey;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

const NOW: u64 = 1_795_000_000_000;
const LIFE_MS: u64 = 24 * 3600 * 1000;
const ATTEMPTS: u64 = 200;
/// How much the one in the middle computes in one attempt.
const CANDIDATES: usize = 1 << 12;

/// A person, a counsellor, and who stands between them.
struct Middle {
    rng: ChaCha20Rng,
    person: MemberKeys,
    counsellor: MemberKeys,
    evil: MemberKeys,
}

impl Middle {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut keys = || MemberSecret::make(&mut rng).keys();
        let (person, counsellor, evil) = (keys(), keys(), keys());
        Self { rng, person, counsellor, evil }
    }

    fn invite(&mut self, keys: &MemberKeys) -> Inviter {
        let pins = vec![Pin::of(&VerifyKey([1; 32]))];
        let relay = RelayAddress { host: "relay.test".into(), port: 4433, pins };
        let place = Place { relay, space: SpaceId([9; 32]) };
        Inviter::start_share(&mut self.rng, NOW, LIFE_MS, place, keys).unwrap()
    }

    fn join(&mut self, invitation: &Invitation, keys: &MemberKeys) -> (Joiner, Letter) {
        let invitation = invitation.clone();
        Joiner::start_share(&mut self.rng, NOW, invitation, keys, "the counsellor").unwrap()
    }

    /// Both handshakes to their ends: the code on the person's screen and on the counsellor's.
    fn both(&mut self) -> (Code, Code) {
        let (person, counsellor, evil) =
            (self.person.clone(), self.counsellor.clone(), self.evil.clone());
        let (mut true_side, mut false_side) = (self.invite(&person), self.invite(&evil));
        let (_, to_person) = self.join(true_side.invitation(), &evil);
        true_side.answered(&mut self.rng, NOW, &to_person).unwrap();
        let (mut joiner, answer) = self.join(false_side.invitation(), &counsellor);
        let reveal = false_side.answered(&mut self.rng, NOW, &answer).unwrap();
        let there = joiner.revealed(NOW, &reveal).unwrap();
        (true_side.code().unwrap().1, there)
    }
}

/// Where a stored half has the nonce that its invitation is bound to.
fn place_of_nonce(stored: &[u8]) -> usize {
    let bound = |at: &usize| {
        let hash = Hash::of("device link", &[b"commitment", &stored[*at..at + 32]]);
        stored.windows(32).any(|window| window == hash.as_bytes())
    };
    (0..stored.len() - 31).find(bound).expect("a nonce")
}

// Broken on purpose: a `Code` over nothing that was said made it fail.
#[test]
fn a_relay_in_the_middle_of_two_hundred_invitations_never_shows_the_same_code_on_both_screens() {
    for seed in 0..ATTEMPTS {
        let (here, there) = Middle::new(seed).both();
        assert_ne!(here, there, "attempt {seed}");
    }
    // Without anybody in between they are the same.
    let mut honest = Middle::new(ATTEMPTS);
    let (person, counsellor) = (honest.person.clone(), honest.counsellor.clone());
    let mut inviter = honest.invite(&person);
    let (mut joiner, answer) = honest.join(inviter.invitation(), &counsellor);
    let reveal = inviter.answered(&mut honest.rng, NOW, &answer).unwrap();
    assert_eq!(joiner.revealed(NOW, &reveal).unwrap(), inviter.code().unwrap().1);
}

// Broken on purpose: `Joiner::revealed` without its look at the commitment made it fail.
#[test]
fn a_relay_in_the_middle_that_has_seen_one_code_cannot_choose_what_makes_the_other_one() {
    let mut middle = Middle::new(7000);
    let (person, counsellor, evil) =
        (middle.person.clone(), middle.counsellor.clone(), middle.evil.clone());
    // Towards the person it is through: it has the nonce, and knows the code on their screen.
    let mut true_side = middle.invite(&person);
    let (_, to_person) = middle.join(true_side.invitation(), &evil);
    true_side.answered(&mut middle.rng, NOW, &to_person).unwrap();
    let wanted = true_side.code().unwrap().1;
    // Towards the counsellor it tries nonces until one gives that code. None is taken but the one
    // that its invitation was bound to before the counsellor had said a word.
    let false_side = middle.invite(&evil);
    let (joiner, answer) = middle.join(false_side.invitation(), &counsellor);
    let (joiner, stored) = (joiner.to_bytes(), false_side.to_bytes());
    let (at, mut codes) = (place_of_nonce(&stored), BTreeSet::new());
    for candidate in 0..CANDIDATES {
        let mut other = stored.to_vec();
        let nonce = Hash::of("a candidate", &[&candidate.to_be_bytes()]);
        other[at..at + 32].copy_from_slice(nonce.as_bytes());
        let mut tried = Inviter::from_bytes(&other, &evil.sign).unwrap();
        let reveal = tried.answered(&mut middle.rng, NOW, &answer).unwrap();
        codes.insert(tried.code().unwrap().1.to_string());
        let mut there = Joiner::from_bytes(&joiner).unwrap();
        assert_eq!(there.revealed(NOW, &reveal), Err(LinkError::Commitment));
        assert_eq!(there.code(), None);
    }
    assert!(codes.len() > CANDIDATES - 10, "another nonce would make another code");
    let mut kept = Inviter::from_bytes(&stored, &evil.sign).unwrap();
    let reveal = kept.answered(&mut middle.rng, NOW, &answer).unwrap();
    let mut there = Joiner::from_bytes(&joiner).unwrap();
    assert_ne!(there.revealed(NOW, &reveal).unwrap(), wanted, "the one try that it has");
}

// Broken on purpose: `Inviter::answered` taking a second answer made it fail.
#[test]
fn a_relay_in_the_middle_gets_one_answer_in_before_the_person_reveals_anything() {
    let mut middle = Middle::new(7001);
    let (person, evil) = (middle.person.clone(), middle.evil.clone());
    let mut inviter = middle.invite(&person);
    let candidates: Vec<Letter> =
        (0..64).map(|_| middle.join(inviter.invitation(), &evil).1).collect();
    assert!(inviter.code().is_none() && inviter.last_letter().is_none());
    inviter.answered(&mut middle.rng, NOW, &candidates[0]).unwrap();
    let shown = inviter.code().unwrap().1;
    let mut again = Inviter::from_bytes(&inviter.to_bytes(), &person.sign).unwrap();
    for other in &candidates {
        for half in [&mut inviter, &mut again] {
            assert_eq!(half.answered(&mut middle.rng, NOW, other).unwrap_err(), LinkError::Used);
            assert_eq!(half.code().unwrap().1, shown);
        }
    }
}
