//! Words the program never says. A person's own text is never linted.

/// Words and phrases no built-in string may hold, with what to say instead.
/// Source: the project's word list, after the person-first guidance it cites.
pub const BANNED: &[(&str, &str)] = &[
    ("addict", "a person with a substance use disorder"),
    ("addicts", "people with a substance use disorder"),
    ("junkie", "a person who uses"),
    ("junkies", "people who use"),
    ("abuser", "a person who uses"),
    ("abusers", "people who use"),
    ("alcoholic", "a person with an alcohol use disorder"),
    ("alcoholics", "people with an alcohol use disorder"),
    ("clean", "tested negative; not currently using"),
    ("dirty", "tested positive"),
    ("abuse", "use, misuse"),
    ("abused", "used, misused"),
    ("habit", "substance use disorder"),
    ("habits", "routines"),
    ("denial", "describe what is seen"),
    ("non-compliant", "describe what happened"),
    ("noncompliant", "describe what happened"),
    ("failed", "describe what happened"),
    ("failure", "describe what happened"),
    ("broke your streak", "say what was kept"),
    ("lost", "say what was kept"),
    ("back to zero", "say what was kept"),
    ("start over", "go on"),
    ("blew it", "describe what happened"),
    ("fell off the wagon", "describe what happened"),
    ("should have", "could next time"),
];

/// A banned word found in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The word or phrase.
    pub word: &'static str,
    /// What to say instead.
    pub instead: &'static str,
}

/// The banned words in a text, at word boundaries, whatever their case and spacing.
#[must_use]
pub fn lint(text: &str) -> Vec<Finding> {
    let words = words_of(text);
    BANNED
        .iter()
        .filter(|(banned, _)| {
            let banned = words_of(banned);
            words.windows(banned.len()).any(|window| window == banned)
        })
        .map(|&(word, instead)| Finding { word, instead })
        .collect()
}

/// Lowercase words; a hyphen joins, so that `non-compliant` is one.
fn words_of(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '-')
        .map(|word| word.trim_matches('-').to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_banned_word_is_found_in_any_case_and_spacing_but_not_inside_another() {
        assert_eq!(lint("You BLEW   it.").len(), 1);
        assert_eq!(lint("Clean!")[0].word, "clean");
        assert_eq!(lint("a non-compliant person")[0].word, "non-compliant");
        assert!(lint("cleaning, inhabit, almost, addiction medicine").is_empty());
    }

    #[test]
    fn no_built_in_string_says_a_banned_word() {
        let floors = crate::journal::built_in_strings()
            .chain(crate::plan::built_in_strings())
            .chain(crate::care::words::built_in_strings());
        for text in floors {
            assert!(lint(text).is_empty(), "{text}: {:?}", lint(text));
        }
    }

    /// Error messages are strings too: every literal of these floors' sources is read.
    #[test]
    fn no_literal_of_these_floors_says_a_banned_word() {
        let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut open: Vec<_> = ["journal", "plan", "document", "ndjson", "care"]
            .map(|floor| source.join(floor))
            .into();
        let mut literals = 0;
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if !path.ends_with("linter.rs") {
                    for text in
                        std::fs::read_to_string(&path).unwrap().split('"').skip(1).step_by(2)
                    {
                        literals += 1;
                        assert!(lint(text).is_empty(), "{}: {text}", path.display());
                    }
                }
            }
        }
        assert!(literals > 300, "{literals}");
    }
}
