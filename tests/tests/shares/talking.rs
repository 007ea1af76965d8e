//! What either side says about what was shared.

use mainstay_core::care::{SharedBody, Target};
use mainstay_core::engine::EngineError;
use mainstay_core::plan::Section;

use crate::kit::{Pair, log, pair};

fn comment(p: &Pair, on: Target, text: &str) -> SharedBody {
    SharedBody::Comment { on, text: text.to_owned(), written_at_ms: p.world.now_ms }
}

fn comments(
    device: &mut mainstay_tests::world::Phone,
    p_share: &mainstay_protocol::ids::SpaceId,
    now_ms: i64,
) -> Vec<(bool, String)> {
    let heard = device.replica.heard(p_share, now_ms).unwrap();
    let text = |heard: mainstay_core::engine::Heard| match heard.record.body {
        SharedBody::Comment { text, .. } => Some((heard.mine, text)),
        _ => None,
    };
    let mut all: Vec<_> = heard.into_iter().filter_map(text).collect();
    all.sort();
    all
}

#[test]
fn a_comment_goes_over_and_a_reply_comes_back() {
    let mut p = pair(40, "notes:full");
    let id = log(&p.world, &mut p.phone, "a hard day");
    p.round();
    let record = p.phone.replica.record_of(&p.share, &id).unwrap();
    let said = comment(&p, Target::Record(record), "thank you for telling me");
    p.laptop.replica.say_in(&p.share, said, p.world.now_ms).unwrap();
    p.round();
    let heard = p.phone.replica.heard(&p.share, p.world.now_ms).unwrap();
    let theirs = heard.iter().find(|heard| !heard.mine).unwrap();
    assert_eq!(
        theirs.name.as_deref(),
        Some("the counsellor"),
        "who of several counsellors said it"
    );
    let here = comments(&mut p.phone, &p.share, p.world.now_ms);
    assert_eq!(here, [(false, "thank you for telling me".to_owned())]);
    assert_eq!(p.phone.replica.entry_of(&p.share, &record).unwrap(), Some(id));
    let reply = comment(&p, Target::Record(record), "I am glad I did");
    p.phone.replica.say_in(&p.share, reply, p.world.now_ms).unwrap();
    p.round();
    let there = comments(&mut p.laptop, &p.share, p.world.now_ms);
    assert_eq!(there.len(), 2);
    assert!(there.contains(&(false, "I am glad I did".to_owned())));
}

#[test]
fn comments_outlast_a_wiped_relay_and_a_power_cut() {
    let mut p = pair(41, "notes:full");
    p.round();
    let said = comment(&p, Target::Plan, "let us look at it together");
    p.laptop.replica.say_in(&p.share, said, p.world.now_ms).unwrap();
    p.world.crash(&mut p.laptop).unwrap();
    p.round();
    p.world.wipe_relay();
    p.round();
    p.round();
    let mut tablet = p.world.link(&mut p.phone, "tablet").unwrap();
    for _ in 0..2 {
        let done = p.world.sync_all(&mut tablet).unwrap();
        assert!(done.failed.is_empty(), "{done:?}");
    }
    assert_eq!(comments(&mut tablet, &p.share, p.world.now_ms).len(), 1);
}

#[test]
fn each_side_says_only_what_is_theirs_to_say() {
    let mut p = pair(42, "plan:view");
    p.round();
    let decision = SharedBody::Decision {
        proposal: p
            .phone
            .replica
            .say_in(&p.share, comment(&p, Target::Plan, "x"), p.world.now_ms)
            .unwrap(),
        accepted: true,
        at_ms: p.world.now_ms,
    };
    let refused = p.laptop.replica.say_in(&p.share, decision, p.world.now_ms);
    assert!(matches!(refused, Err(EngineError::NotYours)), "{refused:?}");
    let proposal = SharedBody::Proposal {
        section: Section::CopingSkills,
        item: None,
        text: "a walk by the river".to_owned(),
        details: Default::default(),
        why: String::new(),
        written_at_ms: p.world.now_ms,
    };
    let refused = p.phone.replica.say_in(&p.share, proposal.clone(), p.world.now_ms);
    assert!(matches!(refused, Err(EngineError::NotYours)), "{refused:?}");
    p.laptop.replica.say_in(&p.share, proposal, p.world.now_ms).unwrap();
    p.round();
    let heard = p.phone.replica.heard(&p.share, p.world.now_ms).unwrap();
    assert!(heard.iter().any(|h| !h.mine && matches!(h.record.body, SharedBody::Proposal { .. })));
}

#[test]
fn no_name_and_no_word_meets_a_log() {
    let mut p = pair(47, "notes:full,plan:view");
    log(&p.world, &mut p.phone, "words of a hard day");
    p.round();
    let said = comment(&p, Target::Plan, "words that were said");
    p.laptop.replica.say_in(&p.share, said, p.world.now_ms).unwrap();
    p.round();
    let now_ms = p.world.now_ms;
    for device in [&mut p.phone, &mut p.laptop] {
        let infos = device.replica.shares(now_ms).unwrap();
        let heard = device.replica.heard(&p.share, now_ms).unwrap();
        assert!(!infos[0].peer.is_empty() && heard.len() > 1);
        let consent = device.replica.consent_of(&p.share).unwrap();
        let printed = format!("{infos:?} {heard:?} {consent:?}");
        for secret in ["counsellor\"", "Ana", "words", infos[0].peer.as_str()] {
            assert!(!printed.contains(secret), "{secret}: {printed}");
        }
    }
}
