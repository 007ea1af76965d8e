//! What tests that span Mainstay's crates share: a world of devices and a relay without a network.

pub mod world;
