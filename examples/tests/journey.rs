//! The journey as a program.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use serde_json::Value as Json;

#[test]
fn every_check_of_the_journey_holds_on_both_stores() {
    for store in ["sled", "redb"] {
        let mut journey = Command::new(env!("CARGO_BIN_EXE_journey"));
        let done = journey.args(["--json", "--store", store]).output().unwrap();
        let told: Json = serde_json::from_slice(&done.stdout).unwrap();
        let err = String::from_utf8_lossy(&done.stderr);
        assert_eq!((done.status.code(), &told["ok"]), (Some(0), &true.into()), "{told:#} {err}");
        assert!(told["checks"].as_array().unwrap().len() >= 50);
        assert_eq!(told["steps"].as_array().unwrap().len(), 14);
    }
}
