//! The harness finds what it is there to find: defects that are planted here.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use mainstay_fuzz::memory::alone;
use mainstay_fuzz::mutate::Form;
use mainstay_fuzz::run::{Failure, Plan, Report, replay, run};
use mainstay_fuzz::targets::{Bound, Target};

const PLAN: Plan =
    Plan { seed: 7, executions: 200_000, time: Duration::from_secs(20), before: None };
const SMALL: Bound = Bound { base_bytes: 64 << 10, times: 16 };

fn target(run: fn(&[u8]) -> bool) -> Target {
    let examples = || vec![vec![0x82, 0x18, 0x64, 0x43, 1, 2, 3]];
    Target { name: "planted", form: Form::Bytes, max_bytes: 1000, bound: SMALL, examples, run }
}

fn found(target: &Target) -> Failure {
    let failure = run(target, &PLAN).unwrap_err();
    let again = replay(target, &failure.input).unwrap_err();
    // Some bytes more or less are the test harness's own.
    let shape = |why: &str| why.replace(|c: char| c.is_ascii_digit(), "");
    assert_eq!(shape(&again.why), shape(&failure.why), "what was found is found again");
    failure
}

#[test]
fn a_target_without_a_defect_stands() {
    let _alone = alone();
    let report: Report =
        run(&target(|input| input.len() < 500), &Plan { executions: 3000, ..PLAN }).unwrap();
    assert_eq!(report.executions, 3000);
    assert!(report.read > 2000 && report.peak_bytes == 0, "{report:?}");
}

#[test]
fn an_index_beyond_the_end_is_found() {
    let _alone = alone();
    // A byte string whose length is believed.
    let failure = found(&target(|input| match input {
        [0x82, 0x18, _, 0x43, held @ ..] if !held.is_empty() => held[usize::from(held[0])] > 0,
        _ => false,
    }));
    assert!(failure.why.contains("index out of bounds"), "{}", failure.why);
    assert!(failure.input.starts_with(&[0x82, 0x18]));
}

#[test]
fn memory_by_a_length_that_was_read_is_found() {
    let _alone = alone();
    let failure = found(&target(|input| {
        let length = match input {
            [_, 0x19, a, b, ..] => usize::from(u16::from_be_bytes([*a, *b])),
            _ => 0,
        };
        vec![1_u64; length].len() > 1
    }));
    assert!(failure.why.contains("bytes of memory"), "{}", failure.why);
}

#[test]
fn what_is_written_otherwise_than_it_was_read_is_found() {
    let _alone = alone();
    let run = |input: &[u8]| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        assert_eq!(text.to_lowercase().to_uppercase(), text.to_uppercase());
        true
    };
    let examples = || vec![b"a word".to_vec()];
    let failure = found(&Target { form: Form::Text, examples, ..target(run) });
    assert!(failure.why.contains("assertion"), "{}", failure.why);
}

#[test]
fn the_same_seed_finds_the_same_input() {
    let _alone = alone();
    let target =
        target(|input| input.iter().filter(|byte| **byte == 0xff).count() < 9 || panic!("nine"));
    assert_eq!(found(&target).input, found(&target).input);
}
