//! What a person does with their phones: restoring one, linking one, letting one in again.

use mainstay_core::engine::{EngineError, Job, Replica};
use mainstay_core::space::change::Newcomer;
use mainstay_core::space::device::DeviceSecret;
use mainstay_core::space::kem::KemSecret;
use mainstay_core::space::keyring::Keyring;
use mainstay_core::space::phrase::Phrase;
use mainstay_core::space::recovery::Recovery;
use mainstay_core::space::sign::AuthorKey;
use mainstay_core::sync::Local;
use mainstay_protocol::frame::{Attach, Proof, Refusal, Reply, Request, Signer};
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::roster::{Roster, Wrap, record_hash};
use mainstay_protocol::sign::{Signature, purpose};
use mainstay_protocol::statement::Cursor;
use mainstay_store::MemoryStore;
use mainstay_sync_server::relay::Connection;

use crate::world::{EXPORTER, Phone, World};

/// What a newcomer learns from the relay before it has a replica.
pub struct Greeting {
    /// The connection it learned it on.
    pub connection: Connection,
    /// Where the feed stands.
    pub cursor: Cursor,
    /// Who is in the space.
    pub roster: Roster,
    /// The keys wrapped for it.
    pub wraps: Vec<Wrap>,
}

impl World {
    /// Attaches as a signer and fetches roster and wraps.
    ///
    /// # Errors
    /// What the relay refuses.
    pub fn greet(
        &mut self,
        space: SpaceId,
        signer: Signer,
        sign: impl FnOnce(&[u8]) -> Signature,
    ) -> Result<Greeting, EngineError> {
        let relay = self.relay.keys().relay();
        let mut connection = Connection::new(Box::new(|_| EXPORTER));
        let proof = Proof { exporter: EXPORTER, relay, space, signer };
        let signature = Some(sign(&proof.message()));
        let attach = Attach { space, signer, signature, cursor: None };
        let cursor = match self.ask(&mut connection, Request::Attach(attach))? {
            Reply::Attached(attached) => attached.cursor,
            other => return Err(strange(&other)),
        };
        // A long list comes in several answers.
        let mut records = Vec::new();
        loop {
            let request = Request::Roster { space, known: records.last().map(record_hash) };
            match self.ask(&mut connection, request)? {
                Reply::Roster { records: more } if more.is_empty() => break,
                Reply::Roster { records: more } => records.extend(more),
                _ => return Err(EngineError::BadReply { what: "no roster" }),
            }
        }
        let Reply::Wraps { wraps } = self.ask(&mut connection, Request::Wraps { space })? else {
            return Err(EngineError::BadReply { what: "no wraps" });
        };
        let roster = Roster::verify(space, &records)?;
        Ok(Greeting { connection, cursor, roster, wraps })
    }

    fn ask(&mut self, connection: &mut Connection, request: Request) -> Result<Reply, EngineError> {
        match self.handle(connection, request).remove(0) {
            Reply::Refused(refusal) => Err(refusal.into()),
            reply => Ok(reply),
        }
    }

    /// A new phone that takes a journal back from its phrase, up to the point where it may sync.
    ///
    /// # Errors
    /// What the restore ended with.
    pub fn restore(&mut self, phrase: &Phrase) -> Result<Phone, EngineError> {
        self.restore_as(phrase, "new phone")
    }

    /// The same, under a name of its own: status tells devices apart by their names.
    ///
    /// # Errors
    /// What the restore ended with.
    pub fn restore_as(&mut self, phrase: &Phrase, name: &str) -> Result<Phone, EngineError> {
        let recovery = Recovery::derive(phrase);
        let space = recovery.space_id();
        let sign = |message: &[u8]| recovery.signing().sign_for(purpose::ATTACH, message);
        let mut met = self.greet(space, Signer::Recovery, sign)?;
        let keyring = Keyring::open(&met.roster, &met.wraps, Signer::Recovery, recovery.kem())
            .map_err(|_| EngineError::BadReply { what: "no key for the phrase" })?;
        let secret = DeviceSecret::make(&mut self.rng);
        let newcomer = Newcomer::own(&secret.keys(&space, 0), name);
        let keys = (&met.roster, &keyring);
        let change = Replica::draft_recovery(&mut self.rng, keys, &recovery, &newcomer)?;
        let append = Request::Append {
            space,
            expected: met.roster.head(),
            record: change.record.clone(),
            wraps: change.wraps.clone(),
        };
        self.ask(&mut met.connection, append)?;
        let (mut roster, mut keyring) = (met.roster, keyring);
        roster.append(&change.record)?;
        if let Some(epoch) = change.epoch {
            keyring.add(epoch);
        }
        self.join(secret, (roster, keyring), met.cursor, name)
    }

    /// The person takes a share back with their twelve words, up to the point where the phone may sync.
    ///
    /// # Errors
    /// What it ended with.
    pub fn take_back(
        &mut self,
        phone: &mut Phone,
        share: SpaceId,
        phrase: &Phrase,
    ) -> Result<(), EngineError> {
        let root = phone.replica.root_of(&share, &Recovery::derive(phrase))?;
        let keys = root.keys();
        let sign = |message: &[u8]| keys.sign.sign_for(purpose::ATTACH, message);
        let mut met = self.greet(share, Signer::Recovery, sign)?;
        let keyring = Keyring::open(&met.roster, &met.wraps, Signer::Recovery, &keys.kem)
            .map_err(|_| EngineError::BadReply { what: "no key for the root" })?;
        let at = (&met.roster, &keyring);
        let change = phone.replica.draft_take_back(&share, &root, at, self.now_ms)?;
        let append = Request::Append {
            space: share,
            expected: met.roster.head(),
            record: change.record,
            wraps: change.wraps,
        };
        self.ask(&mut met.connection, append).map(|_| ())
    }

    fn join(
        &mut self,
        secret: DeviceSecret,
        keys: (Roster, Keyring),
        cursor: Cursor,
        name: &str,
    ) -> Result<Phone, EngineError> {
        let store = MemoryStore::new();
        let setup = self.setup(&store, &secret);
        let mut replica = Replica::join(setup, keys, name)?;
        replica.set_relay(&self.address())?;
        replica.begin_restore(cursor)?;
        Ok(Phone { replica, store, secret })
    }

    /// Links a new phone, which `host` lets in; what the handshake of both does is another test's.
    ///
    /// # Errors
    /// What either ended with.
    pub fn link(&mut self, host: &mut Phone, name: &str) -> Result<Phone, EngineError> {
        let space = host.replica.space();
        let secret = DeviceSecret::make(&mut self.rng);
        let keys = secret.keys(&space, 0);
        host.replica.ask(Job::Admit(Newcomer::own(&keys, name)));
        self.sync(host)?;
        let met = self.greet_as(space, &keys.author)?;
        let keyring = open(&met, &keys.author, &keys.kem)?;
        self.join(secret, (met.roster, keyring), met.cursor, name)
    }

    /// Attaches as a device.
    ///
    /// # Errors
    /// What the relay refuses.
    pub fn greet_as(&mut self, space: SpaceId, key: &AuthorKey) -> Result<Greeting, EngineError> {
        let sign = |message: &[u8]| key.sign_for(purpose::ATTACH, message);
        self.greet(space, Signer::Device(key.author_id()), sign)
    }

    /// `host` lets a removed phone in again, under its next key.
    ///
    /// # Errors
    /// What either ended with.
    pub fn readmit(&mut self, host: &mut Phone, phone: &mut Phone) -> Result<(), EngineError> {
        let newcomer = phone.replica.as_newcomer();
        let space = host.replica.space();
        host.replica.ask(Job::Admit(newcomer.clone()));
        self.sync(host)?;
        for generation in 1..100 {
            let keys = phone.secret.keys(&space, generation);
            if keys.author.verify_key() == newcomer.key {
                let met = self.greet_as(space, &keys.author)?;
                return phone.replica.readmitted(met.roster, &met.wraps);
            }
        }
        Err(Refusal::NotAuthorised.into())
    }
}

fn open(met: &Greeting, author: &AuthorKey, kem: &KemSecret) -> Result<Keyring, EngineError> {
    let me = Signer::Device(author.author_id());
    Keyring::open(&met.roster, &met.wraps, me, kem)
        .map_err(|_| EngineError::BadReply { what: "no key for the device" })
}

fn strange(_: &Reply) -> EngineError {
    EngineError::BadReply { what: "an answer to another question" }
}
