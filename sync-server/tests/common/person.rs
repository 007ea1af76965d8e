use ed25519_dalek::{Signer as _, SigningKey};
use mainstay_protocol::FORMAT_VERSION;
use mainstay_protocol::envelope::{Chunk, Envelope, Header, Kind};
use mainstay_protocol::frame::{Admission, Request, Signer};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::{EpochId, SlotId, SpaceId};
use mainstay_protocol::roster::{
    Act, Device, Epoch, KemKey, Record, Wrap, WrapRef, record_hash, wrap_hash,
};
use mainstay_protocol::sign::{Signature, Signed, VerifyKey};

#[derive(Clone)]
pub struct Key(SigningKey);

impl Key {
    pub fn new(seed: u8) -> Self {
        Self(SigningKey::from_bytes(&[seed; 32]))
    }

    pub fn public(&self) -> VerifyKey {
        VerifyKey(self.0.verifying_key().to_bytes())
    }

    pub fn sign(&self, input: &[u8]) -> Signature {
        Signature(self.0.sign(input).to_bytes())
    }
}

/// A space with one device.
pub struct Person {
    pub space: SpaceId,
    pub device: Key,
    record: Signed<Record>,
    wraps: Vec<Wrap>,
    seq: u64,
    previous: Hash,
}

impl Person {
    pub fn new(seed: u8) -> Self {
        let (recovery, device) = (Key::new(seed), Key::new(seed.wrapping_add(1)));
        let space = recovery.public().space_id();
        let kem = || KemKey(vec![3; KemKey::LEN].into());
        let to = [Signer::Device(device.public().author_id()), Signer::Recovery];
        let sealed = || vec![7; 1200].into();
        let epoch = EpochId([1; 32]);
        let wraps = to.map(|to| Wrap { to, epoch, parent: None, sealed: sealed() }).to_vec();
        let refs = wraps.iter().map(|wrap| WrapRef { to: wrap.to, hash: wrap_hash(wrap) });
        let epoch = Epoch { id: epoch, number: 1, wraps: refs.collect(), previous: vec![] };
        let admitted = Device { key: device.public(), kem: kem(), sealed_name: vec![].into() };
        let record = Record {
            version: FORMAT_VERSION,
            space,
            number: 0,
            parent: None,
            signer: Signer::Recovery,
            acts: vec![
                Act::Found { recovery: recovery.public(), recovery_kem: kem() },
                Act::Admit { device: admitted, wrap: None, succeeds: None },
                Act::Epoch(epoch),
            ],
        };
        let record = Signed::seal(&record, |input| recovery.sign(input));
        Self { space, device, record, wraps, seq: 0, previous: Hash([0; 32]) }
    }

    pub fn create(&self, admission: Admission) -> Request {
        let (records, wraps) = (vec![self.record.clone()], self.wraps.clone());
        Request::Create { space: self.space, records, wraps, admission }
    }

    pub fn change(&mut self, text: &[u8]) -> Envelope {
        let header = Header {
            version: FORMAT_VERSION,
            roster: record_hash(&self.record),
            epoch: EpochId([1; 32]),
            slot: SlotId([7; 16]),
            author: self.device.public().author_id(),
            seq: self.seq + 1,
            previous: self.previous,
            kind: Kind::Change,
            chunk: Chunk::WHOLE,
            covers: vec![],
            destroys: false,
            forgets: 0,
            contents: None,
            news: false,
        };
        let sign = |input: &[u8]| self.device.sign(input);
        let envelope = Envelope::make(&self.space, header, |_| text.to_vec(), sign);
        (self.seq, self.previous) = (self.seq + 1, envelope.hash(&self.space));
        envelope
    }

    pub fn push(&mut self, text: &[u8]) -> Request {
        let envelopes = vec![self.change(text).to_bytes().into()];
        Request::Push { space: self.space, envelopes }
    }
}
