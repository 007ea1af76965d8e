//! Check 12: the sizes that the relay sees.

use std::collections::BTreeSet;

use mainstay_core::space::seal::sealed_bytes;
use mainstay_protocol::envelope::Envelope;
use mainstay_protocol::frame::{Reply, Request};
use mainstay_protocol::limits;
use mainstay_tests::network::Line;
use std::cell::RefCell;
use std::rc::Rc;

use super::watch::{Watch, lying};

/// The sizes of what a phone pushes in a sync.
fn pushed(w: &mut Watch, phone: usize) -> Vec<usize> {
    let sizes = Rc::new(RefCell::new(Vec::new()));
    let seen = sizes.clone();
    let line: Line = lying(move |request: &Request, replies: Vec<Reply>| {
        if let Request::Push { envelopes, .. } = request {
            let sealed = envelopes.iter().map(|b| Envelope::from_bytes(b).unwrap());
            seen.borrow_mut().extend(sealed.map(|e| e.ciphertext().len()));
        }
        replies
    });
    w.sync(phone, line).unwrap();
    sizes.take()
}

#[test]
fn check_12_what_is_sent_has_one_of_a_few_sizes() {
    let steps: BTreeSet<usize> = (0..limits::MAX_PAYLOAD_BYTES).map(sealed_bytes).collect();
    assert!(steps.len() < 200, "{} sizes", steps.len());
    let mut w = Watch::new(12_000);
    let mut seen = BTreeSet::new();
    for length in 0..60 {
        w.log(0, &format!("a short note {}", "x".repeat(length)));
        let sizes = pushed(&mut w, 0);
        assert!(sizes.iter().all(|size| steps.contains(size)), "{sizes:?}");
        seen.extend(sizes);
    }
    // Sixty notes of sixty lengths: hardly any tells its own.
    assert!(seen.len() <= 3, "{seen:?}");
}

/// Words that cannot be compressed, and are only found by who has them already.
fn words(number: u64) -> String {
    let mut state = number;
    let mut step = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    (0..900).map(|_| format!("{:08x}", step())).collect()
}

/// If what one writes were compressed together with what another wrote, who writes a guess would see by
/// the size whether it was right (CRIME, BREACH).
#[test]
fn check_12_what_somebody_else_wrote_does_not_show_in_the_size_of_what_is_sent() {
    let sizes = |guess: u64| {
        let mut w = Watch::new(12_100);
        w.log(1, &format!("a guess: {}", words(guess)));
        w.sync(1, Line::default()).unwrap();
        w.sync(0, Line::default()).unwrap();
        w.log(0, &format!("the secret: {}", words(1)));
        pushed(&mut w, 0)
    };
    let (right, wrong) = (sizes(1), sizes(2));
    assert!(right.iter().sum::<usize>() > 3_000, "it is long enough to tell: {right:?}");
    assert_eq!(right, wrong);
}
