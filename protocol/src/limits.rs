//! Every limit of the wire, enforced on both ends.

/// One frame, length prefix excluded. Room for an envelope and its frame.
pub const MAX_FRAME_BYTES: usize = 256 * 1024;
/// The plaintext of one envelope before padding. One note of 64 KiB fits with room to spare.
pub const MAX_PAYLOAD_BYTES: usize = 128 * 1024;
/// The ciphertext of one envelope: the payload, at most 12 % of padding (Padmé), nonce and tag.
pub const MAX_CIPHERTEXT_BYTES: usize = MAX_PAYLOAD_BYTES + MAX_PAYLOAD_BYTES / 8 + 64;
/// The smallest plaintext after padding.
pub const MIN_PADDED_BYTES: usize = 256;
/// One envelope with header and signature.
pub const MAX_ENVELOPE_BYTES: usize = MAX_CIPHERTEXT_BYTES + 16 * 1024;
/// Chunks of one snapshot: 256 × 128 KiB.
pub const MAX_CHUNKS: u32 = 256;
/// Authors that one snapshot covers in its slot.
pub const MAX_COVERS: usize = 128;
/// Documents that a space forgets in a day (24 hours from the first of them) without delay. More
/// than a person forgets deliberately one by one; less than what a thief would want.
pub const MAX_FORGOTTEN_A_DAY: u32 = 20;
/// What a day is, for [`MAX_FORGOTTEN_A_DAY`].
pub const FORGET_DAY_MS: u64 = 24 * 3600 * 1000;
/// How long the destruction of more than [`MAX_FORGOTTEN_A_DAY`] waits: 72 hours, in which a
/// recovery cancels it. Time for somebody whose phone was taken to reach another one.
pub const FORGET_DELAY_MS: u64 = 72 * 3600 * 1000;
/// Envelopes in one push.
pub const MAX_PUSH_ENVELOPES: usize = 64;
/// Requests on one stream.
pub const MAX_BATCH_REQUESTS: usize = 64;
/// Bytes a pull may ask for in one request.
pub const MAX_PULL_BYTES: u32 = 1024 * 1024;
/// Slots named in one fetch.
pub const MAX_FETCH_SLOTS: usize = 64;
/// Feed numbers named in one fetch.
pub const MAX_FETCH_NUMBERS: usize = 256;
/// Records in one roster, whatever they are.
pub const MAX_ROSTER_RECORDS: usize = 1024;
/// Records after which only removals of active devices and recoveries fit in, until a recovery opens
/// more room: ten a year for 50 years. A person changes phones a few times a year.
pub const MAX_ORDINARY_RECORDS: usize = 512;
/// Further records that each recovery opens: itself, [`MAX_DEVICES`] removals, and others to confirm
/// devices with.
pub const ROSTER_RECORDS_PER_RECOVERY: usize = 96;
/// Records, and devices, that nothing but recoveries ever reaches.
pub const ROSTER_RECORDS_FOR_RECOVERIES: usize = 32;
/// Acts in one roster record.
pub const MAX_ROSTER_ACTS: usize = 64;
/// One roster record. A heal carries another branch.
pub const MAX_ROSTER_RECORD_BYTES: usize = 64 * 1024;
/// Records of another branch inside a heal.
pub const MAX_HEAL_RECORDS: usize = 32;
/// Devices active in one private space.
pub const MAX_DEVICES: usize = 32;
/// Devices that a chain has ever admitted, whoever admitted them.
pub const MAX_ROSTER_MEMBERS: usize = 512;
/// Devices after which only recoveries admit more, until one opens more room: six a year for 50
/// years.
pub const MAX_ORDINARY_MEMBERS: usize = 320;
/// Further devices that may be admitted after each recovery.
pub const ROSTER_MEMBERS_PER_RECOVERY: usize = 32;
/// Heads that a removal names.
pub const MAX_REMOVAL_HEADS: usize = 256;
/// Sealed earlier epoch keys in one epoch.
pub const MAX_PREVIOUS_KEYS: usize = 8;
/// A sealed device name.
pub const MAX_SEALED_NAME_BYTES: usize = 320;
/// One wrapped epoch key: an X-Wing encapsulation of 1,120 bytes, two sealed keys and a frame.
pub const MAX_WRAP_BYTES: usize = 1400;
/// Heads that a receipt names one by one; the others are in its digest.
pub const MAX_RECEIPT_HEADS: usize = 32;
/// Envelopes of one author in one slot. Far beyond anybody's life, and small enough that sums over
/// [`MAX_HEADS`] chains stay numbers.
pub const MAX_SEQ: u64 = 1 << 40;
/// (author, slot) pairs in a space: 32 authors over 50 years of months, pages and chapters.
pub const MAX_HEADS: usize = 40_000;
/// Messages in one mailbox.
pub const MAX_MAILBOX_MESSAGES: usize = 8;
/// One message in a mailbox.
pub const MAX_MAILBOX_MESSAGE_BYTES: usize = 4096;
/// How long a mailbox may stay open: 7 days.
pub const MAX_MAILBOX_LIFE_MS: u64 = 7 * 24 * 3600 * 1000;
/// Members of one share at a time, its owner included. A person has a few counsellors, each in a share
/// of their own; families and teams fit too.
pub const MAX_SHARE_MEMBERS: usize = 8;
/// Members that a share has ever had. An owner's change of keys counts as one.
pub const MAX_SHARE_MEMBERS_EVER: usize = 64;
/// Members, of [`MAX_SHARE_MEMBERS_EVER`], that nothing but recoveries ever lets in.
pub const SHARE_MEMBERS_FOR_RECOVERIES: usize = 16;
/// Devices of one member of a share at a time.
pub const MAX_MEMBER_DEVICES: usize = 16;
/// Devices that one member of a share has ever had: a few a year for many years. An owner's change of
/// keys counts anew. It bounds what a counsellor ever signs, too: adding and taking out each of these,
/// and leaving, are 97 records.
pub const MAX_MEMBER_DEVICES_EVER: usize = 48;
/// Devices that a share has ever had, whosever they were.
pub const MAX_SHARE_DEVICES: usize = 512;
/// Devices after which only the owner adds some, in a share.
pub const MAX_COUNSELLORS_DEVICES: usize = 320;
/// Devices after which the owner adds some only where a recovery has opened room.
pub const MAX_ORDINARY_SHARE_DEVICES: usize = 384;
/// Further devices of the owner that each recovery of a share opens: those of one member.
pub const SHARE_DEVICES_PER_RECOVERY: usize = MAX_MEMBER_DEVICES;
/// Of a share's ordinary records, those that no counsellor reaches.
pub const SHARE_RECORDS_FOR_THE_OWNER: usize = 128;
/// Records of a share, beyond ordinary ones, in which its owner takes back, removes and replaces. Fewer
/// than a recovery opens ([`ROSTER_RECORDS_PER_RECOVERY`]).
pub const SHARE_RECORDS_FOR_NARROWING: usize = 64;
/// A sealed consent: some hundred bytes per class of data, and a notice's text by its hash.
pub const MAX_SEALED_CONSENT_BYTES: usize = 8 * 1024;
