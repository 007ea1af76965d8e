//! Which program runs.

use std::process::ExitCode;

use super::args::CommonArgs;
use super::failure::Failure;
use super::home::Home;
use super::output::Output;

/// What differs where both programs say the same.
#[derive(Debug)]
pub(crate) struct Program {
    /// What it is called on a command line; a device is called so if nobody says otherwise.
    pub(crate) name: &'static str,
    /// What it keeps.
    pub(crate) keeps: &'static str,
    /// What to do first, and what to do first while no relay is set.
    pub(crate) next: [&'static str; 2],
}

impl Program {
    /// Does what a command line says, and tells how it went: 0 done, 1 not done, 2 not understood.
    pub(crate) fn run(
        &'static self,
        common: CommonArgs,
        verb: &str,
        command: impl AsyncFnOnce(&Home, &Output) -> Result<(), Failure>,
    ) -> ExitCode {
        let out = Output::new(self, common.json);
        let home = match Home::new(self, common.home, common.store) {
            Ok(home) => home,
            Err(failure) => return failure.report(self, verb, None),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let done = match runtime {
            Ok(runtime) => runtime.block_on(command(&home, &out)),
            Err(error) => Err(Failure::new(format!("the system gives no runtime: {error}"))),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.report(self, verb, Some(&home)),
        }
    }
}
