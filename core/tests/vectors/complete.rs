//! No variant of what travels sealed is without a vector.

use mainstay_core::care::{SharedBody, Target};
use mainstay_core::chapter::{Payload, SlotName};
use mainstay_core::plan::PlanEdit;

use crate::variants::has_all;

// Broken on purpose: a vector taken out of `records.hex` made it fail.
#[test]
fn every_variant_that_travels_sealed_has_a_vector() {
    has_all::<Payload>(&["payloads.hex"], "payload_", false);
    has_all::<SlotName>(&["payloads.hex"], "slot_", false);
    has_all::<SharedBody>(&["records.hex"], "body_", false);
    has_all::<Target>(&["records.hex"], "target_", false);
    has_all::<PlanEdit>(&["records.hex"], "edit_", false);
}
