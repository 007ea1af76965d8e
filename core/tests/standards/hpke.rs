//! X-Wing by itself, and HPKE with the very suite that wraps epoch keys; RFC 9180's own vectors for
//! the same key schedule and cipher.

use std::convert::Infallible;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{X25519HkdfSha256, XWing};
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use serde::Deserialize;

use crate::unhex;

/// Gives out exactly the bytes of a vector.
struct Given(Vec<u8>);

impl TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("encapsulation asks for bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("encapsulation asks for bytes")
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        let given: Vec<u8> = self.0.drain(..to.len()).collect();
        to.copy_from_slice(&given);
        Ok(())
    }
}

impl TryCryptoRng for Given {}

#[derive(Deserialize)]
struct XWingVector {
    eseed: String,
    ss: String,
    sk: String,
    pk: String,
    ct: String,
}

#[test]
fn the_drafts_x_wing_vectors_come_out() {
    let text = include_str!("../vectors/xwing.json");
    let vectors: Vec<XWingVector> = serde_json::from_str(text).unwrap();
    for vector in &vectors {
        let secret = <XWing as Kem>::PrivateKey::from_bytes(&unhex(&vector.sk)).unwrap();
        let public = XWing::sk_to_pk(&secret);
        assert_eq!(public.to_bytes()[..], unhex(&vector.pk));
        let mut seed = Given(unhex(&vector.eseed));
        let (shared, encapsulated) = XWing::encap_with_rng(&public, None, &mut seed).unwrap();
        assert_eq!(encapsulated.to_bytes()[..], unhex(&vector.ct));
        assert_eq!(shared.0[..], unhex(&vector.ss));
        let received = <XWing as Kem>::EncappedKey::from_bytes(&unhex(&vector.ct)).unwrap();
        assert_eq!(XWing::decap(&secret, None, &received).unwrap().0[..], unhex(&vector.ss));
    }
    assert_eq!(vectors.len(), 3);
}

#[derive(Deserialize)]
struct HpkeVector {
    info: String,
    ikm_e: String,
    ikm_r: String,
    sk_r: String,
    shared_secret: String,
    encryptions: Vec<Encryption>,
    exports: Vec<Export>,
}

#[derive(Deserialize)]
struct Encryption {
    aad: String,
    pt: String,
    ct: String,
}

#[derive(Deserialize)]
struct Export {
    context: String,
    value: String,
}

/// Checks key derivation, encapsulation, key schedule, every message and every export.
fn check<K: Kem>(text: &str) -> (usize, usize) {
    let vector: HpkeVector = serde_json::from_str(text).unwrap();
    let (secret, public) = K::derive_keypair(&unhex(&vector.ikm_r));
    // Compared by public keys: X25519 ignores a secret's top bit, and some write it as it came.
    let published = K::PrivateKey::from_bytes(&unhex(&vector.sk_r)).unwrap();
    assert_eq!(K::sk_to_pk(&published).to_bytes(), public.to_bytes());
    let info = unhex(&vector.info);
    let mut seed = Given(unhex(&vector.ikm_e));
    let (encapsulated, mut sender) =
        hpke::setup_sender_with_rng::<ChaCha20Poly1305, HkdfSha256, K>(
            &OpModeS::Base,
            &public,
            &info,
            &mut seed,
        )
        .unwrap();
    let shared = K::decap(&secret, None, &encapsulated).unwrap();
    assert_eq!(shared.0[..], unhex(&vector.shared_secret));
    let mut receiver = hpke::setup_receiver::<ChaCha20Poly1305, HkdfSha256, K>(
        &OpModeR::Base,
        &secret,
        &encapsulated,
        &info,
    )
    .unwrap();
    for message in &vector.encryptions {
        let (aad, plain) = (unhex(&message.aad), unhex(&message.pt));
        assert_eq!(sender.seal(&plain, &aad).unwrap(), unhex(&message.ct));
        assert_eq!(receiver.open(&unhex(&message.ct), &aad).unwrap(), plain);
    }
    for export in &vector.exports {
        let mut value = [0; 32];
        receiver.export(&unhex(&export.context), &mut value).unwrap();
        assert_eq!(value[..], unhex(&export.value));
    }
    (vector.encryptions.len(), vector.exports.len())
}

#[test]
fn the_drafts_hpke_vector_of_our_own_suite_comes_out() {
    assert_eq!(check::<XWing>(include_str!("../vectors/hpke_xwing.json")), (10, 5));
}

#[test]
fn rfc_9180s_vector_with_our_key_schedule_and_cipher_comes_out() {
    assert_eq!(check::<X25519HkdfSha256>(include_str!("../vectors/hpke_x25519.json")), (2, 0));
}
