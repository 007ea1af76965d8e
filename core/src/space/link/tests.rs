//! Both sides of a handshake, and everybody who might stand in between.
#![allow(clippy::unwrap_used)]

mod restart;
mod share;
mod vectors;

use super::letter::{Answer, Body, Message};
use super::*;
use crate::space::device::{DeviceKeys, DeviceSecret};
use mainstay_protocol::address::{Pin, RelayAddress};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::mailbox::Letter;
use mainstay_protocol::roster::KemKey;
use mainstay_protocol::sign::Signed;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

const NOW: u64 = 1_800_000_000_000;
const LIFE: u64 = 600_000;
const SPACE: SpaceId = SpaceId([1; 32]);
const HEAD: Hash = Hash([7; 32]);

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

fn keys(number: u8) -> DeviceKeys {
    DeviceSecret::make(&mut rng(number)).keys(&SPACE, 0)
}

fn place() -> Place {
    let relay =
        RelayAddress { host: "relay.example.org".into(), port: 4433, pins: vec![Pin([3; 32])] };
    Place { relay, space: SPACE }
}

fn inviter(seed: u8) -> Inviter {
    Inviter::start(&mut rng(seed), NOW, LIFE, place(), &keys(1).author).unwrap()
}

fn joiner(inviter: &Inviter) -> (Joiner, Letter) {
    let invitation = Invitation::parse(&inviter.invitation().to_text()).unwrap();
    Joiner::start(&mut rng(20), NOW, invitation, &keys(2), "tablet").unwrap()
}

#[test]
fn two_devices_see_one_code_and_the_second_is_admitted() {
    let mut inviter = inviter(10);
    let (mut joiner, answer) = joiner(&inviter);
    assert_eq!(joiner.invitation().mailbox(), inviter.invitation().mailbox());
    assert!(inviter.code().is_none());
    let reveal = inviter.answered(&mut rng(11), NOW + 1, &answer).unwrap();
    let shown = joiner.revealed(NOW + 2, &reveal).unwrap();
    let (newcomer, code) = inviter.code().unwrap();
    assert_eq!((code, newcomer.name.as_str()), (shown, "tablet"));
    let newcomer = inviter.confirm(NOW + 3).unwrap();
    assert_eq!(newcomer.key, keys(2).author.verify_key());
    assert_eq!(newcomer.kem, *keys(2).kem.public());
    let verdict = inviter.admitted(&mut rng(12), HEAD).unwrap();
    assert_eq!(joiner.verdict(&verdict).unwrap(), HEAD);
    assert_eq!(joiner.inviter(), Some(&keys(1).author.verify_key()));
    let sizes = [answer, reveal, verdict].map(|letter| letter.sealed.len());
    assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
    assert!(sizes[0] <= limits::MAX_MAILBOX_MESSAGE_BYTES);
}

#[test]
fn an_invitation_is_read_in_capitals_and_broken_lines() {
    let inviter = inviter(10);
    let text = inviter.invitation().to_text();
    let (start, end) = text.split_at(40);
    let messy = format!(" {}\r\n  {}\n", start.to_uppercase(), end.to_uppercase());
    assert!(Invitation::parse(&messy).unwrap() == *inviter.invitation());
}

#[test]
fn an_invitation_with_any_character_changed_or_cut_is_refused() {
    let text = inviter(10).invitation().to_text();
    for at in 14..text.len() {
        let mut changed = text.as_bytes().to_vec();
        changed[at] = if changed[at] == b'a' { b'b' } else { b'a' };
        let error = Invitation::parse(std::str::from_utf8(&changed).unwrap()).unwrap_err();
        assert_eq!(error, LinkError::Damaged, "at {at}");
        assert!(Invitation::parse(&text[..at]).is_err());
    }
    assert_eq!(Invitation::parse(&format!("{}aa", *text)).unwrap_err(), LinkError::Damaged);
    for foreign in ["", "hello", "https://example.org", "mainstay-lin", "mainstay://a:1#b"] {
        let error = Invitation::parse(foreign).unwrap_err();
        assert!(matches!(error, LinkError::NotAnInvitation(_)), "{foreign}");
    }
    let long = format!("mainstay-link:{}", "a".repeat(1 << 20));
    assert!(matches!(Invitation::parse(&long).unwrap_err(), LinkError::NotAnInvitation(_)));
}

#[test]
fn an_expired_invitation_admits_nobody() {
    let mut inviter = inviter(10);
    let late = NOW + LIFE + 1;
    let (mut joiner, answer) = joiner(&inviter);
    assert_eq!(inviter.answered(&mut rng(11), late, &answer).unwrap_err(), LinkError::Expired);
    let invitation = inviter.invitation().clone();
    let error = Joiner::start(&mut rng(20), late, invitation, &keys(2), "tablet").unwrap_err();
    assert_eq!(error, LinkError::Expired);
    let reveal = inviter.answered(&mut rng(11), NOW, &answer).unwrap();
    assert_eq!(joiner.revealed(late, &reveal).unwrap_err(), LinkError::Expired);
    assert_eq!(inviter.confirm(late).unwrap_err(), LinkError::Expired);
}

#[test]
fn an_invitation_lives_no_longer_than_a_mailbox() {
    for life in [0, MAX_LIFE_MS + 1] {
        let error = Inviter::start(&mut rng(1), NOW, life, place(), &keys(1).author).unwrap_err();
        assert_eq!(error, LinkError::Life);
    }
}

#[test]
fn one_invitation_admits_one_device_once() {
    let mut inviter = inviter(10);
    let (_, answer) = joiner(&inviter);
    assert_eq!(inviter.confirm(NOW).unwrap_err(), LinkError::OutOfOrder);
    assert_eq!(inviter.admitted(&mut rng(11), HEAD).unwrap_err(), LinkError::OutOfOrder);
    inviter.answered(&mut rng(11), NOW, &answer).unwrap();
    assert_eq!(inviter.admitted(&mut rng(11), HEAD).unwrap_err(), LinkError::OutOfOrder);
    assert_eq!(inviter.answered(&mut rng(11), NOW, &answer).unwrap_err(), LinkError::Used);
    inviter.confirm(NOW).unwrap();
    assert_eq!(inviter.confirm(NOW).unwrap_err(), LinkError::Used);
    inviter.admitted(&mut rng(11), HEAD).unwrap();
    assert_eq!(inviter.admitted(&mut rng(11), HEAD).unwrap_err(), LinkError::OutOfOrder);
    assert_eq!(inviter.answered(&mut rng(11), NOW, &answer).unwrap_err(), LinkError::Used);
}

#[test]
fn a_declined_device_is_told_so_and_the_invitation_is_spent() {
    let mut inviter = inviter(10);
    let (mut joiner, answer) = joiner(&inviter);
    let reveal = inviter.answered(&mut rng(11), NOW, &answer).unwrap();
    joiner.revealed(NOW, &reveal).unwrap();
    let verdict = inviter.decline(&mut rng(12)).unwrap();
    assert_eq!(joiner.verdict(&verdict).unwrap_err(), LinkError::Declined);
    assert_eq!(inviter.confirm(NOW).unwrap_err(), LinkError::Used);
    assert!(inviter.decline(&mut rng(12)).is_none());
}

#[test]
fn altered_swapped_and_foreign_letters_are_refused() {
    let mut one = inviter(10);
    let (mut joiner_, answer) = joiner(&one);
    for at in [0, 23, 24, 300, answer.sealed.len() - 1] {
        let mut sealed = answer.sealed.to_vec();
        sealed[at] ^= 1;
        let flipped = Letter { sealed: sealed.into() };
        assert_eq!(one.answered(&mut rng(11), NOW, &flipped).unwrap_err(), LinkError::Altered);
    }
    let empty = Letter { sealed: vec![].into() };
    assert_eq!(one.answered(&mut rng(11), NOW, &empty).unwrap_err(), LinkError::Altered);
    let (_, foreign) = joiner(&inviter(99));
    assert_eq!(one.answered(&mut rng(11), NOW, &foreign).unwrap_err(), LinkError::Altered);
    let reveal = one.answered(&mut rng(11), NOW, &answer).unwrap();
    assert_eq!(joiner_.verdict(&reveal).unwrap_err(), LinkError::OutOfOrder);
    assert_eq!(joiner_.revealed(NOW, &answer).unwrap_err(), LinkError::Altered);
    joiner_.revealed(NOW, &reveal).unwrap();
    assert_eq!(joiner_.verdict(&reveal).unwrap_err(), LinkError::Altered);
}

#[test]
fn an_answer_for_a_key_that_its_sender_does_not_hold_is_refused() {
    let mut inviter = inviter(10);
    let invitation = inviter.invitation().clone();
    let (key, kem) = (keys(2).author.verify_key(), KemKey(vec![0; KemKey::LEN].into()));
    let body = Body::Answer(Answer { key, kem, name: "thief".into(), nonce: [0; 32] });
    let message = Message::new(&invitation, body);
    let signed = Signed::seal(&message, |input| keys(3).author.sign(input));
    let letter = letter::seal(&mut rng(1), &invitation, ANSWER_PLACE, &signed);
    assert_eq!(inviter.answered(&mut rng(11), NOW, &letter).unwrap_err(), LinkError::Altered);
}

/// Who knows the invitation answers first: the two screens differ, and the true joiner learns that
/// its own answer was not the one that counted.
#[test]
fn who_read_the_invitation_and_answers_first_is_caught() {
    let mut inviter = inviter(10);
    let (mut victim, _) = joiner(&inviter);
    let invitation = inviter.invitation().clone();
    let (mut thief, answer) =
        Joiner::start(&mut rng(66), NOW, invitation, &keys(66), "tablet").unwrap();
    let reveal = inviter.answered(&mut rng(11), NOW, &answer).unwrap();
    assert_eq!(thief.revealed(NOW, &reveal).unwrap(), inviter.code().unwrap().1);
    assert_eq!(victim.revealed(NOW, &reveal).unwrap_err(), LinkError::Used);
}

fn forged_reveal(invitation: &Invitation, signer: u8, nonce: [u8; 32], joiner: &Joiner) -> Letter {
    let answer = letter::answer_hash(&joiner.answer);
    let key = keys(signer).author.verify_key();
    let message = Message::new(invitation, Body::Reveal { key, nonce, answer });
    let signed = Signed::seal(&message, |input| keys(signer).author.sign(input));
    letter::seal(&mut rng(1), invitation, REVEAL_PLACE, &signed)
}

#[test]
fn a_nonce_that_was_not_committed_to_is_refused() {
    let inviter = inviter(10);
    let (mut joiner, _) = joiner(&inviter);
    let forged = forged_reveal(inviter.invitation(), 1, [0; 32], &joiner);
    assert_eq!(joiner.revealed(NOW, &forged).unwrap_err(), LinkError::Commitment);
}

#[test]
fn another_key_than_the_invitations_is_refused() {
    let inviter = inviter(10);
    let (mut joiner, _) = joiner(&inviter);
    let forged = forged_reveal(inviter.invitation(), 66, [0; 32], &joiner);
    assert_eq!(joiner.revealed(NOW, &forged).unwrap_err(), LinkError::WrongInviter);
}

#[test]
fn a_long_name_is_refused_before_anything_is_sent() {
    let invitation = inviter(10).invitation().clone();
    let name = "x".repeat(201);
    let error = Joiner::start(&mut rng(20), NOW, invitation, &keys(2), &name).unwrap_err();
    assert_eq!(error, LinkError::Name(NameTooLong));
}

#[test]
fn printing_a_handshake_shows_no_secret() {
    let inviter = inviter(10);
    let (joiner, _) = joiner(&inviter);
    let shown = format!("{:?} {joiner:?}", inviter.invitation());
    assert_eq!(shown, "Invitation([redacted]) Joiner([redacted])");
    assert_eq!(format!("{inviter:?}"), "Inviter([redacted])");
}
