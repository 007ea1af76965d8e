//! An invitation to a share, and everybody who might stand in between.

use super::*;
use crate::space::member::{MemberKeys, MemberSecret};

fn member(number: u8) -> MemberKeys {
    MemberSecret::make(&mut rng(number)).keys()
}

fn owner(seed: u8) -> Inviter {
    Inviter::start_share(&mut rng(seed), NOW, LIFE, place(), &member(1)).unwrap()
}

fn counsellor(inviter: &Inviter) -> (Joiner, Letter) {
    let invitation = Invitation::parse_share(&inviter.invitation().to_text()).unwrap();
    Joiner::start_share(&mut rng(20), NOW, invitation, &member(2), "Dr. Reed").unwrap()
}

#[test]
fn a_counsellor_and_a_person_see_one_code_and_a_member_is_let_in() {
    let mut inviter = owner(10);
    assert!(inviter.invitation().to_text().starts_with("mainstay-share:"));
    assert_eq!(inviter.invitation().kind(), InvitationKind::Share);
    let (mut joiner, answer) = counsellor(&inviter);
    let reveal = inviter.answered(&mut rng(11), NOW + 1, &answer).unwrap();
    let shown = joiner.revealed(NOW + 2, &reveal).unwrap();
    let (newcomer, code) = inviter.code().unwrap();
    assert_eq!((code, newcomer.name.as_str()), (shown, "Dr. Reed"));
    let newcomer = inviter.confirm(NOW + 3).unwrap();
    assert_eq!(newcomer.key, member(2).sign.verify_key());
    assert_eq!(newcomer.kem, *member(2).kem.public());
    let verdict = inviter.admitted(&mut rng(12), HEAD).unwrap();
    assert_eq!(joiner.verdict(&verdict).unwrap(), HEAD);
    assert_eq!(joiner.inviter(), Some(&member(1).sign.verify_key()));
    // The relay cannot tell what kind it was by the sizes.
    let (_, device) = super::joiner(&super::inviter(10));
    let sizes = [answer, reveal, verdict, device].map(|letter| letter.sealed.len());
    assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
}

#[test]
fn an_invitation_of_one_kind_is_never_taken_for_the_other() {
    let (device, share) = (inviter(10), owner(10));
    let (link, shared) = (device.invitation().to_text(), share.invitation().to_text());
    assert_eq!(Invitation::parse(&shared).unwrap_err(), LinkError::IsShare);
    assert_eq!(Invitation::parse_share(&link).unwrap_err(), LinkError::IsDevice);
    assert_eq!(Invitation::parse(&shared.to_uppercase()).unwrap_err(), LinkError::IsShare);
    // Nor with the start of the other kind.
    let as_link = shared.replacen("mainstay-share:", "mainstay-link:", 1);
    assert_eq!(Invitation::parse(&as_link).unwrap_err(), LinkError::IsShare);
    let as_share = link.replacen("mainstay-link:", "mainstay-share:", 1);
    assert_eq!(Invitation::parse_share(&as_share).unwrap_err(), LinkError::IsDevice);
    // Nor where it was read already.
    let (keys, member) = (keys(2), member(2));
    let invitation = share.invitation().clone();
    let error = Joiner::start(&mut rng(1), NOW, invitation, &keys, "tablet").unwrap_err();
    assert_eq!(error, LinkError::IsShare);
    let invitation = device.invitation().clone();
    let error = Joiner::start_share(&mut rng(1), NOW, invitation, &member, "Reed").unwrap_err();
    assert_eq!(error, LinkError::IsDevice);
    for error in [LinkError::IsShare, LinkError::IsDevice] {
        assert!(error.to_string().contains("invitation"), "{error}");
    }
}

/// Somebody on the way writes the invitation anew, as one of the other kind: secret, nonce and key
/// are the same, and yet no letter of the one is a letter of the other.
#[test]
fn an_invitation_rewritten_to_the_other_kind_leads_nowhere() {
    let mut share = owner(10);
    let mut rewritten = share.invitation().clone();
    rewritten.kind = InvitationKind::Device;
    let text = rewritten.to_text();
    let read = Invitation::parse(&text).unwrap();
    let (_, answer) = Joiner::start(&mut rng(20), NOW, read, &keys(2), "tablet").unwrap();
    assert_eq!(share.answered(&mut rng(11), NOW, &answer).unwrap_err(), LinkError::Altered);
    let mut device = inviter(10);
    let mut rewritten = device.invitation().clone();
    rewritten.kind = InvitationKind::Share;
    let read = Invitation::parse_share(&rewritten.to_text()).unwrap();
    let (_, answer) = Joiner::start_share(&mut rng(20), NOW, read, &member(2), "Reed").unwrap();
    assert_eq!(device.answered(&mut rng(11), NOW, &answer).unwrap_err(), LinkError::Altered);
}

/// Devices that are older than shares made the same bytes.
#[test]
fn the_bytes_of_an_invitation_for_a_device_have_not_changed() {
    let (device, share) = (inviter(10), owner(10));
    let (link, shared) = (device.invitation().to_bytes(), share.invitation().to_bytes());
    assert_eq!(link[0], 0x87, "an array of seven, as before there were kinds");
    assert_eq!(shared[0], 0x88);
}

#[test]
fn the_invitation_to_a_share_is_used_expired_altered_or_foreign_each_with_its_own_error() {
    let late = NOW + LIFE + 1;
    let mut one = owner(10);
    let text = one.invitation().to_text();
    let (_, answer) = counsellor(&one);
    assert_eq!(one.answered(&mut rng(11), late, &answer).unwrap_err(), LinkError::Expired);
    let invitation = one.invitation().clone();
    let error = Joiner::start_share(&mut rng(20), late, invitation, &member(2), "Reed");
    assert_eq!(error.unwrap_err(), LinkError::Expired);
    one.answered(&mut rng(11), NOW, &answer).unwrap();
    assert_eq!(one.answered(&mut rng(11), NOW, &answer).unwrap_err(), LinkError::Used);
    let (_, foreign) = counsellor(&owner(99));
    assert_eq!(owner(10).answered(&mut rng(11), NOW, &foreign).unwrap_err(), LinkError::Altered);
    for at in 15..text.len() {
        let mut changed = text.as_bytes().to_vec();
        changed[at] = if changed[at] == b'a' { b'b' } else { b'a' };
        let error = Invitation::parse_share(std::str::from_utf8(&changed).unwrap()).unwrap_err();
        assert_eq!(error, LinkError::Damaged, "at {at}");
    }
    for foreign in ["", "hello", "https://example.org", "mainstay-shar", "mainstay://a:1#b"] {
        let error = Invitation::parse_share(foreign).unwrap_err();
        assert!(matches!(error, LinkError::NotAnInvitation(_)), "{foreign}");
    }
    let life = |life| Inviter::start_share(&mut rng(1), NOW, life, place(), &member(1)).map(|_| ());
    assert_eq!(life(MAX_LIFE_MS + 1), Err(LinkError::Life));
    assert_eq!(life(MAX_LIFE_MS), Ok(()));
}

/// Who knows the invitation answers before the counsellor does.
#[test]
fn who_answers_first_in_a_counsellors_place_is_caught() {
    let mut inviter = owner(10);
    let (mut victim, _) = counsellor(&inviter);
    let invitation = inviter.invitation().clone();
    let (mut thief, answer) =
        Joiner::start_share(&mut rng(66), NOW, invitation, &member(66), "Dr. Reed").unwrap();
    let reveal = inviter.answered(&mut rng(11), NOW, &answer).unwrap();
    assert_eq!(thief.revealed(NOW, &reveal).unwrap(), inviter.code().unwrap().1);
    assert_eq!(victim.revealed(NOW, &reveal).unwrap_err(), LinkError::Used);
    assert!(victim.code().is_none(), "there is no code to compare");
}

/// A relay that has the invitation takes the counsellor's answer away and gives its own; then it
/// wants the counsellor to see a code all the same.
#[test]
fn a_relay_that_swaps_the_answer_has_no_reveal_that_the_counsellor_believes() {
    let mut inviter = owner(10);
    let (mut victim, _) = counsellor(&inviter);
    let invitation = inviter.invitation().clone();
    let (_, swapped) =
        Joiner::start_share(&mut rng(66), NOW, invitation.clone(), &member(66), "Reed").unwrap();
    let reveal = inviter.answered(&mut rng(11), NOW, &swapped).unwrap();
    let opened = letter::open(&invitation, REVEAL_PLACE, &reveal).unwrap();
    let Body::Reveal { key, nonce, .. } = opened.peek().unwrap().body else { unreachable!() };
    // It knows the nonce now and tells the counsellor that their answer was taken.
    let answer = letter::answer_hash(&victim.answer);
    let message = Message::new(&invitation, Body::Reveal { key, nonce, answer });
    let signed = Signed::seal(&message, |input| member(66).sign.sign(input));
    let forged = letter::seal(&mut rng(1), &invitation, REVEAL_PLACE, &signed);
    assert_eq!(victim.revealed(NOW, &forged).unwrap_err(), LinkError::Altered);
    let key = member(66).sign.verify_key();
    let message = Message::new(&invitation, Body::Reveal { key, nonce, answer });
    let signed = Signed::seal(&message, |input| member(66).sign.sign(input));
    let forged = letter::seal(&mut rng(1), &invitation, REVEAL_PLACE, &signed);
    assert_eq!(victim.revealed(NOW, &forged).unwrap_err(), LinkError::WrongInviter);
}

/// Whoever replaces the invitation itself plays both parts, and has to fix an answer before the true
/// nonce is known, and a nonce before the true answer is. They may search as long as they like before
/// that: what makes the codes equal under a guess does not under the truth. Afterwards every door is
/// shut.
#[test]
fn searching_for_a_matching_code_gains_nothing() {
    let mut person = owner(10);
    let mut between = Inviter::start_share(&mut rng(66), NOW, LIFE, place(), &member(66)).unwrap();
    let (mut victim, answer) = counsellor(&between);
    let reveal = between.answered(&mut rng(67), NOW, &answer).unwrap();
    let wanted = victim.revealed(NOW, &reveal).unwrap();
    // The search, with a smaller code so that it ends: an answer whose code under a guessed nonce
    // begins like the one that the counsellor sees.
    let start = |code: Code| code.to_string()[..3].to_owned();
    let invitation = person.invitation().clone();
    let guess = [0; 32];
    let found =
        (0..=u8::MAX).flat_map(|a| (0..=u8::MAX).map(move |b| (a, b))).find_map(|(a, b)| {
            let mut seed = [0; 32];
            seed[..2].copy_from_slice(&[a, b]);
            let mut rng = ChaCha20Rng::from_seed(seed);
            let me = member(66);
            let (joiner, letter) =
                Joiner::start_share(&mut rng, NOW, invitation.clone(), &me, "Dr. Reed").unwrap();
            let code = Code::of(&invitation.to_bytes(), joiner.answer.body(), &guess);
            (start(code) == start(wanted)).then_some(letter)
        });
    let letter = found.unwrap();
    person.answered(&mut rng(11), NOW, &letter).unwrap();
    let (_, code) = person.code().unwrap();
    assert_ne!(start(code), start(wanted));
    // The nonce is known now, and nothing can be varied any more, on either side.
    let (_, other) =
        Joiner::start_share(&mut rng(68), NOW, invitation, &member(66), "Dr. Reed").unwrap();
    assert_eq!(person.answered(&mut rng(11), NOW, &other).unwrap_err(), LinkError::Used);
    let (answer, key) = (letter::answer_hash(&victim.answer), member(66).sign.verify_key());
    let body = Body::Reveal { key, nonce: [7; 32], answer };
    let message = Message::new(between.invitation(), body);
    let signed = Signed::seal(&message, |input| member(66).sign.sign(input));
    let other = letter::seal(&mut rng(1), between.invitation(), REVEAL_PLACE, &signed);
    assert_eq!(victim.revealed(NOW, &other).unwrap_err(), LinkError::Commitment);
}
