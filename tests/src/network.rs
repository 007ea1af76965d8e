//! One sync between a phone and the relay, batch by batch, over a line that a test may cut.

use mainstay_core::engine::EngineError;
use mainstay_core::sync::{Connection as Link, Session};
use mainstay_protocol::frame::{Reply, Request};
use mainstay_sync_server::relay::Connection;

use crate::world::{EXPORTER, Phone, World};

/// Batches in one sync, above which it is taken for one that never ends.
const MAX_TURNS: u32 = 500;

/// What a line does to a sync.
#[derive(Default)]
pub struct Line {
    /// Requests that the relay carries out before the line breaks.
    pub requests_left: Option<u32>,
    /// Replies of the last of those that still arrive before it breaks.
    pub last_replies: usize,
    /// Envelopes that still reach the relay; a push of more is cut short, and the line breaks.
    pub envelopes_left: Option<usize>,
    /// Every request arrives twice, as if a frame had been sent again.
    pub twice: bool,
    /// Batches after which the phone ends the sync by itself, in order: its time is up.
    pub turns_left: Option<u32>,
    /// What is under way when the line breaks is not lost, but arrives later.
    pub late: bool,
    /// What was under way when it broke.
    pub undelivered: Vec<Request>,
    /// Stands between the relay and the phone.
    pub meddle: Option<Meddle>,
    /// Requests carried out so far.
    pub requests: u32,
    /// Those of them that gave the relay something to keep.
    pub given: u32,
    /// Batches so far.
    pub turns: u32,
    /// Envelopes pushed so far, and items received.
    pub envelopes: usize,
}

impl Line {
    /// What still gets through of a push that is longer than the line lets through.
    fn cut_short(&mut self, request: &Request) -> Option<Request> {
        let Request::Push { space, envelopes } = request else { return None };
        let left = self.envelopes_left?;
        self.envelopes_left = Some(left.saturating_sub(envelopes.len()));
        let short = envelopes.get(..left)?;
        (short.len() < envelopes.len())
            .then(|| Request::Push { space: *space, envelopes: short.to_vec() })
    }

    /// What comes back for a request; `None` when the line is broken.
    pub(crate) fn carry(
        &mut self,
        world: &mut World,
        connection: &mut Connection,
        request: Request,
    ) -> Option<Vec<Reply>> {
        if self.requests_left == Some(0) {
            if self.late {
                self.undelivered.push(request);
            }
            return None;
        }
        self.requests_left = self.requests_left.map(|left| left - 1);
        if let Some(short) = self.cut_short(&request) {
            self.ask(world, connection, short);
            return None;
        }
        let mut replies = self.ask(world, connection, request);
        if self.requests_left == Some(0) {
            replies.truncate(self.last_replies);
            if replies.is_empty() {
                return None;
            }
        }
        Some(replies)
    }

    fn ask(
        &mut self,
        world: &mut World,
        connection: &mut Connection,
        request: Request,
    ) -> Vec<Reply> {
        self.requests += 1;
        self.given += u32::from(gives(&request));
        if let Request::Push { envelopes, .. } = &request {
            self.envelopes += envelopes.len();
        }
        if self.twice {
            world.handle(connection, request.clone());
        }
        let replies = world.handle(connection, request.clone());
        let replies = match &mut self.meddle {
            Some(meddle) => meddle(&request, replies),
            None => replies,
        };
        self.envelopes += replies.iter().map(items).sum::<usize>();
        replies
    }
}

/// Whether the relay has something to keep after it.
fn gives(request: &Request) -> bool {
    match request {
        Request::Create { .. }
        | Request::Append { .. }
        | Request::PutReceipt { .. }
        | Request::OpenMailbox { .. }
        | Request::PutLetter { .. }
        | Request::CloseMailbox { .. } => true,
        Request::Push { envelopes, .. } => !envelopes.is_empty(),
        _ => false,
    }
}

/// Changes what the relay answers.
pub type Meddle = Box<dyn FnMut(&Request, Vec<Reply>) -> Vec<Reply>>;

/// How far a sync is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It goes on.
    More,
    /// It is complete.
    Done,
    /// The line broke.
    Cut,
}

/// One sync under way.
pub struct Conversation {
    session: Session,
    connection: Connection,
}

impl Conversation {
    /// Begins a sync.
    ///
    /// # Errors
    /// What the phone says.
    pub fn begin(world: &World, phone: &mut Phone) -> Result<Self, EngineError> {
        phone.replica.begin_sync(world.now_ms)?;
        let relay = world.relay.keys().relay();
        let session = Session::new(Link { relay, exporter: Some(EXPORTER) });
        Ok(Self { session, connection: Connection::new(Box::new(|_| EXPORTER)) })
    }

    /// The connection that a broken line leaves behind.
    pub(crate) fn into_connection(self) -> Connection {
        self.connection
    }

    /// One batch of requests with their replies.
    ///
    /// # Errors
    /// What the sync ended with.
    pub fn turn(
        &mut self,
        world: &mut World,
        phone: &mut Phone,
        line: &mut Line,
    ) -> Result<Turn, EngineError> {
        if line.turns_left == Some(line.turns) {
            return Ok(Turn::Cut);
        }
        line.turns += 1;
        if line.turns > MAX_TURNS {
            return Err(EngineError::BadReply { what: "a sync without end" });
        }
        let Some(batch) = self.session.next(&mut phone.replica, world.now_ms)? else {
            return Ok(Turn::Done);
        };
        let mut batch = batch.into_iter();
        while let Some(request) = batch.next() {
            let Some(replies) = line.carry(world, &mut self.connection, request) else {
                line.undelivered.extend(batch.filter(|_| line.late));
                return Ok(Turn::Cut);
            };
            for reply in replies {
                if !self.session.is_waiting() {
                    // Nobody reads what nobody asked for.
                    break;
                }
                let refused = matches!(reply, Reply::Refused(_));
                self.session.reply(&mut phone.replica, reply, world.now_ms)?;
                if refused {
                    return Ok(Turn::More);
                }
            }
        }
        match self.session.is_waiting() {
            true => Err(EngineError::Offline { why: "the relay broke off".to_owned() }),
            false => Ok(Turn::More),
        }
    }
}

fn items(reply: &Reply) -> usize {
    match reply {
        Reply::Items { items, .. } => items.len(),
        _ => 0,
    }
}
