//! The phone and a real relay: sync, restore, link, remove.
#![allow(clippy::unwrap_used)]

mod kit;

use kit::{Desk, Phone, STORES, Said, has, link};
use serde_json::{Value as Json, json};

#[test]
fn what_was_logged_offline_is_synced_and_comes_back_from_twelve_words() {
    for store in STORES {
        let desk = Desk::new();
        let (phone, phrase) = desk.started("first", store);
        phone.json(&["log", "note", "--note", "before the relay knew anything"]);
        phone.json(&["plan", "add", "reasons", "Noor"]);
        let report = phone.json(&["sync"]);
        has(&report, &["round_trips", "bytes_sent", "bytes_received"]);
        assert_eq!((&report["sent"], &report["received"]), (&json!(2), &json!(0)));
        assert_eq!((&report["waiting"], &report["complete"]), (&json!(0), &json!(true)));
        let status = phone.json(&["status"]);
        assert_eq!((&status["on_relay"], &status["waiting"]), (&json!(1), &json!(0)));
        let nothing = phone.json(&["sync", "--budget", "5s"]);
        assert_eq!((&nothing["sent"], &nothing["round_trips"]), (&json!(0), &json!(1)));

        let new = desk.phone("second", store);
        let restored = new.json_with(&["restore", "--relay", &desk.url()], &phrase);
        assert_eq!(restored["entries"], 1);
        assert_eq!(new.run(&["export"]).out, phone.run(&["export"]).out);
        assert_eq!(new.json(&["plan", "show"]), phone.json(&["plan", "show"]));
        phone.refuses(&["sync"], "", 1, "not on the journal's list of devices");
        new.json(&["devices", "confirm", "first"]);
        phone.json(&["sync"]);
    }
}

#[test]
fn a_checkpoint_on_paper_is_compared_after_a_restore() {
    let desk = Desk::new();
    let (phone, phrase) = desk.started("first", "redb");
    phone.json(&["log", "note", "--note", "on the relay"]);
    phone.json(&["sync"]);
    let paper = phone.json(&["checkpoint"])["checkpoint"].as_str().unwrap().to_owned();
    assert_eq!(phone.run(&["checkpoint"]).out.trim(), paper);
    phone.json(&["log", "note", "--note", "sent after that"]);
    phone.json(&["sync"]);
    let later = phone.json(&["checkpoint"])["checkpoint"].as_str().unwrap().to_owned();

    let new = desk.phone("second", "redb");
    let restored = new.json_with(&["restore", "--relay", &desk.url()], &phrase);
    assert!(restored["newest_entry"].is_string(), "{restored}");
    assert_eq!(new.json(&["checkpoint", "--compare", &later])["compared"], "same");
    let unclear = new.run(&["checkpoint", "--compare", &paper]);
    assert_eq!(unclear.code, 1);
    assert!(unclear.out.contains("tells nothing"), "{unclear:?}");
    phone.refuses(&["checkpoint", "--compare", &later[1..]], "", 2, "letter by letter");
}

#[test]
fn a_store_that_is_set_aside_starts_again_from_what_the_relay_holds() {
    for store in STORES {
        let desk = Desk::new();
        let (phone, _) = desk.started("first", store);
        phone.json(&["log", "note", "--note", "kept by the relay"]);
        phone.json(&["sync"]);
        let before = phone.run(&["export"]).out;
        phone.refuses(&["set-aside"], "", 2, "on this device alone");
        let kept = phone.json(&["set-aside", "--yes"]);
        assert!(std::path::Path::new(kept["kept"].as_str().unwrap()).is_dir());
        phone.json(&["sync"]);
        assert_eq!(phone.run(&["export"]).out, before);
    }
}

#[test]
fn a_phrase_with_a_slip_is_pointed_at_and_changes_nothing() {
    let desk = Desk::new();
    let (phone, phrase) = desk.started("first", "sled");
    phone.json(&["sync"]);
    let url = desk.url();
    let new = desk.phone("second", "sled");
    let restore = ["restore", "--relay", &url];
    let words: Vec<&str> = phrase.split(' ').collect();
    let mut slip = words.clone();
    slip[3] = "zzzzz";
    new.refuses(&restore, &slip.join(" "), 1, "word 4 of the phrase");
    let typed = format!("{}y", words[3]);
    slip[3] = &typed;
    new.refuses(&restore, &slip.join(" "), 1, words[3]);
    new.refuses(&restore, &words[..11].join(" "), 1, "11 words instead of 12");
    new.refuses(&restore, &["abandon"; 12].join(" "), 1, "together they are no phrase");
    let other = format!("{}about", "abandon ".repeat(11));
    new.refuses(&restore, &other, 1, "belong to no journal on this relay");
    let restored = new.json_with(&restore, &phrase.to_uppercase());
    assert_eq!(restored["complete"], true);
}

#[test]
fn a_relay_with_another_key_is_refused() {
    let desk = Desk::new();
    let (phone, phrase) = desk.started("first", "redb");
    let url = desk.url();
    let (place, pin) = url.split_once('#').unwrap();
    let digit = if pin.starts_with('0') { "1" } else { "0" };
    let wrong = format!("{place}#{digit}{}", &pin[1..]);
    phone.json(&["log", "note", "--note", "kept"]);
    phone.json(&["relay", "set", &wrong]);
    phone.refuses(&["sync"], "", 1, "another key than the address says");
    let new = desk.phone("second", "redb");
    new.refuses(&["restore", "--relay", &wrong], &phrase, 1, "another key");
    assert_eq!(phone.json(&["relay", "show"])["relay"], json!(wrong));
    phone.json(&["relay", "set", &url]);
    assert_eq!(phone.json(&["sync"])["sent"], 1);
}

#[test]
fn a_relay_that_is_off_loses_nothing() {
    let mut desk = Desk::new();
    let (phone, _) = desk.started("first", "sled");
    phone.json(&["log", "note", "--note", "kept"]);
    desk.runtime.block_on(desk.relay.stop());
    phone.refuses(&["sync"], "", 1, "cannot be reached");
    let status = phone.json(&["status"]);
    assert_eq!((&status["on_relay"], &status["entries"]), (&json!(0), &json!(1)));
    assert!(status["stale_since"].is_string(), "{status}");
    desk.runtime.block_on(desk.relay.resume()).unwrap();
    assert_eq!(phone.json(&["sync"])["waiting"], 0);
}

/// The text of a plan's item that lost is offered on both devices, and one of them takes it.
fn takes_the_losing_text(phone: &Phone, tablet: &Phone, item: &str) {
    let shown = phone.json(&["plan", "show"]);
    assert_eq!(shown, tablet.json(&["plan", "show"]));
    let of = |plan: &Json| plan["sections"][0]["items"][0].clone();
    let lost = of(&shown)["conflicts"]["text"][0].as_str().unwrap().to_owned();
    assert_ne!(of(&shown)["text"], lost.as_str());
    let words = tablet.run(&["plan", "show"]).out;
    assert!(words.contains("Another device says") && words.contains(&lost), "{words}");
    tablet.json(&["plan", "edit", item, "--text", &lost]);
    tablet.json(&["sync"]);
    phone.json(&["sync"]);
    let chosen = of(&phone.json(&["plan", "show"]));
    assert_eq!((&chosen["text"], &chosen["conflicts"]), (&json!(lost), &json!({})));
}

#[test]
fn a_second_device_joins_by_comparing_codes_and_is_removed() {
    for store in STORES {
        let desk = Desk::new();
        let (phone, _) = desk.started("first", store);
        let id = phone.json(&["log", "note", "--note", "before"])["id"].clone();
        let id = id.as_str().unwrap();
        let tablet = desk.phone("tablet", store);
        let (linked, joined) = link(&phone, &tablet, "tablet", "n\n");
        assert_eq!((linked.code, joined.code), (1, 1), "{linked:?} {joined:?}");
        assert!(joined.err.contains("declined"), "{}", joined.err);

        let (linked, joined) = link(&phone, &tablet, "tablet", "y\n");
        assert_eq!((linked.code, joined.code), (0, 0), "{linked:?} {joined:?}");
        let parse = |said: &Said| serde_json::from_str::<Json>(&said.out).unwrap();
        assert_eq!(parse(&linked)["code"], parse(&joined)["code"]);
        assert_eq!(parse(&joined)["entries"], 1);

        phone.json(&["edit", id, "--set", "note=from the phone"]);
        tablet.json(&["edit", id, "--set", "note=from the tablet"]);
        let item = phone.json(&["plan", "add", "reasons", "Noor"])["id"].clone();
        let item = item.as_str().unwrap();
        phone.json(&["sync"]);
        tablet.json(&["sync"]);
        phone.json(&["plan", "edit", item, "--text", "Noor's recital"]);
        tablet.json(&["plan", "edit", item, "--text", "Noor's birthday"]);
        for device in [&phone, &tablet, &phone, &tablet] {
            device.json(&["sync"]);
        }
        let shown = phone.json(&["show", id]);
        assert_eq!(shown, tablet.json(&["show", id]));
        assert_eq!(shown["conflicts"]["note"].as_array().unwrap().len(), 1);
        assert!(phone.run(&["show", id]).out.contains("Another device says"));
        assert_eq!(phone.json(&["status"])["on_other_devices"], 1);
        takes_the_losing_text(&phone, &tablet, item);

        phone.json(&["forget", id, "--yes"]);
        phone.json(&["sync"]);
        tablet.json(&["sync"]);
        tablet.refuses(&["show", id], "", 1, "there is no entry");

        let devices = phone.json(&["devices", "remove", "tablet"]);
        let of =
            |name: &str| devices.as_array().unwrap().iter().find(|d| d["name"] == name).cloned();
        assert_eq!(of("tablet").unwrap()["status"], "removed");
        assert_eq!(of("first").unwrap()["this"], true);
        tablet.json(&["log", "note", "--note", "too late"]);
        tablet.refuses(&["sync"], "", 1, "not on the journal's list of devices");
        phone.refuses(&["devices", "remove", "nobody"], "", 1, "no device nobody");
    }
}
