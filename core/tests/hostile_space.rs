//! Text that people type and bytes that a relay hands over: errors, never panics.
#![allow(clippy::unwrap_used)]

use mainstay_core::space::consent::open_consent;
use mainstay_core::space::epoch::EpochKey;
use mainstay_core::space::keyring::Keyring;
use mainstay_core::space::link::{Invitation, Inviter, Joiner, Place};
use mainstay_core::space::phrase::Phrase;
use mainstay_core::space::recovery::Recovery;
use mainstay_core::space::root::open_root;
use mainstay_core::space::seal;
use mainstay_core::space::sign::AuthorKey;
use mainstay_core::space::{device::DeviceSecret, wrap};
use mainstay_protocol::address::{Pin, RelayAddress};
use mainstay_protocol::envelope::Envelope;
use mainstay_protocol::frame::Signer;
use mainstay_protocol::ids::{AuthorId, EpochId, SpaceId};
use mainstay_protocol::mailbox::Letter;
use mainstay_protocol::roster::{ConsentState, SealedKey, Wrap};
use proptest::collection::vec;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

const SPACE: SpaceId = SpaceId([1; 32]);

fn author() -> AuthorKey {
    device().keys(&SPACE, 0).author
}

fn device() -> DeviceSecret {
    DeviceSecret::make(&mut ChaCha20Rng::from_seed([1; 32]))
}

fn inviter() -> Inviter {
    let relay = RelayAddress { host: "::1".into(), port: 1, pins: vec![Pin([1; 32])] };
    let place = Place { relay, space: SPACE };
    Inviter::start(&mut ChaCha20Rng::from_seed([2; 32]), 0, 1000, place, &author()).unwrap()
}

proptest! {
    #[test]
    fn any_text_is_a_phrase_or_an_error(text in "\\PC{0,200}", words in vec("[a-z]{1,9}", 12)) {
        let _ = Phrase::parse(&text);
        let _ = Phrase::parse(&words.join(" "));
    }

    #[test]
    fn every_phrase_is_read_back(entropy in any::<[u8; 16]>()) {
        let phrase = Phrase::from_entropy(&entropy);
        let text = phrase.words().collect::<Vec<_>>().join("  ").to_uppercase();
        prop_assert!(Phrase::parse(&text).unwrap() == phrase);
    }

    #[test]
    fn any_text_is_an_invitation_or_an_error(text in "\\PC{0,200}", digits in "[a-z2-7]{0,400}") {
        let _ = Invitation::parse(&text);
        let _ = Invitation::parse(&format!("mainstay-link:{text}"));
        let _ = Invitation::parse(&format!("MAINSTAY-LINK:{digits}"));
        let _ = Invitation::parse_share(&text);
        let _ = Invitation::parse_share(&format!("mainstay-share:{text}"));
        let _ = Invitation::parse_share(&format!("MAINSTAY-SHARE:{digits}"));
    }

    #[test]
    fn any_letter_is_refused_by_both_sides(bytes in vec(any::<u8>(), 0..3000)) {
        let rng = &mut ChaCha20Rng::from_seed([3; 32]);
        let letter = Letter { sealed: bytes.into() };
        let mut inviter = inviter();
        let invitation = inviter.invitation().clone();
        inviter.answered(rng, 0, &letter).unwrap_err();
        let keys = device().keys(&SPACE, 1);
        let (mut joiner, answer) = Joiner::start(rng, 0, invitation, &keys, "b").unwrap();
        joiner.revealed(0, &letter).unwrap_err();
        let reveal = inviter.answered(rng, 0, &answer).unwrap();
        joiner.revealed(0, &reveal).unwrap();
        joiner.verdict(&letter).unwrap_err();
    }

    #[test]
    fn any_bytes_are_no_half_of_a_handshake(bytes in vec(any::<u8>(), 0..3000)) {
        Inviter::from_bytes(&bytes, &author()).unwrap_err();
        Joiner::from_bytes(&bytes).unwrap_err();
    }

    #[test]
    fn any_bytes_are_no_root_and_no_consent(bytes in vec(any::<u8>(), 0..9000)) {
        let recovery = Recovery::derive(&Phrase::from_entropy(&[1; 16]));
        open_root(&bytes, &SPACE, recovery.kem()).unwrap_err();
        let epoch = EpochKey::from_bytes([1; 32]);
        let keyring = Keyring::from_bytes(&[1; 64]).unwrap();
        let (epoch, sealed) = (epoch.id(), bytes.into());
        let consent = ConsentState { record: 1, epoch, sealed, until_ms: None };
        open_consent(&SPACE, &keyring, &consent).unwrap_err();
    }

    #[test]
    fn any_sealed_bytes_are_refused(bytes in vec(any::<u8>(), 0..1500)) {
        let key = EpochKey::from_bytes([1; 32]);
        let sealed = SealedKey { epoch: EpochId([2; 32]), sealed: bytes.clone().into() };
        key.open_previous(&sealed).unwrap_err();
        key.open_name(&SPACE, &AuthorId([1; 16]), &bytes).unwrap_err();
        let named = [&key.id().0[..], &bytes].concat();
        key.open_name(&SPACE, &AuthorId([1; 16]), &named).unwrap_err();
        device().rest_key().open(b"key", &bytes).unwrap_err();
        let _ = Keyring::from_bytes(&bytes);
        let wrapped =
            Wrap { to: Signer::Recovery, epoch: key.id(), parent: None, sealed: bytes.clone().into() };
        wrap::unwrap(&SPACE, &wrapped, &device().keys(&SPACE, 0).kem).unwrap_err();
        if let Ok(envelope) = Envelope::from_bytes(&bytes) {
            seal::open(&SPACE, &envelope, &key).unwrap_err();
        }
    }
}
