//! A durable, ordered key-value port with sled, redb and in-memory adapters. It knows only bytes.
