//! When a slot is packed.

use crate::space::slot::SlotName;

/// More loose envelopes than this, and the slot is packed.
pub const LOOSE_LIMIT: u64 = 64;
/// A month that is over is packed once nothing has changed in it for this long: 7 days.
pub const QUIET_MS: i64 = 7 * 24 * 3600 * 1000;

/// What is known about a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotCondition {
    /// Envelopes that no snapshot covers, those of snapshots not counted.
    pub loose: u64,
    /// When one last came, by this device's clock.
    pub changed_ms: i64,
    /// When its month ends; none for the plan.
    pub ends_ms: Option<i64>,
}

/// Whether a slot is to be packed now.
pub fn is_due(slot: &SlotName, condition: &SlotCondition, now_ms: i64) -> bool {
    if matches!(slot, SlotName::Page(_)) {
        return false;
    }
    let over = condition.ends_ms.is_some_and(|end| end < now_ms);
    let quiet = over && now_ms.saturating_sub(condition.changed_ms) > QUIET_MS;
    condition.loose > LOOSE_LIMIT || (quiet && condition.loose > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 24 * 3600 * 1000;

    #[test]
    fn a_lively_month_waits_until_it_has_many_envelopes() {
        let mut month = SlotCondition { loose: LOOSE_LIMIT, changed_ms: 0, ends_ms: Some(DAY_MS) };
        assert!(!is_due(&SlotName::Chapter(1), &month, 0));
        month.loose += 1;
        assert!(is_due(&SlotName::Chapter(1), &month, 0));
    }

    #[test]
    fn a_month_that_is_over_is_packed_when_it_is_quiet() {
        let month = SlotCondition { loose: 1, changed_ms: 20 * DAY_MS, ends_ms: Some(DAY_MS) };
        assert!(!is_due(&SlotName::Chapter(1), &month, 27 * DAY_MS));
        assert!(is_due(&SlotName::Chapter(1), &month, 28 * DAY_MS));
    }
}
