//! What a new phone gets back by the twelve words.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value as Json, json};

use crate::kit::Phone;
use crate::session::Session;

impl Session {
    /// Right after the relay died: whatever the phone's status says is on the relay, is. It is looked
    /// for on a copy, so that the journal itself sees neither a new device nor a new epoch.
    pub(crate) fn check_copy(&mut self) {
        self.relay.kill();
        self.look();
        let on_relay = self.ask(&["status"])["on_relay"].as_u64().unwrap();
        let rows = self.ask(&["timeline"]);
        let copy = self.dir.path().join("copy");
        let relay = self.relay.copy(&copy);
        self.relay.resume();

        let new = self.restore(relay.url(), "from a copy");
        self.figures.restores += 1;
        let restored = new.json(&["timeline"]);
        self.ledger.check_relay(&restored);
        let as_they_stand = lines(&rows).intersection(&lines(&restored)).count() as u64;
        assert!(as_they_stand >= on_relay, "{on_relay} on the relay, {as_they_stand} came back");
        let (known, came) = (ids(&rows), ids(&restored));
        assert!(came.is_subset(&known), "{came:?} has what is not in {known:?}");
        assert!(!relay.told().contains("panicked"), "{}", relay.told());
        drop(relay);
        fs::remove_dir_all(&copy).unwrap();
        fs::remove_dir_all(&new.home).unwrap();
    }

    /// At the end: from the relay itself everything comes back, and both devices go on.
    pub(crate) fn check_restored(&mut self) {
        let new = self.restore(self.relay.url(), "second");
        self.figures.restores += 1;
        for shown in [["timeline"].as_slice(), &["plan", "show"]] {
            assert_eq!(new.json(shown), self.ask(shown), "after a restore");
        }
        new.json(&["devices", "confirm", "first"]);
        self.log(false);
        self.settle();
        new.json(&["sync"]);
        assert_eq!(new.json(&["timeline"]), self.ask(&["timeline"]));
    }

    fn restore(&self, url: &str, name: &str) -> Phone {
        let Phone { program, store, .. } = self.phone;
        let new = Phone { program, store, home: self.dir.path().join(name) };
        let args = ["restore", "--relay", url, "--name", name];
        let report = new.json_with(&args, &self.phrase);
        assert_eq!((&report["complete"], &report["alarms"]), (&json!(true), &json!([])));
        assert_eq!(new.json(&["verify"])["ok"], true);
        new
    }
}

fn lines(rows: &Json) -> BTreeSet<String> {
    rows.as_array().unwrap().iter().map(Json::to_string).collect()
}

fn ids(rows: &Json) -> BTreeSet<&str> {
    rows.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect()
}
