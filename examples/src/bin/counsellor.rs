//! What clients share with a counsellor, on the command line.

fn main() -> std::process::ExitCode {
    mainstay_examples::counsellor::run()
}
