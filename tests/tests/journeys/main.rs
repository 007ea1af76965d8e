//! What a person goes through, on real stores, over a real relay and real QUIC: each on sled and on
//! redb.
#![allow(clippy::unwrap_used)]

#[path = "../kit/mod.rs"]
mod kit;

mod edited;
mod forgotten;
mod forked;
mod relay_lost;
mod stolen;
mod unread;

/// One journey, on both stores. Names are written as functions, so that they are found as such.
macro_rules! on_both_stores {
    ($journey:path, fn $sled:ident(), fn $redb:ident()) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $sled() {
            $journey(mainstay_core::engine::Backend::Sled).await;
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn $redb() {
            $journey(mainstay_core::engine::Backend::Redb).await;
        }
    };
}
use on_both_stores;
