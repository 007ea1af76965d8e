//! What an operator decides about the rules.

/// How a new space comes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Anybody may create one.
    Open,
    /// Only with an invitation, or with the grant that an earlier one led to.
    Invited,
}

/// Bytes that one space may occupy: 1 GiB. Ten years of a person's journal take about 20 MB.
pub const DEFAULT_QUOTA_BYTES: u64 = 1024 * 1024 * 1024;
/// For how long replaced items stay retrievable: 30 days.
pub const DEFAULT_RETENTION_MS: u64 = 30 * 24 * 3600 * 1000;
/// Spaces on one relay.
pub const DEFAULT_MAX_SPACES: u64 = 100_000;

/// The limits that differ from relay to relay; all others are in [`mainstay_protocol::limits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayConfig {
    /// How a new space comes to be.
    pub registration: Registration,
    /// Bytes that one space may occupy, what is retained included.
    pub quota_bytes: u64,
    /// For how long replaced items stay retrievable.
    pub retention_ms: u64,
    /// Spaces on this relay.
    pub max_spaces: u64,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            registration: Registration::Open,
            quota_bytes: DEFAULT_QUOTA_BYTES,
            retention_ms: DEFAULT_RETENTION_MS,
            max_spaces: DEFAULT_MAX_SPACES,
        }
    }
}
