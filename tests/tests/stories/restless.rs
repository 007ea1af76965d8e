//! A relay that begins another life every hour, with all that it has: as one would that is restored
//! from its newest backup again and again.

use std::cell::Cell;
use std::rc::Rc;

use mainstay_protocol::frame::Request;
use mainstay_tests::network::Line;

use super::{log, rows, two};

const HOUR_MS: i64 = 3_600_000;

#[test]
fn a_relay_that_begins_another_life_every_hour_keeps_two_phones_in_step_and_is_sent_nothing_twice()
{
    let (mut world, _, mut a, mut b) = two(71);
    for hour in 1..=24 {
        world.renew_relay();
        let id = log(&world, &mut a, &format!("hour {hour}"));
        let pushed = Rc::new(Cell::new(0));
        for phone in [&mut a, &mut b] {
            let count = Rc::clone(&pushed);
            let meddle = move |request: &Request, replies| {
                if let Request::Push { envelopes, .. } = request {
                    count.set(count.get() + envelopes.len());
                }
                replies
            };
            let mut line = Line { meddle: Some(Box::new(meddle)), ..Line::default() };
            world.sync_over(phone, &mut line).unwrap();
        }
        assert_eq!(pushed.get(), 1, "hour {hour}: envelopes");
        assert!(rows(&mut b).iter().any(|row| row.id == id));
        assert_eq!(rows(&mut b).len(), hour);
        let status = a.replica.status(world.now_ms).unwrap();
        assert_eq!((status.on_relay, status.waiting), (status.entries, 0), "hour {hour}");
        world.now_ms += HOUR_MS;
    }
}
