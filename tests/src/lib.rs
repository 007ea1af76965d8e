//! Tests that span Mainstay's crates: journeys, the simulator, crash and power loss.
