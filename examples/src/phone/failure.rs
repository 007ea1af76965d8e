//! Why a command was not done.

use std::io::Write;
use std::process::ExitCode;

use mainstay_core::engine::{EngineError, StoreError};

use super::home::Home;

/// What went wrong and what to do next, with the exit code.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// The command could not be done.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// The command line makes no sense.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    /// Tells the person: what was being done, why it was not, and where the journal is.
    pub(super) fn report(&self, verb: &str, home: Option<&Home>) -> ExitCode {
        let mut text = format!("phone {verb}: {}\n", self.message);
        if let Some(home) = home.filter(|_| self.code == 1) {
            text.push_str(&format!("The journal's folder is {}\n", home.dir().display()));
        }
        // Where not even standard error can be written, the exit code has to say it.
        let _ = std::io::stderr().write_all(text.as_bytes());
        ExitCode::from(self.code)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let hint = match error {
            EngineError::NothingHere => " (`phone init`, or `phone restore --relay URL`)",
            EngineError::NoRelay => " (`phone relay set URL`)",
            EngineError::Store(StoreError::WrongBackend { .. }) => {
                " (with `--store`; where that is left out, sled is meant)"
            }
            EngineError::AlreadyThere => " (choose one with --home DIR)",
            _ => "",
        };
        Self::new(format!("{error}{hint}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(format!("the output cannot be written: {error}"))
    }
}
