//! The whole life of a journal in one command.

fn main() -> std::process::ExitCode {
    mainstay_examples::journey::run()
}
