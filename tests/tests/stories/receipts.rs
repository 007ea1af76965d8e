//! What a device stated to hold, on a relay that lost the statement.

use mainstay_tests::network::Line;
use mainstay_tests::stores;

use super::{log, round, two};

// Broken on purpose: `Session::answered` passing over what the relay says of this device's own receipt made it
// fail.
#[test]
fn a_device_whose_last_receipt_the_relay_lost_states_it_again_although_nothing_else_tells_of_the_loss()
 {
    let (mut world, _, mut own, mut other) = two(181);
    round(&mut world, &mut [&mut own, &mut other]);
    log(&world, &mut own, "one");
    world.sync(&mut own).unwrap();
    let before = stores::copy(&world.relay_store);
    world.sync(&mut other).unwrap();
    // Its feed and its list of devices are what they were.
    world.put_relay_back(before, false);
    world.sync(&mut own).unwrap();
    let on_others = |status: mainstay_core::engine::Status| status.on_other_devices;
    assert_eq!(on_others(own.replica.status(world.now_ms).unwrap()), 0, "nobody has said so");
    world.sync(&mut other).unwrap();
    world.sync(&mut own).unwrap();
    assert_eq!(on_others(own.replica.status(world.now_ms).unwrap()), 1);
    for phone in [&mut own, &mut other] {
        world.sync(phone).unwrap();
        let mut line = Line::default();
        world.sync_over(phone, &mut line).unwrap();
        assert!(line.requests <= 4, "{} requests with nothing new", line.requests);
    }
}
