//! Why a command was not done.

use std::io::Write;
use std::process::ExitCode;

use mainstay_core::engine::{EngineError, StoreError};

use super::home::Home;
use super::program::Program;

/// What went wrong and what to do next, with the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    hint: Hint,
}

/// What to do next, where that depends on the program.
#[derive(Debug, Clone, Copy)]
enum Hint {
    None,
    Words(&'static str),
    /// One of these commands.
    Commands(&'static [&'static str]),
}

impl Failure {
    /// The command could not be done.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into(), hint: Hint::None }
    }

    /// The command line makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into(), hint: Hint::None }
    }

    /// What went wrong.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Tells the person: what was being done, why it was not, and where the journal is.
    pub(crate) fn report(&self, program: &Program, verb: &str, home: Option<&Home>) -> ExitCode {
        let (name, hint) = (program.name, self.hint.text(program.name));
        let mut text = format!("{name} {verb}: {}{hint}\n", self.message);
        if let Some(home) = home.filter(|_| self.code == 1) {
            let (keeps, dir) = (program.keeps, home.dir().display());
            text.push_str(&format!("The {keeps}'s folder is {dir}\n"));
        }
        // Where not even standard error can be written, the exit code has to say it.
        let _ = std::io::stderr().write_all(text.as_bytes());
        ExitCode::from(self.code)
    }
}

impl Hint {
    fn text(self, program: &str) -> String {
        match self {
            Self::None => String::new(),
            Self::Words(words) => format!(" ({words})"),
            Self::Commands(commands) => {
                let commands = commands.iter().map(|command| format!("`{program} {command}`"));
                format!(" ({})", commands.collect::<Vec<_>>().join(", or "))
            }
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let hint = match error {
            EngineError::NothingHere => Hint::Commands(&["init", "restore --relay URL"]),
            EngineError::NoRelay => Hint::Commands(&["relay set URL"]),
            EngineError::Store(StoreError::WrongBackend { .. }) => {
                Hint::Words("with `--store`; where that is left out, sled is meant")
            }
            EngineError::Damaged { .. } | EngineError::Store(StoreError::Damaged { .. }) => {
                Hint::Commands(&["set-aside"])
            }
            EngineError::AlreadyThere => Hint::Words("choose one with --home DIR"),
            _ => Hint::None,
        };
        Self { code: 1, message: error.to_string(), hint }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(format!("the output cannot be written: {error}"))
    }
}
