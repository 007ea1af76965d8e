//! The phone's list of devices after a relay was put back to an earlier day, and after a mistake.
#![allow(clippy::unwrap_used)]

mod kit;

use kit::{Desk, Phone, STORES, has, link, rejoin};
use serde_json::{Value as Json, json};

/// Names and statuses, in order.
fn listed(devices: &Json) -> Vec<(&str, &str)> {
    let all = devices.as_array().unwrap().iter();
    let mut all: Vec<_> = all
        .map(|device| (device["name"].as_str().unwrap(), device["status"].as_str().unwrap()))
        .collect();
    all.sort_unstable();
    all
}

fn linked(desk: &Desk, old: &Phone, name: &str) -> Phone {
    let new = desk.phone(name, old.store);
    let (linked, joined) = link(old, &new, name, "y\n");
    assert_eq!((linked.code, joined.code), (0, 0), "{linked:?} {joined:?}");
    new
}

#[test]
fn two_lists_of_devices_are_shown_and_joined_when_the_person_says_so() {
    for store in STORES {
        let mut desk = Desk::new();
        let (phone, _) = desk.started("first", store);
        let tablet = linked(&desk, &phone, "tablet");
        let third = linked(&desk, &phone, "third");
        let fourth = linked(&desk, &phone, "fourth");
        tablet.json(&["sync"]);
        let earlier = desk.copy_relay("earlier");
        phone.json(&["devices", "remove", "third"]);
        phone.json(&["log", "note", "--note", "of the phone"]);
        desk.put_relay_back(&earlier);
        tablet.json(&["devices", "remove", "fourth"]);
        tablet.json(&["log", "note", "--note", "of the tablet"]);
        tablet.json(&["sync"]);

        let said = phone.run(&["sync"]);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
        for words in ["they disagree about who was removed", "phone devices heal"] {
            assert!(said.err.contains(words), "{}", said.err);
        }
        phone.refuses(&["devices", "heal"], "n\n", 1, "nothing was changed");
        let said = phone.run_with(&["devices", "heal", "--json"], "y\n");
        assert_eq!(said.code, 0, "{said:?}");
        let (own, other) = said.err.split_once("The other list:").unwrap();
        assert!(own.contains("third: removed") && own.contains("fourth: active"), "{own}");
        assert!(other.contains("third: active") && other.contains("fourth: removed"), "{other}");
        let devices: Json = serde_json::from_str(&said.out).unwrap();
        let one = |device| has(device, &["id", "name", "this", "status", "was_removed"]);
        devices.as_array().unwrap().iter().for_each(one);
        let joined = [
            ("first", "active"),
            ("fourth", "removed"),
            ("tablet", "active"),
            ("third", "removed"),
        ];
        assert_eq!(listed(&devices), joined);

        for device in [&tablet, &phone] {
            device.json(&["sync"]);
        }
        assert_eq!(listed(&tablet.json(&["devices", "list"])), joined);
        assert_eq!(phone.run(&["export"]).out, tablet.run(&["export"]).out);
        assert_eq!(phone.json(&["status"])["entries"], 2);
        for removed in [&third, &fourth] {
            removed.refuses(&["sync"], "", 1, "not on the journal's list of devices");
        }
        // Where there is nothing to join, nothing is asked.
        assert_eq!(listed(&tablet.json(&["devices", "heal"])), joined);
    }
}

#[test]
fn two_devices_of_one_name_are_told_apart_by_their_ids() {
    let desk = Desk::new();
    let (phone, _) = desk.started("first", "sled");
    linked(&desk, &phone, "tablet");
    let twin = desk.phone("twin", "sled");
    let (linked, joined) = link(&phone, &twin, "tablet", "y\n");
    assert_eq!((linked.code, joined.code), (0, 0), "{linked:?} {joined:?}");
    phone.refuses(&["devices", "remove", "tablet"], "", 1, "2 devices are called tablet");
    phone.refuses(&["devices", "remove", "first"], "", 1, "is this device");
    phone.refuses(&["devices", "confirm", "twin"], "", 1, "no device twin");
    let devices = twin.json(&["devices", "list"]);
    let this = devices.as_array().unwrap().iter().find(|device| device["this"] == true).unwrap();
    let id = this["id"].as_str().unwrap();
    phone.json(&["devices", "remove", &id[..8]]);
    twin.refuses(&["sync"], "", 1, "not on the journal's list of devices");
    phone.refuses(&["devices", "remove", id], "", 1, "is removed already");
    phone.refuses(&["devices", "confirm", "first"], "", 1, "is this device");
}

#[test]
fn a_phone_removed_by_mistake_rejoins_with_what_it_had_not_sent() {
    for store in STORES {
        let desk = Desk::new();
        let (phone, _) = desk.started("first", store);
        let tablet = linked(&desk, &phone, "tablet");
        phone.json(&["log", "note", "--note", "before"]);
        phone.json(&["sync"]);
        tablet.json(&["sync"]);
        phone.json(&["devices", "remove", "tablet"]);
        tablet.json(&["log", "note", "--note", "written while out"]);
        tablet.refuses(&["sync"], "", 1, "not on the journal's list of devices");

        let (linked, joined) = rejoin(&phone, &tablet);
        assert_eq!((linked.code, joined.code), (0, 0), "{linked:?} {joined:?}");
        let linked: Json = serde_json::from_str(&linked.out).unwrap();
        assert_eq!(linked["linked"], "tablet");
        assert!(joined.err.contains(linked["code"].as_str().unwrap()), "{}", joined.err);
        let devices: Json = serde_json::from_str(&joined.out).unwrap();
        let under_a_new_key = [("first", "active"), ("tablet", "active"), ("tablet", "removed")];
        assert_eq!(listed(&devices), under_a_new_key);
        assert_eq!(tablet.json(&["status"])["waiting"], json!(0));
        phone.json(&["sync"]);
        assert_eq!(phone.json(&["status"])["entries"], 2);
        assert_eq!(phone.run(&["export"]).out, tablet.run(&["export"]).out);
    }
}
