//! What crosses Mainstay's wire: ids, envelopes, rosters, frames and limits. It verifies; it cannot decrypt.
