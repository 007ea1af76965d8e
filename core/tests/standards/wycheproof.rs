//! Wycheproof: good and malicious inputs for each primitive, through the crates and calls that the
//! space floor uses.

use chacha20poly1305::aead::{Aead, Nonce, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, XChaCha20Poly1305};
use ed25519_dalek::{Signature, VerifyingKey};
use hkdf::Hkdf;
use sha2::Sha256;
use wycheproof::{TestResult, aead, eddsa, hkdf as kdf, xdh};
use x25519_dalek::{PublicKey, StaticSecret};

#[test]
fn ed25519_strict_verification_agrees_with_wycheproof() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut counted = 0;
    for group in &set.test_groups {
        let key: [u8; 32] = group.key.pk.as_slice().try_into().unwrap();
        for test in &group.tests {
            let verified = VerifyingKey::from_bytes(&key).is_ok_and(|key| {
                Signature::from_slice(&test.sig)
                    .is_ok_and(|signature| key.verify_strict(&test.msg, &signature).is_ok())
            });
            assert_eq!(verified, test.result == TestResult::Valid, "{}", test.tc_id);
            counted += 1;
        }
    }
    assert_eq!(counted, 151);
}

/// Opens every vector, and seals the valid ones. Gives how many there were, and how many of them had
/// a nonce of another length than the cipher's.
fn check<C: Aead + KeyInit>(name: aead::TestName) -> (usize, usize) {
    let set = aead::TestSet::load(name).unwrap();
    let (mut counted, mut other_nonces) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        counted += 1;
        let Ok(nonce) = Nonce::<C>::try_from(test.nonce.as_slice()) else {
            // Nonces are arrays of the cipher's own length; others cannot be expressed.
            assert!(test.result.must_fail(), "{}", test.tc_id);
            other_nonces += 1;
            continue;
        };
        let cipher = C::new_from_slice(&test.key).unwrap();
        let sealed = [&test.ct[..], &test.tag].concat();
        let opened = cipher.decrypt(&nonce, Payload { msg: &sealed, aad: &test.aad });
        match test.result {
            TestResult::Valid => {
                assert_eq!(opened.unwrap(), **test.pt, "{}", test.tc_id);
                let payload = Payload { msg: &test.pt, aad: &test.aad };
                assert_eq!(cipher.encrypt(&nonce, payload).unwrap(), sealed);
            }
            _ => assert!(opened.is_err(), "{}", test.tc_id),
        }
    }
    (counted, other_nonces)
}

#[test]
fn xchacha20_poly1305_agrees_with_wycheproof() {
    let (counted, other_nonces) = check::<XChaCha20Poly1305>(aead::TestName::XChaCha20Poly1305);
    assert_eq!((counted, counted - other_nonces > 250), (315, true));
}

/// The cipher of HPKE, with which epoch keys are wrapped.
#[test]
fn chacha20_poly1305_agrees_with_wycheproof() {
    let counts = check::<ChaCha20Poly1305>(aead::TestName::ChaCha20Poly1305);
    assert_eq!(counts, (325, 9));
}

/// The half of X-Wing that is no ML-KEM. What Wycheproof calls acceptable (the twist, keys that are
/// not reduced, keys of small order) X25519 computes as well (RFC 7748 §5); that a secret of zeros
/// came out can be told.
#[test]
fn x25519_agrees_with_wycheproof() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let (mut counted, mut zeros) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let public: [u8; 32] = test.public_key.as_slice().try_into().unwrap();
        let private: [u8; 32] = test.private_key.as_slice().try_into().unwrap();
        let shared = StaticSecret::from(private).diffie_hellman(&PublicKey::from(public));
        assert!(!test.result.must_fail(), "{}", test.tc_id);
        assert_eq!(shared.as_bytes()[..], test.shared_secret[..], "{}", test.tc_id);
        let zero = test.flags.contains(&xdh::TestFlag::ZeroSharedSecret);
        assert_eq!(shared.was_contributory(), !zero, "{}", test.tc_id);
        counted += 1;
        zeros += usize::from(zero);
    }
    assert_eq!((counted, zeros), (518, 31));
}

#[test]
fn hkdf_sha256_agrees_with_wycheproof() {
    let set = kdf::TestSet::load(kdf::TestName::HkdfSha256).unwrap();
    let mut counted = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mut okm = vec![0; test.size];
        let expanded =
            Hkdf::<Sha256>::new(Some(&test.salt), &test.ikm).expand(&test.info, &mut okm);
        match test.result {
            TestResult::Valid => {
                expanded.unwrap();
                assert_eq!(okm, **test.okm, "{}", test.tc_id);
            }
            _ => assert!(expanded.is_err(), "{}", test.tc_id),
        }
        counted += 1;
    }
    assert_eq!(counted, 86);
}
