//! What a dishonest relay may try, each check by its number on the list that Mainstay must pass. The
//! relay is the real one; in front of it, or over its store, sits somebody who lies.
//!
//! | | |
//! |---|---|
//! | keys and identity | 2 records of the list of devices, 4 purposes, 5 bad key exchange, 6 any value at all, 7 downgrades, 8 no other way in |
//! | ciphertext | 9 altered, 10 two keys, 11 nonces of clones, 12 sizes, 13 bombs |
//! | history | 14 altered feeds, 15 rollback, 17 forks, 18 withholding |
//! | oracle and metadata | 23 decryption, 24 content that acts, 25 logs and errors |
//! | transport | 26 relayed proofs, 27 pins, 28 tickets, 29 replayed flights, 30 key logs |
//!
//! The others are about sharing and lie with it, in `shares/relay_checks`: 1, 3, 16 and 19 to 22.
//!
//! After every step six things hold (`watch`): nothing readable and no key in what the relay was sent or
//! keeps; nothing is taken in that no device of the person wrote; devices agree once the relay is honest
//! again; whoever lies is told of, where it can be told; nothing panics or goes on for ever; nothing that
//! was here is lost.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../kit/mod.rs"]
mod kit;

mod anything;
mod ciphertext;
mod feeds;
mod forks;
mod lists;
mod logs;
mod oracle;
mod purposes;
mod sizes;
mod transport;
mod versions;
mod watch;
