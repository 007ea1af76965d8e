//! The Mainstay relay: keeps sealed envelopes in order and cannot open them.
//!
//! [`relay`] holds the rules, without a clock, randomness, threads or sockets; the simulator drives
//! exactly that. [`feed`] is the port to what it keeps. [`keys`] keeps the relay's keys apart from
//! its data, [`net`] is the QUIC listener, [`config`] what an operator sets. [`Server`] puts them
//! together:
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use mainstay_sync_server::{Server, config::Config};
//!
//! let config = Config::new("relay/data", "relay/keys", "127.0.0.1:0".parse()?);
//! let server = Server::bind(&config).await?;
//! println!("{}", server.address());
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```

pub mod config;
pub mod feed;
pub mod keys;
pub mod net;
pub mod relay;
mod server;

pub use server::{Checked, ServeError, Server, check, invite, url};
