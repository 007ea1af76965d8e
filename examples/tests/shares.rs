//! Phone and counsellor: what is shared, what is said, and how it ends.
#![allow(clippy::unwrap_used)]

mod kit;

use kit::{Desk, Phone, STORES, has};
use mainstay_core::journal::lint;
use serde_json::{Value as Json, json};

const SCOPE: &str = "check-ins:numbers,urges:full,plan:view";

/// The invitation's text, and the share's id.
fn invite(phone: &Phone, to: &str, scope: &str) -> (String, String) {
    let made =
        phone.json(&["share", "invite", "--to", to, "--as", "Noor's father", "--scope", scope]);
    has(&made, &["share", "invitation", "sent"]);
    assert_eq!(made["sent"], json!(true));
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("invitation"), text("share"))
}

/// From an invitation to the code on both screens.
fn answered(phone: &Phone, counsellor: &Phone, (to, client): (&str, &str), scope: &str) -> String {
    let (invitation, share) = invite(phone, to, scope);
    let joined =
        counsellor.json(&["join", &invitation, "--as", to, "--client", client, "--wait", "1ms"]);
    assert_eq!(joined, json!({"share": share, "code": null}));
    phone.json(&["sync"]);
    counsellor.json(&["sync"]);
    let code = one(&phone.json(&["share", "list"]), "share", &share)["code"].clone();
    let there = one(&counsellor.json(&["clients"]), "client", &share);
    has(&there, &["client", "name", "state", "code", "records"]);
    assert_eq!((&there["code"], &there["state"]), (&code, &json!("compare")));
    code.as_str().unwrap().to_owned()
}

fn shared(phone: &Phone, counsellor: &Phone, names: (&str, &str), scope: &str) {
    let code = answered(phone, counsellor, names, scope);
    let confirmed = phone.json(&["share", "confirm", names.0, "--code", &code]);
    assert_eq!((&confirmed["confirmed"], &confirmed["sent"]), (&json!(true), &json!(true)));
    in_turns(&[counsellor, phone, counsellor]);
}

fn one(list: &Json, field: &str, value: &str) -> Json {
    list.as_array().unwrap().iter().find(|one| one[field] == value).unwrap().clone()
}

fn in_turns(devices: &[&Phone]) {
    for device in devices {
        let report = device.json(&["sync"]);
        assert_eq!(report["share_failures"], json!([]), "{report}");
    }
}

fn id_of(json: &Json) -> String {
    json["id"].as_str().unwrap().to_owned()
}

fn a_journal(phone: &Phone) -> String {
    let note = ["--note", "words that stay"];
    phone.json(&[&["log", "check-in", "--mood", "6", "--at", "yesterday"], &note[..]].concat());
    phone.json(&["log", "note", "--note", "for nobody"]);
    phone.json(&["plan", "add", "reasons", "Noor's recital"]);
    id_of(&phone.json(&["log", "urge", "--intensity", "70", "--note", "called Jonas"]))
}

#[test]
fn the_counsellor_sees_the_preview_row_for_row_until_the_person_stops() {
    for store in STORES {
        let desk = Desk::new();
        let (phone, _) = desk.started("phone", store);
        let urge = a_journal(&phone);
        let (counsellor, _) = desk.counsellor("counsellor", store);
        shared(&phone, &counsellor, ("Dr. Weber", "N."), SCOPE);
        let preview = phone.json(&["share", "preview", "Dr. Weber"]);
        let rows = counsellor.json(&["timeline", "N."]);
        assert_eq!(preview["entries"], rows);
        assert_eq!(rows.as_array().unwrap().len(), 2);
        assert_eq!((&rows[0]["note"], &rows[1].get("note")), (&json!("called Jonas"), &None));
        assert!(!counsellor.run(&["timeline", "N."]).out.contains("stay"));
        assert_eq!(counsellor.json(&["plan", "N."])["sections"], preview["plan"]);
        assert_eq!(counsellor.json(&["timeline", "N.", "--last", "1h"])[0], rows[0]);
        let listed = phone.json(&["share", "list"])[0].clone();
        has(&listed, &["share", "to", "owner", "state", "code", "waiting", "records", "synced"]);
        assert_eq!((&listed["state"], &listed["to"]), (&json!("active"), &json!("Dr. Weber")));
        has(&phone.json(&["sync"]), &["shared", "heard", "share_failures"]);

        let hidden = phone.json(&["share", "hide", "Dr. Weber", &urge]);
        assert_eq!((&hidden["choice"], &hidden["sent"]), (&json!("hidden"), &json!(true)));
        in_turns(&[&counsellor]);
        assert_eq!(counsellor.json(&["timeline", "N."]).as_array().unwrap().len(), 1);
        phone.json(&["share", "unset", "Dr. Weber", &urge]);
        in_turns(&[&phone, &counsellor]);
        assert_eq!(counsellor.json(&["timeline", "N."]), rows);

        phone.refuses(
            &["share", "narrow", "Dr. Weber", "--scope", "notes:full"],
            "",
            2,
            "share widen",
        );
        let scope = "check-ins:numbers";
        let narrowed = phone.json(&["share", "narrow", "Dr. Weber", "--scope", scope]);
        assert_eq!((&narrowed["event"], &narrowed["scope"]), (&json!("narrowed"), &json!(scope)));
        in_turns(&[&counsellor]);
        assert_eq!(counsellor.json(&["timeline", "N."]).as_array().unwrap().len(), 1);
        counsellor.refuses(&["plan", "N."], "", 1, "does not share a plan");
        let widen = ["share", "widen", "Dr. Weber", "--scope", "check-ins:numbers,notes:full"];
        phone.refuses(&widen, "n\n", 1, "nothing was changed");
        phone.json(&[&widen[..], &["--yes"]].concat());
        in_turns(&[&phone, &counsellor]);
        let wider = counsellor.json(&["timeline", "N."]);
        assert_eq!(wider, phone.json(&["share", "preview", "Dr. Weber"])["entries"]);
        assert_eq!(wider.as_array().unwrap().len(), 2);
        let until = phone.json(&["share", "until", "Dr. Weber", "2099-12-31"]);
        assert_eq!(until["event"], json!("narrowed"));

        let log = phone.json(&["share", "log", "Dr. Weber"]);
        let events: Vec<_> =
            log["consents"].as_array().unwrap().iter().map(|one| one["event"].clone()).collect();
        assert_eq!(events, ["given", "narrowed", "widened", "narrowed"]);
        let today = &log["disclosed"][0];
        assert!(today["shown"]["urges"].as_u64().unwrap() > 0, "{log}");
        assert!(today["taken_back"].as_u64().unwrap() > 0, "{log}");
        assert!(!log.to_string().contains("Noor's recital"), "counts, and no words");
        let revoked = phone.json(&["share", "revoke", "Dr. Weber"]);
        assert_eq!((&revoked["ended"], &revoked["sent"]), (&json!(true), &json!(true)));
        phone.json(&["log", "note", "--note", "afterwards"]);
        in_turns(&[&phone]);
        counsellor.json(&["sync"]);
        assert_eq!(counsellor.json(&["clients"])[0]["state"], json!("ended"));
        assert_eq!(counsellor.json(&["timeline", "N."]), json!([]));
    }
}

#[test]
fn what_is_said_goes_both_ways_and_a_proposal_becomes_part_of_the_plan() {
    let desk = Desk::new();
    let (phone, _) = desk.started("phone", "sled");
    let urge = a_journal(&phone);
    let (counsellor, phrase) = desk.counsellor("counsellor", "redb");
    shared(&phone, &counsellor, ("Dr. Weber", "N."), SCOPE);
    let record = id_of(&counsellor.json(&["timeline", "N."])[0]);
    counsellor.json(&["comment", "N.", "--on", &record[..10], "What helped?"]);
    let item = id_of(&counsellor.json(&["plan", "N."])["sections"][0]["items"][0]);
    let change =
        ["propose", "N.", "--section", "reasons", "--item", &item[..8], "Noor's recital in June"];
    let change = id_of(&counsellor.json(&change));
    let add = ["propose", "N.", "--section", "coping-skills", "Walk", "--why", "It helped in May."];
    let add = id_of(&counsellor.json(&add));
    in_turns(&[&counsellor, &phone]);
    let said = phone.json(&["share", "comments", "Dr. Weber"]);
    let kinds: Vec<_> = said.as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(kinds, ["comment", "proposal", "proposal"]);
    assert_eq!((&said[0]["mine"], &said[0]["on"]), (&json!(false), &json!({"record": record})));

    phone.json(&["share", "reply", "Dr. Weber", "--on", &urge, "Calling."]);
    let accepted = phone.json(&["share", "accept", "Dr. Weber", &change[..8]]);
    assert_eq!((&accepted["accepted"], &accepted["item"]), (&json!(true), &json!(item)));
    phone.refuses(&["share", "accept", "Dr. Weber", &change], "", 1, "decided about this");
    phone.json(&["share", "decline-proposal", "Dr. Weber", &add]);
    in_turns(&[&phone, &counsellor]);
    let plan = counsellor.json(&["plan", "N."])["sections"][0]["items"].clone();
    assert_eq!(plan[0]["text"], json!("Noor's recital in June"));
    let said = counsellor.json(&["comments", "N."]);
    let decided = |id: &str| one(&said, "proposal", id)["accepted"].clone();
    assert_eq!((decided(&change), decided(&add)), (json!(true), json!(false)));
    let replies = said.as_array().unwrap().iter().filter(|one| one["text"] == "Calling.");
    assert_eq!(
        replies.map(|one| one["on"].clone()).collect::<Vec<_>>(),
        [json!({"record": record})]
    );

    counsellor.json(&["note", "N.", "A private thought"]);
    in_turns(&[&counsellor, &phone]);
    let notes = counsellor.json(&["notes", "N."]);
    assert_eq!(notes[0]["text"], json!("A private thought"));
    assert!(!phone.run(&["share", "comments", "Dr. Weber"]).out.contains("private"));

    let laptop = desk.empty_desk("laptop", "sled");
    laptop.json_with(&["restore", "--relay", &desk.url()], &phrase);
    laptop.json(&["sync"]);
    assert_eq!(laptop.json(&["timeline", "N."]), counsellor.json(&["timeline", "N."]));
    assert_eq!(laptop.json(&["notes", "N."]), notes);
    laptop.json(&["leave", "N."]);
    phone.json(&["sync"]);
    assert_ne!(phone.json(&["share", "list"])[0]["state"], json!("active"));
}

#[test]
fn a_counsellor_who_may_edit_the_plan_changes_it_at_the_same_time_as_the_person() {
    let desk = Desk::new();
    let (phone, _) = desk.started("phone", "redb");
    a_journal(&phone);
    let (counsellor, _) = desk.counsellor("counsellor", "sled");
    shared(&phone, &counsellor, ("Dr. Weber", "N."), "plan:edit");
    let item = id_of(&counsellor.json(&["plan", "N."])["sections"][0]["items"][0]);
    counsellor.json(&["plan", "N.", "add", "coping-skills", "Walk with Jonas"]);
    counsellor.json(&["plan", "N.", "edit", &item[..8], "--text", "Noor's recital in June"]);
    phone.json(&["plan", "add", "coping-skills", "Sleep before eleven"]);
    let seen = counsellor.json(&["plan", "N."]);
    assert_eq!((&seen["waiting"], &seen["may_edit"]), (&json!(2), &json!(true)));
    in_turns(&[&counsellor, &phone, &phone, &counsellor]);
    let seen = counsellor.json(&["plan", "N."]);
    assert_eq!(seen["waiting"], json!(0));
    let own = phone.json(&["plan", "show"]);
    let texts = |plan: &Json| -> Vec<Json> {
        let sections = plan["sections"].as_array().unwrap().iter();
        let items = sections.flat_map(|section| section["items"].as_array().unwrap());
        items.map(|item| item["text"].clone()).collect()
    };
    assert_eq!(texts(&own), texts(&seen));
    for text in ["Walk with Jonas", "Sleep before eleven", "Noor's recital in June"] {
        assert!(texts(&own).contains(&json!(text)), "{own}");
    }
    phone.json(&["share", "narrow", "Dr. Weber", "--scope", "plan:view"]);
    in_turns(&[&phone, &counsellor]);
    let edit = ["plan", "N.", "remove", &item[..8]];
    counsellor.refuses(&edit, "", 1, "counsellor propose");
    counsellor.refuses(&["plan", "N.", "remove", "ffff"], "", 1, "counsellor plan N.");
}

#[test]
fn when_somebody_looked_is_shown_while_both_sides_want_it() {
    let desk = Desk::new();
    let (phone, _) = desk.started("phone", STORES[0]);
    a_journal(&phone);
    let (counsellor, _) = desk.counsellor("counsellor", STORES[0]);
    shared(&phone, &counsellor, ("Ana", "N."), SCOPE);
    let seen = || {
        counsellor.json(&["timeline", "N."]);
        in_turns(&[&counsellor, &phone]);
        phone.json(&["share", "list"])[0]["opened"].clone()
    };
    assert_eq!(seen(), json!(null));
    let asked = phone.json(&["share", "ask-opened", "Ana", "on"]);
    assert_eq!(asked["asks_opened"], json!(true));
    in_turns(&[&phone, &counsellor]);
    assert_eq!(seen(), json!(null));
    let tells = counsellor.json(&["tell-opened", "N.", "on"]);
    assert_eq!(tells["tells_opened"], json!(true));
    assert_eq!(counsellor.json(&["clients"])[0]["tells_opened"], json!(true));
    assert!(seen().is_string());
    assert!(phone.run(&["share", "list"]).out.contains("; opened "));
    counsellor.json(&["tell-opened", "N.", "off"]);
    assert_eq!(seen(), json!(null));
    let refused = phone.run(&["share", "ask-opened", "Ana", "maybe"]);
    assert_eq!(refused.code, 2);
}

#[test]
fn a_mistake_says_what_and_what_next_and_lets_nobody_in() {
    let desk = Desk::new();
    let (phone, _) = desk.started("phone", "sled");
    let (counsellor, _) = desk.counsellor("counsellor", "sled");
    let scope = |scope: &'static str| ["share", "invite", "--to", "X", "--scope", scope];
    phone.refuses(&scope("moods:full"), "", 2, "`moods` is no class; the classes are check-ins");
    phone.refuses(&scope("urges:most"), "", 2, "it may be count, numbers");
    let dated = [&scope("urges:full")[..], &["--until", "2020-01-01"]].concat();
    phone.refuses(&dated, "", 2, "is over");
    let long = [&scope("urges:full")[..], &["--life", "30d"]].concat();
    phone.refuses(&long, "", 1, "at most 7 days");
    phone.refuses(&["share", "preview", "nobody"], "", 1, "phone share list");
    counsellor.refuses(&["timeline", "nobody"], "", 1, "counsellor clients");

    let code = answered(&phone, &counsellor, ("Dr. Weber", "N."), SCOPE);
    let digit = if code.starts_with('0') { "1" } else { "0" };
    let wrong = format!("{digit}{}", &code[1..]);
    phone.refuses(&["share", "confirm", "Dr. Weber", "--code", &wrong], "", 1, "share decline");
    phone.refuses(&["share", "confirm", "Dr. Weber"], "n\n", 1, "nobody was let in");
    in_turns(&[&phone]);
    assert_eq!(phone.json(&["share", "list"])[0]["state"], json!("compare"));
    phone.json(&["share", "decline", "Dr. Weber"]);
    phone.refuses(&["share", "confirm", "Dr. Weber"], "", 1, "invite anew");
    counsellor.run(&["sync"]);
    assert_eq!(counsellor.run(&["timeline", "N."]).code, 1);
}

#[test]
fn an_invitation_is_good_once_in_time_and_whole() {
    let desk = Desk::new();
    let (phone, _) = desk.started("phone", "sled");
    let (counsellor, _) = desk.counsellor("counsellor", "sled");
    let (other, _) = desk.counsellor("other", "redb");
    let join = |who: &Phone, invitation: &str, says: &str| {
        let args = ["join", invitation, "--as", "A", "--client", "B", "--wait", "1ms"];
        who.refuses(&args, "", 1, says);
    };
    let (invitation, share) = invite(&phone, "A", SCOPE);
    counsellor.json(&["join", &invitation, "--as", "A", "--client", "B", "--wait", "1ms"]);
    join(&counsellor, &invitation, "used already");
    join(&other, &invitation, "used already");
    join(&other, "https://example.org", "no invitation");
    let mut altered = invitation.clone();
    let last = altered.pop().unwrap();
    altered.push(if last == 'a' || last == 'A' { 'b' } else { 'a' });
    join(&other, &altered, "cut or mistyped");
    let brief = ["share", "invite", "--to", "C", "--scope", SCOPE, "--life", "1ms"];
    let made = phone.json(&brief);
    join(&other, made["invitation"].as_str().unwrap(), "expired");

    // A device of one's own is linked, and not invited to a share.
    let text = phone.run(&["share", "list"]).out;
    assert!(text.contains(&share[..8]), "{text}");
    phone.refuses(&["devices", "join", &invitation], "", 1, "");
    other.refuses(&["accept", "B", "0000"], "", 2, "accept");
    let kept = kit::Phone { program: phone.program, home: counsellor.home.clone(), store: "sled" };
    kept.refuses(&["share", "accept", "B", "0000"], "", 1, "not yours");
}

#[test]
fn without_a_relay_nothing_is_said_to_be_sent() {
    let mut desk = Desk::new();
    let (phone, _) = desk.started("phone", "sled");
    let (counsellor, _) = desk.counsellor("counsellor", "sled");
    a_journal(&phone);
    shared(&phone, &counsellor, ("Dr. Weber", "N."), SCOPE);
    desk.runtime.block_on(desk.relay.stop());
    let said = phone.run(&["share", "revoke", "Dr. Weber", "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let revoked: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&revoked["ended"], &revoked["sent"]), (&json!(true), &json!(false)));
    assert!(said.err.contains("`phone sync` sends it"), "{}", said.err);
    desk.runtime.block_on(desk.relay.resume()).unwrap();
    in_turns(&[&phone]);
    counsellor.json(&["sync"]);
    assert_eq!(counsellor.json(&["timeline", "N."]), json!([]));
}

#[test]
fn what_the_programs_say_about_sharing_is_free_of_shame() {
    let desk = Desk::new();
    let (phone, _) = desk.started("phone", "sled");
    let (counsellor, _) = desk.counsellor("counsellor", "sled");
    let share = "invite list confirm decline preview add hide unset narrow widen until revoke \
                 comments accept decline-proposal reply";
    let vault = "init join sync clients timeline plan comment propose comments note notes leave";
    let mut said = vec![phone.run(&["share", "--help"]), counsellor.run(&["--help"])];
    said.extend(share.split_whitespace().map(|action| phone.run(&["share", action, "--help"])));
    said.extend(vault.split_whitespace().map(|action| counsellor.run(&[action, "--help"])));
    said.push(phone.run(&["share", "list"]));
    said.push(phone.run(&["share", "invite", "--to", "A", "--scope", SCOPE]));
    said.push(phone.run(&["share", "list"]));
    said.push(phone.run(&["share", "until", "A", "2099-01-01"]));
    said.push(phone.run(&["share", "revoke", "A"]));
    said.push(counsellor.run(&["clients"]));
    for said in said {
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(lint(&format!("{} {}", said.out, said.err)), []);
    }
}
