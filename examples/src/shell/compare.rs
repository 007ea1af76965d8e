//! A code that two screens show.

use super::failure::Failure;
use super::output::{Output, next_line};

/// The person says that both screens show the same code: by "y", or by typing it.
pub(crate) async fn is_confirmed(
    out: &Output,
    shown: &str,
    given: Option<&str>,
) -> Result<bool, Failure> {
    if let Some(given) = given {
        return Ok(digits(given) == digits(shown));
    }
    out.tell("[y/N, or type the code of the other screen]");
    let answer = next_line().await?.unwrap_or_default();
    let answer = answer.trim();
    Ok(matches!(answer, "y" | "Y" | "yes") || digits(answer) == digits(shown))
}

pub(crate) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
