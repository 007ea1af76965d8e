//! Check 17: two histories, one for each phone.

use mainstay_core::engine::Alarm;
use mainstay_core::sync::Local;
use mainstay_tests::network::Line;
use mainstay_tests::stores;

use super::watch::Watch;

#[test]
fn check_17_two_feeds_shown_to_two_phones_are_told_at_the_first_contact_and_become_one() {
    let mut w = Watch::new(17_000);
    let mut lives = [stores::copy(&w.world.relay_store), stores::copy(&w.world.relay_store)];
    // Each phone talks to a relay of its own for a while.
    for n in 0..6 {
        let phone = n % 2;
        w.world.put_relay_back(lives[phone].clone(), false);
        w.log(phone, &format!("in the life shown to phone {phone}, {n}"));
        w.sync(phone, Line::default()).unwrap();
        lives[phone] = stores::copy(&w.world.relay_store);
    }
    assert!(w.alarms.iter().all(|told| !told.contains(&Alarm::RelayLost)), "nobody can know yet");
    // The first of them that meets the other's life knows.
    w.world.put_relay_back(stores::copy(&lives[0]), false);
    let _ = w.sync(1, Line::default());
    assert!(w.alarms[1].contains(&Alarm::RelayLost), "{:?}", w.alarms[1]);
    w.honest_to_the_last();
    assert_eq!(w.rows(0).len(), 12);
}

#[test]
fn check_17_two_lists_of_devices_shown_to_two_phones_are_told_and_joined() {
    let mut w = Watch::new(17_100);
    let before = stores::copy(&w.world.relay_store);
    let third = w.link("third");
    w.log(0, "where the third phone is known");
    w.sync(0, Line::default()).unwrap();
    let here = stores::copy(&w.world.relay_store);
    w.world.put_relay_back(before, false);
    let mut fourth = w.world.link(&mut w.phones[1], "fourth").unwrap();
    w.world.sync(&mut fourth).unwrap();
    w.log(1, "where the fourth phone is known");
    w.sync(1, Line::default()).unwrap();
    let heads = [0, 1].map(|at: usize| w.phones[at].replica.roster_head());
    assert_ne!(heads[0], heads[1]);
    w.world.put_relay_back(here, false);
    w.add(fourth);
    let _ = w.sync(1, Line::default());
    let told = &w.alarms[1];
    assert!(told.contains(&Alarm::Healed) || told.contains(&Alarm::Fork), "{told:?}");
    w.honest_to_the_last();
    assert_eq!(w.phones[third].replica.roster_head(), w.phones[1].replica.roster_head());
}
