//! What a consent covers.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{Class, Detail, PlanDetail};

/// How entries of one class are shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassScope {
    /// In what detail.
    pub detail: Detail,
    /// Only what happened on this civil day or later, where it happened.
    pub since: Option<Date>,
    /// Only what happened on this civil day or earlier.
    pub until: Option<Date>,
}

impl ClassScope {
    /// Everything of a class, in this detail.
    #[must_use]
    pub const fn always(detail: Detail) -> Self {
        Self { detail, since: None, until: None }
    }

    /// Whether something that lasted from one civil day to another lies within, wholly.
    #[must_use]
    pub fn holds(&self, first: Date, last: Date) -> bool {
        self.since.is_none_or(|since| first >= since)
            && self.until.is_none_or(|until| last <= until)
    }

    /// Whether no day lies within.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!((self.since, self.until), (Some(since), Some(until)) if since > until)
    }

    fn meet(&self, other: &Self) -> Self {
        Self {
            detail: self.detail.min(other.detail),
            since: self.since.max(other.since), // nothing is less than any date
            until: earlier(self.until, other.until),
        }
    }
}

/// The earlier of two ends, of which none means never.
pub(super) fn earlier<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// What a consent covers: for each class how, and nothing of a class that is not named.
///
/// Its text form is `check-ins:numbers,urges:full,plan:edit`, with dates
/// `use:items@2026-01-01..2026-06-30` of which either may be missing, or `none`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    entries: BTreeMap<Class, ClassScope>,
    plan: Option<PlanDetail>,
}

impl Scope {
    /// Covers entries of a class, in place of what was said of it before. An empty span of days
    /// covers nothing of it. [`Class::Plan`] has no entries: see [`Scope::set_plan`].
    pub fn set(&mut self, class: Class, how: Option<ClassScope>) {
        match how.filter(|how| class != Class::Plan && !how.is_empty()) {
            Some(how) => self.entries.insert(class, how),
            None => self.entries.remove(&class),
        };
    }

    /// Covers the plan, or does not.
    pub const fn set_plan(&mut self, how: Option<PlanDetail>) {
        self.plan = how;
    }

    /// How entries of a class are covered, if they are.
    #[must_use]
    pub fn of(&self, class: Class) -> Option<&ClassScope> {
        self.entries.get(&class)
    }

    /// How the plan is covered, if it is.
    #[must_use]
    pub const fn plan(&self) -> Option<PlanDetail> {
        self.plan
    }

    /// The classes of entries that are covered, in order.
    pub fn entries(&self) -> impl Iterator<Item = (Class, &ClassScope)> {
        self.entries.iter().map(|(class, how)| (*class, how))
    }

    /// Whether something of a class is covered.
    #[must_use]
    pub fn covers(&self, class: Class) -> bool {
        match class {
            Class::Plan => self.plan.is_some(),
            _ => self.entries.contains_key(&class),
        }
    }

    /// Whether nothing is covered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.plan.is_none()
    }

    /// What both cover: each class in the lesser detail and on the days that lie in both.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        let mut both = Self::default();
        for (class, how) in self.entries() {
            both.set(class, other.of(class).map(|theirs| how.meet(theirs)));
        }
        both.plan = self.plan.min(other.plan); // nothing is less than any detail
        both
    }

    /// Whether it shows nothing that the other does not.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.meet(other) == *self
    }
}
