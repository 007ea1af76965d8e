//! Two phones of different versions meet over these bytes: they stay as they are.

use mainstay_protocol::codec;

use super::super::invitation::InvitationKind;
use super::*;

const NONCE: [u8; 32] = [6; 32];

fn invitation(kind: InvitationKind) -> Invitation {
    let place = place();
    Invitation {
        kind,
        relay: place.relay,
        space: SPACE,
        secret: [4; 32].into(),
        expires_ms: NOW,
        inviter: Hash([5; 32]),
        commitment: Hash([8; 32]),
    }
}

#[test]
fn invitations_keep_their_text() {
    let device = invitation(InvitationKind::Device);
    let share = invitation(InvitationKind::Share);
    assert_eq!([&**device.to_text(), &**share.to_text()], [DEVICE, SHARE]);
    assert!(Invitation::parse(DEVICE).unwrap() == device);
    assert!(Invitation::parse_share(SHARE).unwrap() == share);
}

/// The bytes of a message by their hash: a key alone has 1,216.
fn hash(body: Body) -> String {
    let bytes = codec::encode(&Message::new(&invitation(InvitationKind::Device), body));
    let again = codec::encode(&codec::decode::<Message>(&bytes).unwrap());
    assert_eq!(bytes, again);
    Hash::of("vector", &[&bytes]).to_hex()
}

#[test]
fn letters_keep_their_bytes() {
    let key = keys(2).author.verify_key();
    let answer = Answer {
        key,
        kem: KemKey(vec![9; KemKey::LEN].into()),
        name: "tablet".into(),
        nonce: NONCE,
    };
    let bodies = [
        Body::Answer(answer),
        Body::Reveal { key, nonce: NONCE, answer: HEAD },
        Body::Verdict { head: Some(HEAD), answer: HEAD },
        Body::Verdict { head: None, answer: HEAD },
    ];
    assert_eq!(bodies.map(hash), LETTERS);
}

const LETTERS: [&str; 4] = [
    "3d1461710594d401f3fc0b55bb0d286c1d57d8fbb011f5360263b915d1b3a6a6",
    "ac1c1c0ebb1bf84ecd36a7a83c62ce631e26b41f493aef8095b0ffc5de4384ff",
    "207df99592c3a8565ef1ee52c76c53d68e647a66c27c9141cc6257b64948f64d",
    "6ecaa6aee3694f61b3ab71bfb15d49d8aed227fb7ec1282d8332bae5d2a2454a",
];
const DEVICE: &str = "mainstay-link:kexoys4haf4ge3lbnfxhg5dbpe5c6l3smvwgc6jomv4gc3lqnrss433sm45dinbtgmrtam\
    zqgmydgmbtgaztamzqgmydgmbtgaztamzqgmydgmbtgaztamzqgmydgmbtgaztamzqgmydgmbtgaztamzqgm\
    ydgmbtgaztamzqgnmcaaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaiblaqaibaeaqcaib\
    aeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaiba3aaaadiyylriaawbaaucqkbifaucqkbifaucqkbifau\
    cqkbifaucqkbifaucqkbifaucvqiaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaiba";
const SHARE: &str = "mainstay-share:vz4mv3eiaf4ge3lbnfxhg5dbpe5c6l3smvwgc6jomv4gc3lqnrss433sm45dinbtgmrta\
    mzqgmydgmbtgaztamzqgmydgmbtgaztamzqgmydgmbtgaztamzqgmydgmbtgaztamzqgmydgmbtgaztamzqg\
    mydgmbtgaztamzqgnmcaaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaiblaqaibaeaqcai\
    baeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaiba3aaaadiyylriaawbaaucqkbifaucqkbifaucqkbifa\
    ucqkbifaucqkbifaucqkbifaucvqiaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaaq";
