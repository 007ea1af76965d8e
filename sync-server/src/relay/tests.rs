//! Each rule of the relay, by name, on the in-memory store.

#![allow(clippy::unwrap_used)]

mod admission;
mod attaching;
mod audit;
mod compaction;
mod forgetting;
mod kit;
mod letters;
mod pulling;
mod pushing;
mod receipts;
mod rosters;
mod share_kit;
mod share_records;
mod shares;
