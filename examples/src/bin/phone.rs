//! A person's journal on the command line.

fn main() -> std::process::ExitCode {
    mainstay_examples::phone::run()
}
