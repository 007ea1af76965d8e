//! Telling a relay a whole list of devices, in as many requests as it takes.

use mainstay_protocol::frame::Request;
use mainstay_protocol::limits::MAX_FRAME_BYTES;
use mainstay_protocol::roster::Record;
use mainstay_protocol::sign::Signed;

use super::local::Local;
use super::session::{Asked, Session};

/// Records in one request. The other half of its frame is for the wraps of the present epoch, 1.2 kB
/// for each device, which go with the last records.
const MAX_PART_BYTES: usize = MAX_FRAME_BYTES / 2;
/// A signature and its framing.
const SIGNED_BYTES: usize = 80;

impl Session {
    /// The next part. The relay takes each as it takes a list from before it was rolled back: what
    /// it knows already it refuses, and the next part goes on from there.
    pub(super) fn create<L: Local>(&mut self, local: &mut L) -> Result<(Asked, Request), L::Error> {
        let mut parts = in_parts(local.creation()?);
        let last = parts.len() - 1;
        self.part = self.part.min(last);
        self.more_parts = self.part < last;
        Ok((Asked::Create, parts.swap_remove(self.part)))
    }

    /// The relay has a part; whether it was the last one.
    pub(super) fn was_last_part(&mut self) -> bool {
        self.part = if self.more_parts { self.part + 1 } else { 0 };
        self.unknown_space = self.more_parts;
        !self.more_parts
    }
}

/// At least one.
fn in_parts(create: Request) -> Vec<Request> {
    let Request::Create { space, records, wraps, admission } = create else { return vec![create] };
    let mut parts: Vec<Vec<Signed<Record>>> = vec![Vec::new()];
    let mut bytes = 0;
    for record in records {
        let size = record.body().len() + SIGNED_BYTES;
        if bytes > 0 && bytes + size > MAX_PART_BYTES {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(part) = parts.last_mut() {
            part.push(record);
        }
    }
    let last = parts.len() - 1;
    let part = |(index, records)| Request::Create {
        space,
        records,
        wraps: if index == last { wraps.clone() } else { Vec::new() },
        admission: admission.clone(),
    };
    parts.into_iter().enumerate().map(part).collect()
}
