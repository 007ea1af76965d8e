//! Real chains: a person's devices, and a share.

use std::sync::OnceLock;

use mainstay_core::space::change::{self, Change, Newcomer};
use mainstay_core::space::device::DeviceSecret;
use mainstay_core::space::keyring::Keyring;
use mainstay_core::space::member::{MemberKeys, MemberSecret};
use mainstay_core::space::phrase::Phrase;
use mainstay_core::space::recovery::Recovery;
use mainstay_core::space::root::RootSecret;
use mainstay_core::space::sign::AuthorKey;
use mainstay_protocol::frame::Signer;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::Head;
use mainstay_protocol::ids::SlotId;
use mainstay_protocol::roster::{AuthorLast, LastHead, Record, Roster};
use mainstay_protocol::sign::Signed;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

/// A chain, and every key that may sign in it.
pub(super) struct Chain {
    pub(super) roster: Roster,
    founder: AuthorKey,
    keys: Vec<AuthorKey>,
}

impl Chain {
    /// Signs a record with the key that it names, or with the founding one.
    pub(super) fn sign(&self, record: &Record) -> Signed<Record> {
        let named = |key: &&AuthorKey| match record.signer {
            Signer::Recovery => false,
            Signer::Device(author) => key.author_id() == author,
            Signer::Member(member) => key.verify_key().member_id() == member,
        };
        let key = self.keys.iter().find(named).unwrap_or(&self.founder);
        Signed::seal(record, |input| key.sign(input))
    }
}

/// All of them, made once.
pub(super) fn all() -> &'static [Chain] {
    static ALL: OnceLock<Vec<Chain>> = OnceLock::new();
    ALL.get_or_init(|| vec![private(), share()])
}

const LAST: LastHead =
    LastHead { slot: SlotId([3; 16]), head: Head { seq: 4, hash: Hash([5; 32]) } };

/// A chain while it grows, with the keys to go on.
struct Growing(Roster, Keyring);

impl Growing {
    fn at(&self) -> (&Roster, &Keyring) {
        (&self.0, &self.1)
    }

    fn take(&mut self, change: Result<Change, change::ChangeError>) {
        let change = change.unwrap();
        self.0.append(&change.record).unwrap();
        if let Some(epoch) = change.epoch {
            self.1.add(epoch);
        }
    }
}

/// Devices come, go on under another key, part and are joined, are removed; the words take all back.
fn private() -> Chain {
    let rng = &mut ChaCha20Rng::from_seed([1; 32]);
    let recovery = Recovery::derive(&Phrase::from_entropy(&[2; 16]));
    let space = recovery.space_id();
    let secrets: Vec<DeviceSecret> = (0..4).map(|_| DeviceSecret::make(rng)).collect();
    let keys: Vec<_> = secrets.iter().map(|secret| secret.keys(&space, 0)).collect();
    let newer = secrets[1].keys(&space, 1);
    let [a, b, c, d] = &keys[..] else { unreachable!("four were made") };
    let founded = change::found(rng, &recovery, a, "a phone").unwrap();
    let mut here = Growing(founded.roster, founded.keyring);
    here.take(change::admit(rng, here.at(), &a.author, &Newcomer::own(b, "a tablet")));
    here.take(change::go_on(rng, here.at(), &b.author, &Newcomer::own(&newer, "a tablet")));
    // Two at once: one branch gets a device, the other an epoch.
    let there = change::admit(rng, here.at(), &a.author, &Newcomer::own(c, "a laptop")).unwrap();
    here.take(change::start_epoch(rng, here.at(), &a.author));
    here.take(change::heal(rng, here.at(), &a.author, vec![there.record]));
    let removals = vec![(b.author.author_id(), vec![LAST]), (newer.author.author_id(), vec![])];
    here.take(change::remove(rng, here.at(), &a.author, removals));
    let (head, me) = (here.0.head(), Newcomer::own(d, "a new phone"));
    here.take(change::recover(rng, here.at(), &recovery, head, &me));
    here.take(change::bound(&here.0, &d.author, vec![(a.author.author_id(), vec![LAST])]));
    here.take(change::confirm(rng, here.at(), &d.author, &[a.author.author_id()]));
    let keys = keys.into_iter().chain([newer]).map(|keys| keys.author).collect();
    Chain { roster: here.0, founder: recovery.signing().clone(), keys }
}

/// A share: members come and go, with devices, consents, other keys of the owner, and a recovery.
fn share() -> Chain {
    let rng = &mut ChaCha20Rng::from_seed([3; 32]);
    let root = RootSecret::make(rng);
    let space = root.share_id();
    let members: Vec<MemberKeys> = (0..5).map(|_| MemberSecret::make(rng).keys()).collect();
    let devices: Vec<AuthorKey> =
        (0..3).map(|_| DeviceSecret::make(rng).keys(&space, 0).author).collect();
    let [owner, weber, vogt, later, last] = &members[..] else { unreachable!("five were made") };
    let founded = change::found_share(rng, &root, owner, "N.").unwrap();
    let mut here = Growing(founded.roster, founded.keyring);
    here.take(change::certify(&here.0, owner, &devices[0].verify_key()));
    let terms: (&[u8], _) = (&[7; 512], Some(1_900_000_000_000));
    let newcomer = Newcomer::member(weber, "Dr. Weber");
    here.take(change::enter_with_consent(rng, here.at(), owner, &newcomer, terms));
    here.take(change::certify(&here.0, weber, &devices[1].verify_key()));
    here.take(change::enter(rng, here.at(), owner, &Newcomer::member(vogt, "M. Vogt")));
    here.take(change::consent(rng, here.at(), owner, (&[8; 512], None)));
    here.take(change::leave_self(&here.0, vogt, vec![]));
    let ended = vec![AuthorLast { author: devices[0].author_id(), last: LAST }];
    here.take(change::rekey(rng, here.at(), owner, later, "N.", ended));
    here.take(change::retire(&here.0, later, &devices[1].author_id(), vec![LAST]));
    here.take(change::leave(rng, here.at(), later, &weber.member_id(), vec![]));
    let head = here.0.head();
    here.take(change::recover_share(rng, here.at(), &root, last, "N.", head));
    let keys = members.iter().map(|member| member.sign.clone()).chain(devices).collect();
    Chain { roster: here.0, founder: root.keys().sign.clone(), keys }
}
