//! [`super::FeedStore`] over [`mainstay_store::Store`]: writing.

use mainstay_protocol::codec::encode;
use mainstay_protocol::ids::SpaceId;
use mainstay_store::{Batch, Store, StoreError, blob};

use crate::feed::change::{Change, NewItem};
use crate::feed::key::{self, Table};
use crate::feed::row::{Dropped, ItemRow};

/// Adds what one change means to a batch.
pub(super) fn add(store: &dyn Store, batch: &mut Batch, change: &Change) -> Result<(), StoreError> {
    match change {
        Change::Incarnation(id) => batch.put(key::INCARNATION, id.as_bytes()),
        Change::Witness(value) => batch.put(key::WITNESS, *value),
        Change::Space(space, row) => batch.put(key::table(space, Table::Meta), encode(row)),
        Change::Record(space, number, record) => {
            blob::put(store, batch, &key::record(space, *number), &encode(record))?;
        }
        Change::DropRecord(space, number) => {
            blob::delete(store, batch, &key::record(space, *number))?;
        }
        Change::Wrap(space, hash, wrap) => {
            batch.put(key::wrap(space, &wrap.to, hash), encode(wrap));
        }
        Change::DropWrap(space, to, hash) => batch.delete(key::wrap(space, to, hash)),
        Change::Item(item) => add_item(store, batch, item)?,
        Change::Head(space, head) => {
            batch.put(key::head(space, &head.slot, &head.author), encode(&head.head));
        }
        Change::Covering(space, covering) => {
            let key = key::numbered(space, Table::Covering, covering.number);
            blob::put(store, batch, &key, &encode(covering))?;
            if let Some(until_ms) = covering.held_until_ms {
                batch.put(key::held(until_ms, space, covering.number), []);
            }
        }
        Change::Covered(space, covering) => {
            let key = key::numbered(space, Table::Covering, covering.number);
            blob::delete(store, batch, &key)?;
            if let Some(until_ms) = covering.held_until_ms {
                batch.delete(key::held(until_ms, space, covering.number));
            }
        }
        Change::Drop(space, row, dropped) => drop_item(store, batch, space, row, *dropped)?,
        Change::Purge(space, row) => purge(store, batch, space, row)?,
        Change::Receipt(space, author, stamp, receipt) => {
            let value = encode(&(*stamp, receipt));
            blob::put(store, batch, &key::receipt(space, author), &value)?;
        }
        Change::UseInvitation(nonce, until_ms) => {
            batch.put(key::invitation(nonce), until_ms.to_be_bytes());
        }
        Change::ForgetInvitation(nonce) => batch.delete(key::invitation(nonce)),
        Change::Mailbox(id, row) => batch.put(key::mailbox(id), encode(row)),
        Change::Letter(id, place, letter) => {
            blob::put(store, batch, &key::letter(id, *place), &encode(letter))?;
        }
        Change::DropMailbox(id, row) => {
            batch.delete(key::mailbox(id));
            for place in 0..row.letters {
                blob::delete(store, batch, &key::letter(id, place))?;
            }
        }
    }
    Ok(())
}

fn add_item(store: &dyn Store, batch: &mut Batch, item: &NewItem) -> Result<(), StoreError> {
    let NewItem { space, row, running, whole, stub } = item;
    let number = row.number.to_be_bytes();
    batch.put(key::numbered(space, Table::Item, row.number), encode(row));
    batch.put(key::numbered(space, Table::Running, row.number), running.as_bytes());
    batch.put(key::hash(space, &row.hash), number);
    batch.put(key::place(space, &row.slot, &row.author, row.seq), number);
    batch.put(key::slot_item(space, &row.slot, row.number), []);
    blob::put(store, batch, &key::numbered(space, Table::Body, row.number), whole)?;
    match stub {
        Some(stub) => blob::put(store, batch, &key::numbered(space, Table::Stub, row.number), stub),
        None => Ok(()),
    }
}

fn drop_item(
    store: &dyn Store,
    batch: &mut Batch,
    space: &SpaceId,
    row: &ItemRow,
    dropped: Dropped,
) -> Result<(), StoreError> {
    let row = ItemRow { dropped: Some(dropped), ..row.clone() };
    batch.delete(key::numbered(space, Table::Item, row.number));
    batch.delete(key::slot_item(space, &row.slot, row.number));
    batch.put(key::numbered(space, Table::DroppedItem, row.number), encode(&row));
    batch.put(key::dropped(dropped.at_ms, space, row.number), []);
    if dropped.destroyed { delete_bytes(store, batch, space, row.number) } else { Ok(()) }
}

fn purge(
    store: &dyn Store,
    batch: &mut Batch,
    space: &SpaceId,
    row: &ItemRow,
) -> Result<(), StoreError> {
    batch.delete(key::numbered(space, Table::DroppedItem, row.number));
    batch.delete(key::hash(space, &row.hash));
    batch.delete(key::place(space, &row.slot, &row.author, row.seq));
    if let Some(dropped) = row.dropped {
        batch.delete(key::dropped(dropped.at_ms, space, row.number));
    }
    delete_bytes(store, batch, space, row.number)
}

fn delete_bytes(
    store: &dyn Store,
    batch: &mut Batch,
    space: &SpaceId,
    number: u64,
) -> Result<(), StoreError> {
    blob::delete(store, batch, &key::numbered(space, Table::Body, number))?;
    blob::delete(store, batch, &key::numbered(space, Table::Stub, number))
}
