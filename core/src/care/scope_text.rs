//! A scope as a person writes it on a command line.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use super::{Class, ClassScope, Detail, PlanDetail, Scope};

/// A text that is no scope. What is repeated of it is cut, and holds letters, digits and hyphens
/// only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeError {
    /// There is nothing in it.
    #[error(
        "nothing is named; write class:detail with commas between, as in \
         check-ins:numbers,urges:full,plan:view, or none"
    )]
    Empty,
    /// A part is not of the form `class:detail`.
    #[error("`{part}` does not say class:detail, as check-ins:numbers does; {}", classes())]
    Form {
        /// The part.
        part: String,
    },
    /// A class that does not exist.
    #[error("`{class}` is no class; {}", classes())]
    Class {
        /// What was written.
        class: String,
    },
    /// A detail that the class does not have.
    #[error("`{detail}` is no detail of {class}; {}", details(*.class))]
    Detail {
        /// The class.
        class: Class,
        /// What was written.
        detail: String,
    },
    /// Days that are no days, in the wrong order, or given for the plan.
    #[error(
        "the days of {class} cannot be read; for entries write \
         {class}:DETAIL@2026-01-01..2026-06-30, where either day may be missing; the plan has none"
    )]
    Days {
        /// The class.
        class: Class,
    },
    /// A class that is named twice.
    #[error("{class} is named twice; name each class once")]
    Twice {
        /// The class.
        class: Class,
    },
}

fn classes() -> String {
    format!("the classes are {}", codes(Class::CODES))
}

fn details(class: Class) -> String {
    let codes = codes(if class == Class::Plan { PlanDetail::CODES } else { Detail::CODES });
    format!("it may be {codes}")
}

fn codes(codes: &[(&str, &str)]) -> String {
    codes.iter().map(|(code, _)| *code).collect::<Vec<_>>().join(", ")
}

/// The text of a scope that covers nothing.
const NONE: &str = "none";

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str(NONE);
        }
        let mut comma = "";
        for (class, how) in self.entries() {
            write!(f, "{comma}{class}:{}", how.detail)?;
            comma = ",";
            if how.since.is_some() || how.until.is_some() {
                f.write_str("@")?;
                how.since.map_or(Ok(()), |since| write!(f, "{since}"))?;
                f.write_str("..")?;
                how.until.map_or(Ok(()), |until| write!(f, "{until}"))?;
            }
        }
        self.plan().map_or(Ok(()), |plan| write!(f, "{comma}{}:{plan}", Class::Plan))
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    /// Reads a scope; spaces around its parts do not matter.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut scope = Self::default();
        match text.trim() {
            "" => return Err(ScopeError::Empty),
            NONE => return Ok(scope),
            _ => {}
        }
        for part in text.split(',') {
            add(&mut scope, part.trim())?;
        }
        Ok(scope)
    }
}

fn add(scope: &mut Scope, part: &str) -> Result<(), ScopeError> {
    let (class, how) =
        part.split_once(':').ok_or_else(|| ScopeError::Form { part: shown(part) })?;
    let class = Class::from_code(class.trim())
        .ok_or_else(|| ScopeError::Class { class: shown(class.trim()) })?;
    if scope.covers(class) {
        return Err(ScopeError::Twice { class });
    }
    let (detail, days) = match how.split_once('@') {
        None => (how.trim(), None),
        Some((detail, days)) => (detail.trim(), Some(days.trim())),
    };
    let unknown = || ScopeError::Detail { class, detail: shown(detail) };
    if class == Class::Plan {
        let detail = PlanDetail::from_code(detail).ok_or_else(unknown)?;
        scope.set_plan(Some(detail));
        return days.map_or(Ok(()), |_| Err(ScopeError::Days { class }));
    }
    let mut how = ClassScope::always(Detail::from_code(detail).ok_or_else(unknown)?);
    if let Some(days) = days {
        (how.since, how.until) = span(days).ok_or(ScopeError::Days { class })?;
    }
    if how.is_empty() {
        return Err(ScopeError::Days { class });
    }
    scope.set(class, Some(how));
    Ok(())
}

fn span(text: &str) -> Option<(Option<Date>, Option<Date>)> {
    let (since, until) = text.split_once("..")?;
    Some((day(since)?, day(until)?))
}

/// A day, nothing for an empty text, `None` for what is no day.
fn day(text: &str) -> Option<Option<Date>> {
    if text.is_empty() {
        return Some(None);
    }
    read_date(text).map(Some)
}

/// Exactly `2026-03-29`.
pub(super) fn read_date(text: &str) -> Option<Date> {
    let date: Date = text.parse().ok()?;
    (date.to_string() == text && text.len() == 10).then_some(date)
}

fn shown(text: &str) -> String {
    let shown = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '?' };
    text.chars().take(24).map(shown).collect()
}
