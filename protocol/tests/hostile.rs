//! Bytes from somebody hostile: no decoder panics, hangs, or takes much more memory than it was
//! given bytes.
#![allow(clippy::unwrap_used)]

use ed25519_dalek::Verifier as _;
use mainstay_protocol::address::RelayAddress;
use mainstay_protocol::codec;
use mainstay_protocol::envelope::{Envelope, Header, Stub};
use mainstay_protocol::frame::{Attach, Grant, Invitation, Reply, Request};
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::receipt::Receipt;
use mainstay_protocol::roster::{Record, Roster, Wrap};
use mainstay_protocol::sign::{Signature, Signed, VerifyKey, signing_input};
use mainstay_protocol::statement::Statement;
use proptest::collection::vec;
use proptest::prelude::*;

/// The golden vectors of a file, as starting points that get far into the decoders.
fn golden(text: &str) -> Vec<Vec<u8>> {
    let hex = text.lines().filter_map(|line| line.split_once(' ')).map(|(_, hex)| hex);
    hex.map(unhex).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap()).collect()
}

fn all_golden() -> Vec<Vec<u8>> {
    let files = [
        include_str!("../vectors/envelopes.hex"),
        include_str!("../vectors/refusals.hex"),
        include_str!("../vectors/replies.hex"),
        include_str!("../vectors/requests.hex"),
        include_str!("../vectors/rosters.hex"),
        include_str!("../vectors/shares.hex"),
        include_str!("../vectors/statements.hex"),
        include_str!("../vectors/values.hex"),
    ];
    files.into_iter().flat_map(golden).collect()
}

/// Every decoder of the crate.
fn decode_all(bytes: &[u8]) {
    let _ = codec::decode::<Request>(bytes);
    let _ = codec::decode::<Reply>(bytes);
    let _ = codec::decode::<Header>(bytes);
    let _ = codec::decode::<Attach>(bytes);
    let _ = codec::decode::<Grant>(bytes);
    let _ = codec::decode::<Invitation>(bytes);
    let _ = codec::decode::<Receipt>(bytes);
    let _ = codec::decode::<Statement>(bytes);
    let _ = codec::decode::<Record>(bytes);
    let _ = codec::decode::<Wrap>(bytes);
    let _ = codec::decode::<VerifyKey>(bytes);
    let key = VerifyKey([1; 32]);
    let space = SpaceId([0x51; 32]);
    if let Ok(envelope) = Envelope::from_bytes(bytes) {
        let _ = envelope.verify(&space, &key);
    }
    if let Ok(stub) = Stub::from_bytes(bytes) {
        let _ = stub.verify(&space, &key);
    }
    if let Ok(record) = codec::decode::<Signed<Record>>(bytes) {
        let _ = record.verify(&key);
        let _ = Roster::verify(space, &[record.clone(), record]);
    }
    if let Ok(records) = codec::decode::<Vec<Signed<Record>>>(bytes) {
        let _ = Roster::verify(space, &records);
    }
}

proptest! {
    #[test]
    fn random_bytes_are_an_error_and_no_panic(bytes in vec(any::<u8>(), 0..2048)) {
        decode_all(&bytes);
    }

    #[test]
    fn altered_wire_bytes_are_an_error_and_no_panic(
        which in any::<prop::sample::Index>(),
        edits in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        tail in vec(any::<u8>(), 0..32),
    ) {
        let golden = all_golden();
        let mut bytes = golden[which.index(golden.len())].clone();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        decode_all(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        decode_all(&bytes);
        bytes.extend(tail);
        decode_all(&bytes);
    }

    #[test]
    fn what_decodes_encodes_to_what_decodes_again(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let golden = all_golden();
        let mut bytes = golden[which.index(golden.len())].clone();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(request) = codec::decode::<Request>(&bytes) {
            prop_assert_eq!(codec::decode::<Request>(&codec::encode(&request)).unwrap(), request);
        }
        if let Ok(reply) = codec::decode::<Reply>(&bytes) {
            prop_assert_eq!(codec::decode::<Reply>(&codec::encode(&reply)).unwrap(), reply);
        }
    }

    #[test]
    fn any_text_is_an_address_or_an_error(text in "\\PC{0,80}", port in any::<u32>()) {
        let _ = text.parse::<RelayAddress>();
        let _ = format!("mainstay://{text}:{port}#{text}").parse::<RelayAddress>();
        let pin = "00".repeat(32);
        if let Ok(address) = format!("mainstay://{text}:{port}#{pin}").parse::<RelayAddress>() {
            prop_assert_eq!(address.to_string().parse::<RelayAddress>().unwrap(), address);
        }
    }

    #[test]
    fn a_signature_of_any_bytes_under_any_key_is_refused(
        key in any::<[u8; 32]>(),
        signature in any::<[u8; 64]>(),
    ) {
        let mut bytes = signature.to_vec();
        bytes.rotate_left(1);
        VerifyKey(key).verify("test", &bytes, &Signature(signature)).unwrap_err();
    }
}

/// A list that says it has 2^60 items, and one byte of them.
#[test]
fn a_huge_length_takes_no_memory() {
    for head in [0x9b_u8, 0x5b, 0x7b, 0xbb] {
        let mut length = vec![head];
        length.extend_from_slice(&(1u64 << 60).to_be_bytes());
        length.push(0);
        decode_all(&length);
        for golden in all_golden() {
            // In the place of every part of a value.
            for at in (0..golden.len()).step_by(golden.len().div_ceil(40)) {
                let spliced = [&golden[..at], &length, &golden[at..]].concat();
                decode_all(&spliced);
            }
        }
    }
}

/// Unknown fields are skipped without recursion.
#[test]
fn deep_nesting_does_not_exhaust_the_stack() {
    for opening in [0x81_u8, 0x9f, 0xd8, 0xbf, 0xa1] {
        let deep = vec![opening; 200_000];
        decode_all(&deep);
        // As a field that a newer version might have added to a request.
        let mut request = vec![0x82, 0x04, 0x82, 0x58, 0x20];
        request.extend_from_slice(&[0x51; 32]);
        request.extend_from_slice(&deep);
        assert!(codec::decode::<Request>(&request).is_err());
    }
}

#[test]
fn bytes_after_the_end_are_refused() {
    let mut bytes = codec::encode(&Request::Wraps { space: SpaceId([1; 32]) });
    bytes.push(0);
    assert_eq!(codec::decode::<Request>(&bytes), Err(codec::CodecError::Trailing(1)));
}

/// The eight points of small order (RFC 8032's cofactor) in all their encodings: eight canonical ones
/// and six others that decoders take ("Taming the many EdDSAs", 2020). They are 0, 1, p - 1, p,
/// p + 1 and the two y of order 8, each with either sign.
fn small_order() -> [[u8; 32]; 14] {
    let small = |lowest: u8| {
        let mut y = [0; 32];
        y[0] = lowest;
        y
    };
    let near_p = |lowest: u8| {
        let mut y = [0xff; 32];
        (y[0], y[31]) = (lowest, 0x7f);
        y
    };
    let order_eight = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a
        26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";
    let mut ys = vec![small(0), small(1), near_p(0xec), near_p(0xed), near_p(0xee)];
    ys.extend(order_eight.lines().map(|hex| <[u8; 32]>::try_from(unhex(hex.trim())).unwrap()));
    let signs = ys.into_iter().flat_map(|y| {
        let mut negative = y;
        negative[31] |= 0x80;
        [y, negative]
    });
    signs.collect::<Vec<_>>().try_into().unwrap()
}

/// Nobody holds such a key, and yet a verification that is not strict takes forged signatures under it,
/// for one message in eight or more: -kA is of small order too, and where it is zero, any R = sB will do.
#[test]
fn keys_of_small_order_verify_nothing() {
    let points = small_order();
    let mut base = [0x66; 32];
    base[0] = 0x58;
    for key in points {
        let lax = ed25519_dalek::VerifyingKey::from_bytes(&key).unwrap();
        for (r, s) in [(&points[..], 0), (&[base][..], 1)] {
            let mut forged = 0;
            for (r, message) in r.iter().flat_map(|r| (0..40).map(move |n| (r, [n]))) {
                let mut signature = [0; 64];
                signature[..32].copy_from_slice(r);
                signature[32] = s;
                let refused = VerifyKey(key).verify("test", &message, &Signature(signature));
                assert!(refused.is_err(), "{key:x?} for {message:?} with {signature:x?}");
                let signature = ed25519_dalek::Signature::from_bytes(&signature);
                let input = signing_input("test", &message);
                forged += usize::from(lax.verify(&input, &signature).is_ok());
            }
            // What was refused is no nonsense.
            assert!(forged > 0, "{key:x?} with s = {s}");
        }
    }
}
