//! What a client shares.

use mainstay_core::engine::{Heard, ShareInfo};

use super::args::TimelineArgs;
use super::clients;
use crate::shell::at::Clock;
use crate::shell::failure::Failure;
use crate::shell::home::Home;
use crate::shell::output::Output;
use crate::shell::shares::{records, said};

pub(super) async fn timeline(home: &Home, out: &Output, args: TimelineArgs) -> Result<(), Failure> {
    let clock = Clock::new(args.span.zone.as_deref())?;
    let span = clock.window(&args.span)?;
    let (_, heard) = heard(home, out, &args.client).await?;
    let theirs = heard.iter().filter(|heard| !heard.mine).map(|heard| &heard.record);
    let entries = records::entries(theirs, span);
    out.say(records::entries_json(&entries), || records::entries_text(&entries))
}

pub(super) async fn comments(home: &Home, out: &Output, client: &str) -> Result<(), Failure> {
    let (info, heard) = heard(home, out, client).await?;
    out.say(said::said_json(&said::of(&heard)), || said::text(&info, &heard))
}

async fn heard(
    home: &Home,
    out: &Output,
    client: &str,
) -> Result<(ShareInfo, Vec<Heard>), Failure> {
    let engine = home.open().await?;
    let read = async {
        let info = clients::with(&engine, out, client).await?;
        let heard = engine.share_records(info.id).await?;
        clients::looked(&engine, &info).await?;
        Ok((info, heard))
    };
    let read = read.await;
    engine.suspend().await?;
    read
}
