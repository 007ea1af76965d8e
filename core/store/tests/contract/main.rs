//! One contract for the three stores, and the rules of their directories.
#![allow(clippy::unwrap_used)]

mod directory;
mod model;
mod subjects;

mod memory {
    mainstay_store::store_contract!(crate::subjects::Memory::fresh());
}

mod sled {
    mainstay_store::store_contract!(crate::subjects::OnDisk::fresh(mainstay_store::Backend::Sled));
}

mod redb {
    mainstay_store::store_contract!(crate::subjects::OnDisk::fresh(mainstay_store::Backend::Redb));
}
