//! `cargo run --release -p mainstay-fuzz -- --seconds 60 [--seed N] [target …]`
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

use std::process::ExitCode;

mod program;

fn main() -> ExitCode {
    program::main(std::env::args().skip(1).collect())
}
