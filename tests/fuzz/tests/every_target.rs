//! A little of every target, the same inputs each time. The program of this package does more.

use std::time::Duration;

use mainstay_fuzz::memory::alone;
use mainstay_fuzz::run::{Plan, run};
use mainstay_fuzz::targets;

/// Together with the others below twenty seconds.
const TIME: Duration = Duration::from_millis(500);

fn stands(name: &str) {
    let _alone = alone();
    let target = targets::named(name).expect("the target is listed");
    let plan = Plan { seed: 20_261_126, executions: 20_000, time: TIME, before: None };
    match run(target, &plan) {
        Ok(report) => {
            // A target that reads nothing tests nothing.
            let read = report.read * 1000 / report.executions;
            assert!(read >= 1, "{name}: it reads {} of {}", report.read, report.executions);
        }
        Err(failure) => {
            let hex: String = failure.input.iter().map(|byte| format!("{byte:02x}")).collect();
            panic!("{name} {}; the input, {} bytes: {hex:.4000}", failure.why, failure.input.len());
        }
    }
}

macro_rules! targets {
    ($($test:ident: $name:literal,)*) => {
        $(#[test] fn $test() { stands($name); })*
        const NAMES: &[&str] = &[$($name),*];
    };
}

targets! {
    no_frame_on_a_stream_breaks_its_reader: "frames",
    no_request_breaks_its_reader: "requests",
    no_reply_breaks_its_reader: "replies",
    no_envelope_or_stub_breaks_its_reader: "envelopes",
    no_value_of_the_wire_breaks_its_reader: "values",
    no_list_that_a_relay_shows_breaks_its_judge: "roster-shown",
    no_list_that_members_sign_breaks_its_judge: "roster-signed",
    no_text_breaks_the_reader_of_addresses: "addresses",
    no_text_breaks_the_reader_of_phrases: "phrases",
    no_text_breaks_the_reader_of_checkpoints: "checkpoints",
    nothing_behind_its_check_value_breaks_the_reader_of_checkpoints: "checkpoint-insides",
    no_text_breaks_the_reader_of_times: "times",
    no_text_breaks_the_reader_of_scopes: "scopes",
    no_text_breaks_the_readers_of_small_names: "names",
    no_text_breaks_the_reader_of_invitations: "invitations",
    nothing_behind_its_check_value_breaks_the_reader_of_invitations: "invitation-insides",
    no_stored_half_of_a_handshake_breaks_its_reader: "handshakes",
    no_letter_opens_but_the_real_ones: "letters",
    nothing_sealed_opens_but_the_real_one: "sealed",
    no_wrap_opens_but_the_real_ones: "wraps",
    no_stored_keys_break_their_reader: "keyrings",
    no_imported_line_breaks_its_reader: "import-lines",
    no_imported_file_breaks_its_reader: "import-files",
    no_row_or_change_breaks_its_reader: "rows",
    no_payload_breaks_its_reader: "payloads",
    no_bundle_breaks_its_reader: "bundles",
    no_page_breaks_its_reader: "pages",
    no_shared_record_breaks_its_reader: "shared-records",
    no_consent_breaks_its_reader: "consents",
    no_entrys_document_breaks_its_reader: "entry-documents",
    no_change_of_an_entry_breaks_its_reader: "entry-changes",
    no_plans_document_breaks_its_reader: "plan-documents",
    no_change_of_a_plan_breaks_its_reader: "plan-changes",
    no_bytes_break_the_reader_of_documents: "saved-documents",
    no_record_of_a_store_breaks_the_device_that_wrote_it: "stored-records",
    no_batch_of_requests_breaks_a_relay: "relay-requests",
    no_key_file_breaks_a_relay: "relay-keys",
    no_row_of_a_relays_store_breaks_its_reader: "relay-rows",
}

#[test]
fn every_target_has_a_test() {
    let listed: Vec<&str> = targets::all().map(|target| target.name).collect();
    assert_eq!(listed, NAMES);
}
