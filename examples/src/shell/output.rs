//! What a command says on standard output.

use std::io::{self, IsTerminal, Write};

use serde_json::Value as Json;

use super::failure::Failure;
use super::program::Program;

/// Text for people, or one JSON value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    program: &'static Program,
    json: bool,
}

impl Output {
    pub(crate) const fn new(program: &'static Program, json: bool) -> Self {
        Self { program, json }
    }

    /// What the program is called, to name another command of it.
    pub(crate) const fn program(self) -> &'static str {
        self.program.name
    }

    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Says one thing, in the form that was asked for.
    pub(crate) fn say(self, json: Json, text: impl FnOnce() -> String) -> Result<(), Failure> {
        let said = if self.json { escaped(&json.to_string()) } else { shown(&text()) };
        self.write(said.trim_end())
    }

    /// Says what the engine wrote as one JSON value.
    pub(crate) fn say_json(self, json: &str) -> Result<(), Failure> {
        self.write(&escaped(json))
    }

    fn write(self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        let done = writeln!(out, "{text}").and_then(|()| out.flush());
        match done {
            // Whoever reads has had enough, as `head` does.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }

    /// A part of a conversation: beside the result, which is what standard output is for.
    pub(crate) fn tell(self, text: &str) {
        // A conversation that nobody can hear does not keep the command from being done.
        let _ = writeln!(io::stderr(), "{}", shown(text));
    }

    /// A link to be copied, and as a picture to be scanned.
    pub(crate) fn tell_link(self, link: &str) {
        self.tell(link);
        // Too long for a code that a camera could read is no reason not to go on.
        if let Ok(code) = qrcode::QrCode::new(link.as_bytes()) {
            self.tell(&code.render::<qrcode::render::unicode::Dense1x2>().build());
        }
    }
}

/// Text as a terminal may show it. What somebody else wrote may hold characters that a terminal obeys: move
/// the cursor, turn words into a link, hide what stands before, turn the order of letters round. They are
/// shown as pictures of themselves (Unicode's block of control pictures) or as a mark, and do nothing.
fn shown(text: &str) -> String {
    let picture = |c: char| match c {
        '\n' | '\t' => c,
        '\0'..' ' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{7f}' => '\u{2421}',
        _ if c.is_control() || is_turning(c) => char::REPLACEMENT_CHARACTER,
        _ => c,
    };
    text.chars().map(picture).collect()
}

/// Characters that have the letters after them shown in another order (Unicode's UAX #9, explicit
/// directional formatting).
fn is_turning(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The same JSON value, with what a terminal would obey as escapes. Outside of strings there is none of it.
fn escaped(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            _ if c.is_control() || is_turning(c) => {
                safe.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => safe.push(c),
        }
    }
    safe
}

/// Whether a person sits in front of standard error.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// The next line of standard input, without blocking the connection to the relay; `None` at its
/// end.
pub(crate) async fn next_line() -> Result<Option<String>, Failure> {
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|bytes| (bytes > 0).then_some(line))
    });
    match read.await {
        Ok(Ok(line)) => Ok(line),
        _ => Err(Failure::new("the answer on standard input cannot be read; type it as text")),
    }
}

#[cfg(test)]
mod tests {
    use super::{escaped, shown};

    #[test]
    fn what_somebody_wrote_moves_no_cursor_and_makes_no_link() {
        let text = "\u{1b}]8;;https://example.org\u{1b}\\look\u{7}\r\u{9b}2J\u{7f}\u{202e}\u{2066}";
        let obeyed = |c: char| c.is_control() || "\u{202e}\u{2066}".contains(c);
        assert!(!shown(text).contains(obeyed));
        let json = serde_json::json!({ "note": text });
        assert!(!escaped(&json.to_string()).contains(obeyed));
        let read = serde_json::from_str::<serde_json::Value>(&escaped(&json.to_string()));
        assert_eq!(read.ok(), Some(json), "nothing is lost");
        assert!(shown(text).contains("https://example.org"), "all of it is there to be read");
        let plain = "Slept well.\n\tTwice – née Ünal 🌱";
        assert_eq!(shown(plain), plain);
    }
}
