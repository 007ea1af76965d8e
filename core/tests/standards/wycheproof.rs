//! Wycheproof: good and malicious inputs for each primitive, through the crates and calls that the
//! space floor uses.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use ed25519_dalek::{Signature, VerifyingKey};
use hkdf::Hkdf;
use sha2::Sha256;
use wycheproof::{TestResult, aead, eddsa, hkdf as kdf};

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

#[test]
fn xchacha20_poly1305_agrees_with_wycheproof() {
    let set = aead::TestSet::load(aead::TestName::XChaCha20Poly1305).unwrap();
    let (mut counted, mut other_nonces) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        counted += 1;
        let Ok(nonce) = <[u8; 24]>::try_from(test.nonce.as_slice()) else {
            // Our nonces are arrays of 24 bytes; others cannot be expressed.
            assert!(test.result.must_fail(), "{}", test.tc_id);
            other_nonces += 1;
            continue;
        };
        let cipher = XChaCha20Poly1305::new_from_slice(&test.key).unwrap();
        let sealed = [&test.ct[..], &test.tag].concat();
        let opened = cipher.decrypt(&nonce.into(), Payload { msg: &sealed, aad: &test.aad });
        match test.result {
            TestResult::Valid => {
                assert_eq!(opened.unwrap(), **test.pt, "{}", test.tc_id);
                let payload = Payload { msg: &test.pt, aad: &test.aad };
                assert_eq!(cipher.encrypt(&nonce.into(), payload).unwrap(), sealed);
            }
            _ => assert!(opened.is_err(), "{}", test.tc_id),
        }
    }
    assert_eq!((counted, counted - other_nonces > 250), (315, true));
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
