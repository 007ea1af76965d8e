//! How many connections each address has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much of what it may have an address has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crowd {
    /// Less than half.
    Few,
    /// Half or more.
    Half,
    /// All.
    Full,
}

/// Connections by address. Handshakes under way count.
#[derive(Debug)]
pub(super) struct Seats {
    most: usize,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One connection, counted until this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    address: IpAddr,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Seats {
    /// At most so many for each address.
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    pub(super) fn crowd(&self, address: IpAddr) -> Crowd {
        match lock(&self.taken).get(&address).copied().unwrap_or(0) {
            taken if taken >= self.most => Crowd::Full,
            taken if taken >= self.most.div_ceil(2) => Crowd::Half,
            _ => Crowd::Few,
        }
    }

    pub(super) fn sit(&self, address: IpAddr) -> Seat {
        *lock(&self.taken).entry(address).or_default() += 1;
        Seat { address, taken: self.taken.clone() }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

fn lock(taken: &Mutex<HashMap<IpAddr, usize>>) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_counted_by_address_and_given_back() {
        let seats = Seats::new(2);
        let [one, other] = [IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])];
        assert_eq!(seats.crowd(one), Crowd::Few);
        let first = seats.sit(one);
        assert_eq!(seats.crowd(one), Crowd::Half);
        let _second = seats.sit(one);
        assert_eq!((seats.crowd(one), seats.crowd(other)), (Crowd::Full, Crowd::Few));
        drop(first);
        assert_eq!(seats.crowd(one), Crowd::Half);
    }
}
