//! HKDF-SHA256 (RFC 5869) with one label per purpose.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// What a derived value is for. No two purposes share a label, and no label is ever used again for
/// something else.
pub(crate) mod label {
    pub(crate) const RECOVERY_SIGN: &str = "recovery signing key";
    pub(crate) const RECOVERY_KEM: &str = "recovery key exchange";
    pub(crate) const DEVICE_SIGN: &str = "device author key";
    pub(crate) const DEVICE_KEM: &str = "device key exchange";
    pub(crate) const REST_SEAL: &str = "at rest";
    pub(crate) const REST_NAMES: &str = "at rest record keys";
    pub(crate) const EPOCH_ID: &str = "epoch id";
    pub(crate) const EPOCH_ENVELOPE: &str = "envelope key";
    pub(crate) const EPOCH_PREVIOUS: &str = "previous epoch";
    pub(crate) const EPOCH_NAME: &str = "device name";
    pub(crate) const EPOCH_MEMBER: &str = "member name";
    pub(crate) const EPOCH_CONSENT: &str = "consent";
    pub(crate) const MEMBER_SIGN: &str = "member signing key";
    pub(crate) const MEMBER_KEM: &str = "member key exchange";
    pub(crate) const RECORD_NAMES: &str = "record names";
    pub(crate) const RECORD: &str = "record";
    pub(crate) const PLAN_VERSION: &str = "plan version";
    pub(crate) const ROOT_SIGN: &str = "share root signing key";
    pub(crate) const ROOT_KEM: &str = "share root key exchange";
    pub(crate) const SLOT: &str = "slot";
    pub(crate) const CONTENTS: &str = "snapshot contents";
    pub(crate) const LINK_MAILBOX: &str = "link mailbox";
    pub(crate) const LINK_LETTER: &str = "link letter";
}

/// Derives `N` bytes from a secret that need not be uniform (extract, then expand).
pub(crate) fn derive<const N: usize>(
    secret: &[u8],
    label: &str,
    parts: &[&[u8]],
) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    expand(&Hkdf::new(Some(b"mainstay/1 derive"), secret), label, parts, &mut *out);
    out
}

/// A pseudo-random function: like [`derive`], for a key that is uniform already and an output that
/// is a name rather than a key.
pub(crate) fn prf<const N: usize>(key: &[u8; 32], label: &str, parts: &[&[u8]]) -> [u8; N] {
    let mut out = [0; N];
    let kdf = Hkdf::from_prk(key).expect("a key of 32 bytes is as long as SHA-256's output");
    expand(&kdf, label, parts, &mut out);
    out
}

/// The label and every part go in after their lengths, so that no two lists give the same input.
fn expand(kdf: &Hkdf<Sha256>, label: &str, parts: &[&[u8]], out: &mut [u8]) {
    let mut info = Vec::with_capacity(64);
    for part in std::iter::once(label.as_bytes()).chain(parts.iter().copied()) {
        info.extend_from_slice(&(part.len() as u64).to_be_bytes());
        info.extend_from_slice(part);
    }
    kdf.expand(&info, out).expect("callers ask for 64 bytes at most, far below 255 hash lengths");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_purposes_share_a_label() {
        let source = include_str!("kdf.rs");
        let labels: Vec<_> = source
            .lines()
            .filter_map(|line| line.split_once(": &str = "))
            .map(|(_, l)| l)
            .collect();
        assert!(labels.len() > 20, "{labels:?}");
        assert_eq!(labels.iter().collect::<std::collections::BTreeSet<_>>().len(), labels.len());
    }

    #[test]
    fn labels_and_the_borders_between_parts_matter() {
        let key = [7; 32];
        let one: [u8; 32] = *derive(&key, "a", &[b"bc", b"d"]);
        assert_ne!(one, *derive::<32>(&key, "a", &[b"b", b"cd"]));
        assert_ne!(one, *derive::<32>(&key, "ab", &[b"c", b"d"]));
        assert_ne!(one, *derive::<32>(&[8; 32], "a", &[b"bc", b"d"]));
        assert_ne!(prf::<16>(&key, "a", &[b"b"]), prf::<16>(&key, "b", &[b"a"]));
    }
}
