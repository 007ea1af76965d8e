//! The relay loses everything, and the devices fill it again.

use mainstay_core::engine::{Alarm, Engine};
use mainstay_core::journal::{EntryBody, Note};
use mainstay_core::space::phrase::Phrase;

use super::Stopped;
use super::desk::{Desk, alike, now};
use super::report::Report;

pub(super) async fn wipe_and_refill(
    desk: &mut Desk,
    (phone, tablet): (&Engine, &Engine),
    phrase: &Phrase,
    report: &mut Report,
) -> Result<(), Stopped> {
    report.begin("The relay is wiped; the devices fill it again");
    let note = Note { note: Some("Written while the relay was down".to_owned()) };
    tablet.log(EntryBody::Note(note), now()).await?;
    desk.relay.stop().await;
    desk.relay.wipe()?;
    desk.relay.resume().await?;

    let refill = phone.sync().await?;
    report.spent(&refill);
    let of_tablet = tablet.sync().await?;
    report.spent(&of_tablet);
    report.spent(&phone.sync().await?);
    report.note(format!("the phone filled it, unasked, with {} kB", refill.bytes_sent / 1000));
    let noticed = [&refill, &of_tablet].iter().any(|r| r.alarms.contains(&Alarm::RelayLost));
    report.check("a device says that the relay had lost what it held", noticed);
    report.check("phone and tablet hold the same, to the byte", alike(phone, tablet).await?);
    let status = phone.status().await?;
    report.check(
        "the relay has signed for every entry again",
        status.on_relay == status.entries && status.waiting == 0,
    );
    let third = Engine::restore(desk.config("another phone"), phrase, &desk.address).await?;
    report.spent(&third.sync().await?);
    report.check("a phone restored from the filled relay has it all", alike(&third, phone).await?);
    for device in ["new phone", "tablet"] {
        third.confirm_device(device).await?;
    }
    third.suspend().await?;
    for engine in [phone, tablet] {
        report.spent(&engine.sync().await?);
    }
    Ok(())
}

pub(super) async fn everything_is_sound(
    engines: &[Engine],
    report: &mut Report,
) -> Result<(), Stopped> {
    report.begin("Every document is opened and compared with what is shown");
    let mut sound = true;
    for engine in engines {
        sound &= engine.verify().await?.is_empty();
    }
    report.check("nothing had to be mended", sound);
    Ok(())
}
