//! The phone without a network: what it prints, and how it ends.
#![allow(clippy::unwrap_used)]

mod kit;

use kit::{Desk, STORES, has};
use serde_json::json;

const LINES: &str = "{\"kind\":\"note\",\"at\":\"2026-03-28\",\"note\":\"good\"}\n\
     {\"kind\":\"note\"\n\
     {\"kind\":\"check-in\",\"at\":\"2026-03-29\",\"mood\":11}\n\
     {\"kind\":\"check-in\",\"at\":\"2026-03-29\",\"mood\":7}\n";

#[test]
fn every_command_prints_the_one_json_value_that_is_documented() {
    for store in STORES {
        let desk = Desk::new();
        let phone = desk.phone("phone", store);
        let made = phone.json(&["init"]);
        assert_eq!(made["phrase"].as_str().unwrap().split(' ').count(), 12);
        let urge = ["log", "urge", "--intensity", "70", "--coping", "tea", "--at", "yesterday"];
        let id = phone.json(&urge)["id"].as_str().unwrap().to_owned();
        phone.json(&["log", "check-in", "--hungry", "--angry=false", "--signs", ""]);
        let timeline = phone.json(&["timeline", "--last", "30d"]);
        let rows = timeline.as_array().unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!((&rows[0]["hungry"], &rows[0]["angry"]), (&json!(true), &json!(false)));
        assert_eq!(rows[0]["signs"], json!([]));
        assert_eq!(rows[0].get("mood"), None);
        has(&rows[1], &["id", "kind", "at", "recorded", "edited"]);
        assert_eq!((&rows[1]["id"], &rows[1]["intensity"]), (&json!(id), &json!(70)));
        let status = phone.json(&["status"]);
        has(&status, &["entries", "waiting", "on_relay", "on_other_devices", "stale_since"]);
        assert_eq!((&status["entries"], &status["on_relay"]), (&json!(2), &json!(0)));
        assert_eq!(phone.json(&["verify"]), json!({"ok": true, "problems": []}));
        phone.refuses(&["sync"], "", 1, "phone relay set");
    }
}

#[test]
fn what_somebody_wrote_does_nothing_in_the_terminal_of_who_reads_it() {
    let desk = Desk::new();
    let phone = desk.phone("phone", "redb");
    phone.json(&["init"]);
    let note = "look \u{1b}[2J\u{9b}2J\u{7f}\u{202e}here";
    let id = phone.json(&["log", "note", "--note", note])["id"].as_str().unwrap().to_owned();
    let obeyed = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    for command in [&["timeline"][..], &["show", &id]] {
        let text = phone.run(command).out;
        assert!(text.contains("look") && text.contains("here"), "{text:?}");
        assert!(!text.contains(obeyed), "{text:?}");
        let json = phone.run(&[command, &["--json"]].concat()).out;
        assert!(!json.contains(obeyed), "{json:?}");
    }
    assert_eq!(phone.json(&["timeline"])[0]["note"], note);
}

#[test]
fn a_malformed_line_is_numbered_and_importing_twice_adds_nothing() {
    for store in STORES {
        let desk = Desk::new();
        let phone = desk.phone("phone", store);
        phone.json(&["init"]);
        let first = phone.json_with(&["import", "-"], LINES);
        assert_eq!((&first["added"], &first["known"]), (&json!(2), &json!(0)));
        let rejected = first["rejected"].as_array().unwrap();
        assert_eq!((&rejected[0]["line"], &rejected[1]["line"]), (&json!(2), &json!(3)));
        assert!(rejected[1]["why"].as_str().unwrap().contains("0 to 10"));
        let again = phone.json_with(&["import", "-"], LINES);
        assert_eq!((&again["added"], &again["known"]), (&json!(0), &json!(2)));

        let exported = phone.run(&["export"]).out;
        assert_eq!(exported.lines().count(), 2);
        let other = desk.phone("other", store);
        other.json(&["init"]);
        other.json_with(&["import", "-"], &exported);
        assert_eq!(other.run(&["export"]).out, exported);
    }
}

#[test]
fn an_entry_is_edited_hidden_brought_back_and_forgotten() {
    let desk = Desk::new();
    let phone = desk.phone("phone", "sled");
    phone.json(&["init"]);
    let made = phone.json(&["log", "urge", "--intensity", "70", "--company", "alone"]);
    let id = made["id"].as_str().unwrap();
    let edit =
        ["edit", &id[..10], "--set", "intensity=60", "--set", "coping=a", "--set", "coping=b"];
    phone.json(&[&edit[..], &["--set", "note=5", "--unset", "company"]].concat());
    let entry = phone.json(&["show", id])["entry"].clone();
    assert_eq!((&entry["intensity"], &entry["note"]), (&json!(60), &json!("5")));
    assert_eq!((&entry["coping"], &entry["edited"]), (&json!(["a", "b"]), &json!(true)));
    assert_eq!(entry.get("company"), None);
    phone.refuses(&["edit", id, "--set", "mod=6"], "", 2, "no field `mod`");
    phone.refuses(&["edit", id, "--set", "intensity=strong"], "", 2, "`intensity`");
    phone.refuses(&["edit", id, "--set", "intensity=101"], "", 1, "0 to 100");

    phone.json(&["delete", id]);
    assert_eq!(phone.json(&["timeline"]), json!([]));
    assert_eq!(phone.json(&["timeline", "--deleted"])[0]["id"], json!(id));
    phone.json(&["restore-deleted", &id[..8]]);
    assert_eq!(phone.json(&["timeline", "--deleted"]), json!([]));
    assert_eq!(phone.json(&["timeline"]).as_array().unwrap().len(), 1);
    phone.refuses(&["forget", id], "y\n", 2, "--yes");
    phone.json(&["forget", id, "--yes"]);
    phone.refuses(&["show", id], "", 1, "there is no entry");
    assert_eq!(phone.run(&["export"]).out, "");
}

#[test]
fn the_plan_is_kept_in_order() {
    let desk = Desk::new();
    let phone = desk.phone("phone", "redb");
    phone.json(&["init"]);
    let add = |text: &str| {
        let made = phone.json(&["plan", "add", "supports", text, "--detail", "reach=0170 1"]);
        made["id"].as_str().unwrap().to_owned()
    };
    let (jonas, teta) = (add("Jonas"), add("Teta"));
    phone.json(&["plan", "move", &teta, "--position", "1"]);
    phone.json(&["plan", "edit", &jonas[..12], "--text", "Jonas, evenings"]);
    let plan = phone.json(&["plan", "show"]);
    let items = &plan["sections"][0]["items"];
    assert_eq!((&items[0]["text"], &items[1]["text"]), (&json!("Teta"), &json!("Jonas, evenings")));
    assert_eq!(items[0]["details"]["reach"], "0170 1");
    phone.json(&["plan", "remove", &teta]);
    assert_eq!(phone.json(&["plan", "show"])["archived"][0]["id"], json!(teta));
    phone.refuses(&["plan", "add", "nonsense", "x"], "", 2, "no such section");
}

#[test]
fn what_cannot_be_done_says_what_and_what_next() {
    let desk = Desk::new();
    let phone = desk.phone("phone", "sled");
    phone.refuses(&["status"], "", 1, "phone init");
    phone.refuses(&["import", "-"], LINES, 1, "no journal here");
    phone.json(&["init"]);
    phone.refuses(&["init"], "", 1, "a journal here already");
    phone.refuses(&["dance"], "", 2, "dance");
    phone.refuses(&["log", "check-in", "--mood", "11"], "", 2, "from 0 to 10");
    phone.refuses(&["log", "check-in", "--mood", "-1"], "", 2, "from 0 to 10");
    phone.refuses(&["log", "check-in", "--mood", "good"], "", 2, "from 0 to 10");
    phone.refuses(&["log", "note"], "", 2, "--note");
    phone.refuses(&["show", "02"], "", 2, "first four digits");
    phone.refuses(&["show", "02aa"], "", 1, "phone timeline");
    phone.refuses(&["devices", "remove", "phone"], "", 1, "is this device");
    phone.refuses(&["import", "."], "", 1, "is a folder");
    phone.refuses(&["export", "--output", "."], "", 1, "is a folder");
    phone.refuses(&["log", "note", "--at", "soonish"], "", 2, "is no time");
    phone.refuses(&["log", "note", "--zone", "Mars/Olympus"], "", 2, "no time zone");
    phone.refuses(&["import", "nowhere.ndjson"], "", 1, "nowhere.ndjson");
    phone.refuses(&["relay", "set", "https://x"], "", 2, "mainstay://");
    let other = kit::Phone { home: phone.home.clone(), store: "redb", program: phone.program };
    other.refuses(&["status"], "", 1, "open it with sled");
    std::fs::remove_dir_all(phone.home.join("keys")).unwrap();
    phone.refuses(&["status"], "", 1, "twelve words");
}

#[cfg(unix)]
#[test]
fn the_phrase_is_in_no_file_and_the_key_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let phone = desk.phone("phone", "sled");
    let phrase = phone.json(&["init"])["phrase"].as_str().unwrap().to_owned();
    let mut folders = vec![phone.home.clone()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for item in std::fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(phrase.len()).any(|part| part == phrase.as_bytes()));
            files += 1;
            if path.parent().unwrap().ends_with("keys") {
                assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            }
        }
    }
    assert!(files > 2);
    let mode = std::fs::metadata(&phone.home).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
}

#[test]
fn an_export_is_the_owners_alone_and_replaces_a_file_only_when_it_is_whole() {
    let desk = Desk::new();
    let phone = desk.phone("phone", "sled");
    phone.json(&["init"]);
    phone.json_with(&["import", "-"], LINES);
    let file = phone.home.join("out.ndjson");
    std::fs::write(&file, "an older export").unwrap();
    let told = phone.json(&["export", "--output", file.to_str().unwrap()]);
    assert_eq!(told, json!({"entries": 2}));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), phone.run(&["export"]).out);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let nowhere = phone.home.join("nowhere/out.ndjson");
    phone.refuses(&["export", "--output", nowhere.to_str().unwrap()], "", 1, "nowhere");
}

#[test]
fn times_are_explained_where_the_readme_says_so() {
    let desk = Desk::new();
    let phone = desk.phone("phone", "sled");
    for args in [["log", "--help"], ["timeline", "--help"]] {
        let said = phone.run(&args);
        assert_eq!((said.code, said.out.contains("yesterday evening")), (0, true), "{said:?}");
    }
    std::fs::write(&phone.home, "a file in the folder's place").unwrap();
    phone.refuses(&["init"], "", 1, "--home DIR");
}
