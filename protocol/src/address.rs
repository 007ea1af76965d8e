//! `mainstay://host:port#pin[,pin]`: where a relay is and how to know that it is the right one.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::sign::VerifyKey;

/// The DER prefix of an Ed25519 SubjectPublicKeyInfo (RFC 8410 §4); the 32 key bytes follow.
const ED25519_SPKI_PREFIX: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// How many pins an address may carry: today's key and the one it will be rotated to.
pub const MAX_PINS: usize = 2;

/// The SHA-256 of a relay's SubjectPublicKeyInfo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pin(pub [u8; 32]);

impl Pin {
    /// The pin of this key.
    pub fn of(key: &VerifyKey) -> Self {
        Self(Sha256::digest(spki(key)).into())
    }
}

/// A relay's Ed25519 key as a SubjectPublicKeyInfo.
pub fn spki(key: &VerifyKey) -> Vec<u8> {
    [&ED25519_SPKI_PREFIX[..], &key.0[..]].concat()
}

/// The Ed25519 key in a SubjectPublicKeyInfo; `None` when it holds anything else.
pub fn key_from_spki(spki: &[u8]) -> Option<VerifyKey> {
    spki.strip_prefix(&ED25519_SPKI_PREFIX).and_then(VerifyKey::from_slice)
}

/// A relay's address with the pins of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayAddress {
    /// A name or an IP address; an IPv6 address without brackets.
    pub host: String,
    /// The UDP port.
    pub port: u16,
    /// One or two pins; a relay that shows neither key is refused.
    pub pins: Vec<Pin>,
}

/// An address that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("relay address: {0}; it looks like mainstay://relay.example.org:4433#<64 hex digits>")]
pub struct AddressError(&'static str);

impl RelayAddress {
    /// Whether one of the pins is that of `key`.
    pub fn accepts(&self, key: &VerifyKey) -> bool {
        self.pins.contains(&Pin::of(key))
    }
}

impl FromStr for RelayAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let rest = text.trim().strip_prefix("mainstay://");
        let rest = rest.ok_or(AddressError("does not start with mainstay://"))?;
        let (place, pins) =
            rest.split_once('#').ok_or(AddressError("the key's hash after # is missing"))?;
        let (host, port) = place.rsplit_once(':').ok_or(AddressError("the port is missing"))?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() || host.len() > 253 {
            return Err(AddressError("the host is missing or too long"));
        }
        let port = port.parse().ok().filter(|port| *port != 0);
        let port = port.ok_or(AddressError("the port is no number from 1 to 65535"))?;
        let pins = pins.split(',').map(parse_pin).collect::<Result<Vec<_>, _>>()?;
        if pins.len() > MAX_PINS {
            return Err(AddressError("more than two key hashes"));
        }
        Ok(Self { host: host.to_owned(), port, pins })
    }
}

impl fmt::Display for RelayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "mainstay://[{}]:{}#", self.host, self.port)?,
            false => write!(f, "mainstay://{}:{}#", self.host, self.port)?,
        }
        for (index, pin) in self.pins.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            pin.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        }
        Ok(())
    }
}

fn parse_pin(text: &str) -> Result<Pin, AddressError> {
    let wrong = AddressError("a key hash is not 64 hexadecimal digits");
    if text.len() != 64 || !text.is_ascii() {
        return Err(wrong);
    }
    let mut pin = [0; 32];
    for (byte, digits) in pin.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).map_err(|_| wrong.clone())?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong.clone())?;
    }
    Ok(Pin(pin))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_address_survives_being_written_and_read() {
        for host in ["relay.example.org", "127.0.0.1", "::1"] {
            let address = RelayAddress { host: host.into(), port: 4433, pins: vec![Pin([7; 32])] };
            assert_eq!(address.to_string().parse::<RelayAddress>().unwrap(), address);
        }
    }

    #[test]
    fn an_address_without_a_key_hash_says_so() {
        let error = "mainstay://relay.example.org:4433".parse::<RelayAddress>().unwrap_err();
        assert!(error.to_string().contains("hash after #"), "{error}");
    }
}
