//! What tests that span Mainstay's crates share: a world of devices and a relay without a network,
//! and the simulator that plays in it.

pub mod inside;
pub mod mutations;
pub mod network;
pub mod people;
pub mod search;
pub mod sharing;
pub mod sim;
pub mod stores;
pub mod tamper;
pub mod world;
