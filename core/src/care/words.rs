//! Everything this floor says to a person, in plain English. The codes beside it are stable.

/// Words for the classes of data.
pub const CLASS_WORDS: [(&str, &str); 7] = [
    ("check-ins", "check-ins"),
    ("urges", "urges"),
    ("use", "use"),
    ("contacts", "people I reached out to"),
    ("meetings", "meetings"),
    ("notes", "notes"),
    ("plan", "my plan"),
];

/// Words for how much of an entry is shared.
pub const DETAIL_WORDS: [(&str, &str); 4] = [
    ("count", "only that there was one that day"),
    ("numbers", "the day, numbers, and yes or no"),
    ("items", "also the time, and what I picked from lists"),
    ("full", "everything, with what I wrote"),
];

/// Words for how the plan is shared.
pub const PLAN_DETAIL_WORDS: [(&str, &str); 2] =
    [("view", "they see it and can make suggestions"), ("edit", "we write it together")];

/// Words for how a key was compared.
pub const VERIFIED_WORDS: [(&str, &str); 3] = [
    ("not", "not compared"),
    ("remotely", "we compared the code over the phone or by video"),
    ("in-person", "we compared the code in the same room"),
];

/// Words for passing on.
pub const ONWARD_WORDS: [(&str, &str); 3] = [
    ("nobody", "they pass nothing on"),
    ("treating-team", "they may tell those who treat me together with them"),
    ("as-law-allows", "they may pass on what the law allows"),
];

/// Words for what became of a consent.
pub const EVENT_WORDS: [(&str, &str); 4] = [
    ("given", "you agreed to share"),
    ("narrowed", "you share less than before"),
    ("widened", "you agreed to share more, or in other words"),
    ("withdrawn", "you stopped sharing"),
];

/// The notice that a new consent is given under: version and language.
pub const CURRENT_NOTICE: (u32, &str) = (1, "en");

/// How to stop sharing, in the words of notice 1.
pub const HOW_TO_STOP: &str = "You can change your mind at any time, without giving a reason. \
Choose to stop sharing, or to share less, in this app. You can also tell the person you share with, \
in writing.";

/// What stopping does, in the words of notice 1.
pub const WHAT_STOPPING_DOES: &str = "When you stop, nothing new goes out from this device. At its \
next contact with the relay, the other person is shut out there, new keys are used for whatever \
comes later, and their device is asked to delete what it holds. Until your device has had that \
contact, the other person can still read what was already sent. If you share less, what is no \
longer covered is taken back at that contact too.";

/// What stopping cannot do, in the words of notice 1.
pub const WHAT_STOPPING_CANNOT_DO: &str = "What was read cannot be unread. Somebody may have made \
notes or copies, and professionals may have to keep records by law; this app cannot take those \
back. What was done before you stopped, because you had agreed, stays lawful.";

const NOTICE_1_EN: &str = "What sharing means

You choose what the other person sees: which kinds of entries, in how much detail, from when and \
until when, and each single entry if you like. The preview shows exactly what they will see. What \
you deleted or hid is not shared, and neither is how you changed an entry. A kind of entry that \
comes with a later version of this app is not shared until you say so.

What you share is about your health and your use of substances. Both are protected by law in many \
places, and it is yours to give or to keep. Your journal works the same if you share nothing.

Changing your mind

You can change your mind at any time, without giving a reason. Choose to stop sharing, or to share \
less, in this app. You can also tell the person you share with, in writing.

When you stop, nothing new goes out from this device. At its next contact with the relay, the other \
person is shut out there, new keys are used for whatever comes later, and their device is asked to \
delete what it holds. Until your device has had that contact, the other person can still read what \
was already sent. If you share less, what is no longer covered is taken back at that contact \
too.

What was read cannot be unread. Somebody may have made notes or copies, and professionals may have \
to keep records by law; this app cannot take those back. What was done before you stopped, because \
you had agreed, stays lawful.

This notice informs you. It does not replace what the person you share with has to tell you under \
the law of your place.
";

/// The text of a notice; `None` for a version or a language that this version does not have. A text
/// that was given out is never changed: a new wording is a new version.
#[must_use]
pub fn notice(version: u32, language: &str) -> Option<&'static str> {
    match (version, language) {
        (1, "en") => Some(NOTICE_1_EN),
        _ => None,
    }
}

/// Every string this floor can show: what the linter's test reads.
pub fn built_in_strings() -> impl Iterator<Item = &'static str> {
    let words = [
        CLASS_WORDS.as_slice(),
        &DETAIL_WORDS,
        &PLAN_DETAIL_WORDS,
        &VERIFIED_WORDS,
        &ONWARD_WORDS,
        &EVENT_WORDS,
    ];
    let texts = [HOW_TO_STOP, WHAT_STOPPING_DOES, WHAT_STOPPING_CANNOT_DO, NOTICE_1_EN];
    words.into_iter().flatten().map(|(_, word)| *word).chain(texts)
}
