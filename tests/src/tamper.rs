//! A layer of lies, chosen by a seed, over the wire of a real relay and over what it keeps.

mod answers;
mod store;

use std::cell::RefCell;
use std::rc::Rc;

use mainstay_protocol::codec;
use mainstay_protocol::frame::{Refusal, Reply, Request};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::Head;
use mainstay_protocol::ids::{AuthorId, Incarnation, SlotId};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::network::Line;

/// Honest answers that are kept to be told again.
const MAX_REMEMBERED: usize = 60;

/// What lies, and what it has heard so far.
pub struct Tamper {
    rng: ChaCha20Rng,
    /// How many answers in a hundred are lies.
    percent: u32,
    heard: Vec<Reply>,
    /// The lies so far, for whoever looks for what went wrong.
    pub lies: Vec<String>,
}

impl Tamper {
    /// Somebody who lies in so many of a hundred answers.
    pub fn new(seed: u64, percent: u32) -> Rc<RefCell<Self>> {
        let rng = ChaCha20Rng::seed_from_u64(seed ^ 0x11e5);
        let (heard, lies) = Default::default();
        Rc::new(RefCell::new(Self { rng, percent, heard, lies }))
    }

    /// A line on which it sits.
    pub fn line(this: &Rc<RefCell<Self>>) -> Line {
        let this = this.clone();
        let meddle = move |request: &Request, replies| this.borrow_mut().answers(request, replies);
        Line { meddle: Some(Box::new(meddle)), ..Line::default() }
    }

    fn answers(&mut self, _: &Request, replies: Vec<Reply>) -> Vec<Reply> {
        for reply in &replies {
            if self.heard.len() < MAX_REMEMBERED {
                self.heard.push(reply.clone());
            } else {
                let at = self.below(MAX_REMEMBERED);
                self.heard[at] = reply.clone();
            }
        }
        match self.below(100) < self.percent as usize {
            true => self.lie(replies),
            false => replies,
        }
    }

    fn lie(&mut self, mut replies: Vec<Reply>) -> Vec<Reply> {
        let which = self.below(9);
        self.lies.push(format!("{which} for {}", replies.first().map_or("nothing", name)));
        match which {
            0 => Vec::new(),
            1 => vec![self.any_refusal()],
            2 => self.told_again(&replies),
            3 => replies.iter().flat_map(|reply| [reply.clone(), reply.clone()]).collect(),
            4 => replies.iter().filter_map(|reply| self.flipped(reply)).collect(),
            _ => {
                for reply in &mut replies {
                    self.alter(reply);
                }
                replies
            }
        }
    }

    /// An answer of some time before, to the same kind of question or to any.
    fn told_again(&mut self, replies: &[Reply]) -> Vec<Reply> {
        let kind = replies.first().map(std::mem::discriminant);
        let any = self.below(4) == 0;
        let like = |reply: &&Reply| any || Some(std::mem::discriminant(*reply)) == kind;
        let known: Vec<Reply> = self.heard.iter().filter(like).cloned().collect();
        let at = self.below(known.len());
        known.into_iter().nth(at).into_iter().collect()
    }

    /// An answer with one bit turned over, if anybody can still read it.
    fn flipped(&mut self, reply: &Reply) -> Option<Reply> {
        let mut bytes = codec::encode(reply);
        self.flip(&mut bytes);
        codec::decode(&bytes).ok()
    }

    fn flip(&mut self, bytes: &mut [u8]) {
        if !bytes.is_empty() {
            let at = self.below(bytes.len());
            bytes[at] ^= 1 << self.below(8);
        }
    }

    fn any_refusal(&mut self) -> Reply {
        let hash = Hash(self.bytes());
        Reply::Refused(match self.below(16) {
            0 => Refusal::UnknownSpace,
            1 => Refusal::NotAuthorised,
            2 => Refusal::RosterMoved { head: hash },
            3 => Refusal::BadRecord { why: "a lie".to_owned() },
            4 => Refusal::BadEnvelope { why: "a lie".to_owned() },
            5 => Refusal::CursorUnknown { incarnation: Incarnation(self.bytes()) },
            6 => Refusal::Quota { quota_bytes: self.rng.next_u64() },
            7 => Refusal::RateLimited { retry_after_ms: self.rng.next_u64() },
            8 => Refusal::SpaceExists,
            9 => Refusal::OutOfOrder {
                slot: SlotId(self.bytes()),
                author: AuthorId(self.bytes()),
                head: (self.below(2) == 0).then_some(Head { seq: self.rng.next_u64() >> 32, hash }),
            },
            10 => Refusal::Malformed { why: "a lie".to_owned() },
            11 => Refusal::InvitationNeeded,
            12 => Refusal::InvitationRefused,
            13 => Refusal::Mailbox,
            14 => Refusal::Unavailable,
            _ => Refusal::Expired,
        })
    }

    /// A number below this one; 0 for none.
    fn below(&mut self, bound: usize) -> usize {
        self.rng.next_u32() as usize % bound.max(1)
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }
}

fn name(reply: &Reply) -> &'static str {
    match reply {
        Reply::Attached(_) => "a greeting",
        Reply::Created { .. } => "a new space",
        Reply::Roster { .. } => "a list of members",
        Reply::Appended { .. } => "a new record",
        Reply::Wraps { .. } => "keys",
        Reply::Pushed { .. } => "an acknowledgement",
        Reply::Items { .. } => "items",
        Reply::Heads { .. } => "heads",
        Reply::Slots { .. } => "slots",
        Reply::Receipts { .. } => "receipts",
        Reply::Letters { .. } => "letters",
        Reply::Refused(_) => "a refusal",
        _ => "something else",
    }
}
