//! A device whose store lost rows of one kind, without any help of a relay: what can be read stays, can be
//! changed, and goes to the others.

use mainstay_core::document::Row;
use mainstay_core::journal::Value;
use mainstay_tests::stores;
use mainstay_tests::world::{Phone, World};

use super::{DAY_MS, edit, log, round, rows, two};

/// The tables that a journal's entries lie in, as the vault numbers them.
const LOOSE: [(u8, &str); 3] = [(3, "documents"), (4, "rows"), (7, "summaries")];

fn words(phone: &mut Phone) -> Vec<String> {
    let note = |row: &Row| match &row.fields["note"] {
        Value::Str(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    let mut words: Vec<_> = rows(phone).iter().map(note).collect();
    words.sort();
    words
}

fn after_a_loss_of(world: &mut World, phone: &mut Phone, table: u8) {
    stores::wipe_table(&phone.store, table);
    *phone = world.open(&phone.store.clone(), &phone.secret.clone()).unwrap();
    phone.replica.mend().unwrap();
}

#[test]
fn entries_that_lost_their_documents_rows_or_summaries_stay_and_go_to_the_others() {
    for (table, what) in LOOSE {
        let (mut world, phrase, mut a, mut b) = two(90 + u64::from(table));
        for number in 0..12 {
            log(&world, &mut a, &format!("kept {number}"));
        }
        round(&mut world, &mut [&mut a, &mut b]);
        // A month that is over is packed by now, and a new one is not.
        world.now_ms += 90 * DAY_MS;
        round(&mut world, &mut [&mut a, &mut b]);
        let mut last = None;
        for number in 0..5 {
            last = Some(log(&world, &mut a, &format!("sent to nobody yet {number}")));
        }
        a.replica.flush().unwrap();
        let before = words(&mut a);
        assert_eq!(before.len(), 17);
        after_a_loss_of(&mut world, &mut a, table);
        assert_eq!(words(&mut a), before, "{what}");
        assert_eq!(a.replica.verify().unwrap(), [], "{what}");
        let status = a.replica.status(world.now_ms).unwrap();
        assert_eq!((status.entries, status.on_relay), (17, 0), "{what}");
        edit(&world, &mut a, last.unwrap(), "changed since");
        // Done again, it does no harm.
        a.replica.mend().unwrap();
        let changed = words(&mut a);
        for _ in 0..3 {
            round(&mut world, &mut [&mut a, &mut b]);
        }
        assert_eq!((words(&mut a), words(&mut b)), (changed.clone(), changed.clone()), "{what}");
        let status = a.replica.status(world.now_ms).unwrap();
        assert_eq!((status.entries, status.on_relay, status.waiting), (17, 17, 0), "{what}");
        let mut new = world.restore(&phrase).unwrap();
        world.sync(&mut new).unwrap();
        assert_eq!(words(&mut new), changed, "{what}");
    }
}
