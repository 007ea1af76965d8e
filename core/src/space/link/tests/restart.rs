//! A handshake whose two sides are closed and opened again between any two steps.

use super::*;
use crate::space::member::{MemberKeys, MemberSecret};

fn member(number: u8) -> MemberKeys {
    MemberSecret::make(&mut rng(number)).keys()
}

fn owner() -> Inviter {
    Inviter::start_share(&mut rng(10), NOW, MAX_LIFE_MS, place(), &member(1)).unwrap()
}

fn counsellor(inviter: &Inviter) -> (Joiner, Letter) {
    let invitation = Invitation::parse_share(&inviter.invitation().to_text()).unwrap();
    Joiner::start_share(&mut rng(20), NOW, invitation, &member(2), "Dr. Reed").unwrap()
}

fn reopened(inviter: &Inviter) -> Inviter {
    Inviter::from_bytes(&inviter.to_bytes(), &member(1).sign).unwrap()
}

fn rejoined(joiner: &Joiner) -> Joiner {
    Joiner::from_bytes(&joiner.to_bytes()).unwrap()
}

#[test]
fn two_people_who_are_never_there_together_see_one_code_days_apart() {
    const DAY: u64 = 24 * 3600 * 1000;
    let inviter = reopened(&owner());
    let (joiner, answer) = counsellor(&inviter);
    let mut joiner = rejoined(&joiner);
    assert_eq!(*joiner.letter(), answer, "the same answer is sent again");
    let mut inviter = reopened(&inviter);
    let reveal = inviter.answered(&mut rng(11), NOW + DAY, &answer).unwrap();
    let inviter = reopened(&inviter);
    assert_eq!(inviter.last_letter(), Some((REVEAL_PLACE, &reveal)));
    assert!(joiner.code().is_none());
    let shown = joiner.revealed(NOW + 2 * DAY, &reveal).unwrap();
    let joiner = rejoined(&joiner);
    assert_eq!(joiner.code(), Some(shown));
    let mut inviter = reopened(&inviter);
    assert_eq!(inviter.code().unwrap().1, shown);
    let newcomer = inviter.confirm(NOW + 3 * DAY).unwrap();
    let mut inviter = reopened(&inviter);
    assert_eq!(inviter.confirmed(), Some(&newcomer));
    let verdict = inviter.admitted(&mut rng(12), HEAD).unwrap();
    let inviter = reopened(&inviter);
    assert_eq!(inviter.last_letter(), Some((VERDICT_PLACE, &verdict)));
    assert!(inviter.is_over() && inviter.confirmed().is_none());
    assert_eq!(rejoined(&joiner).verdict(&verdict).unwrap(), HEAD);
    assert_eq!(rejoined(&joiner).inviter(), Some(&member(1).sign.verify_key()));
}

#[test]
fn an_invitation_that_was_used_is_used_after_a_restart() {
    let mut inviter = owner();
    let (_, answer) = counsellor(&inviter);
    let invitation = inviter.invitation().clone();
    let (_, second) =
        Joiner::start_share(&mut rng(66), NOW, invitation, &member(66), "Dr. Reed").unwrap();
    inviter.answered(&mut rng(11), NOW, &answer).unwrap();
    let answers = |inviter: &mut Inviter| {
        for letter in [&answer, &second] {
            let error = inviter.answered(&mut rng(11), NOW, letter).unwrap_err();
            assert_eq!(error, LinkError::Used);
        }
    };
    let mut inviter = reopened(&inviter);
    answers(&mut inviter);
    inviter.confirm(NOW).unwrap();
    let mut inviter = reopened(&inviter);
    answers(&mut inviter);
    assert_eq!(inviter.confirm(NOW).unwrap_err(), LinkError::Used);
    inviter.admitted(&mut rng(12), HEAD).unwrap();
    let mut inviter = reopened(&inviter);
    answers(&mut inviter);
    assert_eq!(inviter.confirm(NOW).unwrap_err(), LinkError::Used);
    assert_eq!(inviter.admitted(&mut rng(12), HEAD).unwrap_err(), LinkError::OutOfOrder);
}

#[test]
fn an_invitation_that_was_declined_or_has_expired_stays_so() {
    let mut inviter = owner();
    let (_, answer) = counsellor(&inviter);
    let late = NOW + MAX_LIFE_MS + 1;
    let mut again = reopened(&inviter);
    assert_eq!(again.answered(&mut rng(11), late, &answer).unwrap_err(), LinkError::Expired);
    again.answered(&mut rng(11), NOW, &answer).unwrap();
    assert_eq!(reopened(&again).confirm(late).unwrap_err(), LinkError::Expired);
    assert!(inviter.decline(&mut rng(12)).is_none());
    let mut inviter = reopened(&inviter);
    assert!(inviter.is_over() && inviter.last_letter().is_none());
    assert_eq!(inviter.answered(&mut rng(11), NOW, &answer).unwrap_err(), LinkError::Used);
    let verdict = again.decline(&mut rng(12)).unwrap();
    assert_eq!(reopened(&again).last_letter(), Some((VERDICT_PLACE, &verdict)));
}

#[test]
fn a_half_goes_on_only_under_the_key_it_was_made_with() {
    let bytes = owner().to_bytes();
    let error = Inviter::from_bytes(&bytes, &member(9).sign).unwrap_err();
    assert_eq!(error, LinkError::KeysChanged);
    // That key is not in the bytes.
    let seed = MemberSecret::make(&mut rng(1));
    assert!(!bytes.windows(32).any(|window| window == seed.expose()));
}

#[test]
fn a_device_link_survives_a_restart_too() {
    let inviter = inviter(10);
    let (joiner, answer) = joiner(&inviter);
    let mut inviter = Inviter::from_bytes(&inviter.to_bytes(), &keys(1).author).unwrap();
    let reveal = inviter.answered(&mut rng(11), NOW, &answer).unwrap();
    let shown = rejoined(&joiner).revealed(NOW, &reveal).unwrap();
    assert_eq!(inviter.code().unwrap().1, shown);
}

#[test]
fn what_is_no_half_of_a_handshake_is_an_error_and_no_panic() {
    let mut inviter = owner();
    let (mut joiner, answer) = counsellor(&inviter);
    let reveal = inviter.answered(&mut rng(11), NOW, &answer).unwrap();
    joiner.revealed(NOW, &reveal).unwrap();
    let (ours, theirs) = (inviter.to_bytes(), joiner.to_bytes());
    let key = member(1).sign;
    assert!(Inviter::from_bytes(&theirs, &key).is_err());
    assert!(Joiner::from_bytes(&ours).is_err());
    for cut in 0..ours.len() {
        assert_eq!(Inviter::from_bytes(&ours[..cut], &key).unwrap_err(), LinkError::Stored);
    }
    for cut in 0..theirs.len() {
        assert_eq!(Joiner::from_bytes(&theirs[..cut]).unwrap_err(), LinkError::Stored);
    }
    // Whatever comes of a flipped byte, using it panics nowhere.
    for at in 0..ours.len() {
        let mut flipped = ours.to_vec();
        flipped[at] ^= 1;
        if let Ok(mut inviter) = Inviter::from_bytes(&flipped, &key) {
            let _ = inviter.code().map(|(_, code)| code.to_string());
            let _ = inviter.answered(&mut rng(1), NOW, &answer);
            let _ = inviter.confirm(NOW);
            let _ = inviter.admitted(&mut rng(1), HEAD);
        }
    }
    for at in 0..theirs.len() {
        let mut flipped = theirs.to_vec();
        flipped[at] ^= 1;
        if let Ok(mut joiner) = Joiner::from_bytes(&flipped) {
            let _ = joiner.code().map(|code| code.to_string());
            let _ = joiner.revealed(NOW, &reveal);
        }
    }
    let mut newer = ours.to_vec();
    newer[1] = 2;
    assert_eq!(Inviter::from_bytes(&newer, &key).unwrap_err(), LinkError::Newer);
}
