//! Display words in plain, kind English for the stable codes of the journal.

use super::{
    Attendance, Channel, Codes, Company, ContactOutcome, ContactRole, EpisodeState, Extent,
    GoalStatus, Intention, MeetingKind, PersonalLabel, Source, StageSign, UrgeOutcome,
};

/// Words for the kinds of entries.
pub const KIND_WORDS: &[(&str, &str)] = &[
    ("check-in", "check-in"),
    ("urge", "urge"),
    ("use", "use"),
    ("contact", "contact"),
    ("meeting", "meeting"),
    ("note", "note"),
];

const FIELD_WORDS: &[(&str, &str)] = &[
    ("mood", "mood"),
    ("craving", "craving"),
    ("stress", "stress"),
    ("sleep_hours", "hours of sleep"),
    ("sleep_quality", "how well I slept"),
    ("hungry", "hungry"),
    ("angry", "angry"),
    ("lonely", "lonely"),
    ("tired", "tired"),
    ("signs", "warning signs I noticed"),
    ("day_difficulty", "how hard the day was"),
    ("note", "note"),
    ("intensity", "how strong it was"),
    ("duration_minutes", "how long it took, in minutes"),
    ("setting", "where I was"),
    ("company", "who was with me"),
    ("triggers", "what set it off"),
    ("thoughts", "what went through my mind"),
    ("coping", "what I did"),
    ("intensity_after", "how strong it was afterwards"),
    ("outcome", "how it went"),
    ("substance", "substance"),
    ("ended", "ended"),
    ("state", "is it over?"),
    ("intention", "was it planned?"),
    ("extent", "how much there was"),
    ("extent_days", "how many days"),
    ("amount", "how much, in my words"),
    ("stage_signs", "signs beforehand"),
    ("after_thought", "what I thought afterwards"),
    ("all_or_nothing", "all-or-nothing thinking"),
    ("guilt", "guilt"),
    ("confidence", "confidence"),
    ("attribution", "what I put it down to"),
    ("goal_status", "my goal"),
    ("personal_label", "what I call it"),
    ("who", "who"),
    ("role", "who they are to me"),
    ("channel", "how"),
    ("meeting", "which kind of meeting"),
    ("attendance", "was I there?"),
    ("place", "where"),
    ("at", "when"),
    ("recorded", "written down"),
    ("author", "written by"),
    ("source", "how it came to be here"),
    ("edited", "edited"),
];

const CODE_WORDS: &[&[(&str, &str)]] = &[
    UrgeOutcome::CODES,
    Company::CODES,
    Intention::CODES,
    Extent::CODES,
    EpisodeState::CODES,
    StageSign::CODES,
    GoalStatus::CODES,
    PersonalLabel::CODES,
    ContactOutcome::CODES,
    Channel::CODES,
    ContactRole::CODES,
    MeetingKind::CODES,
    Attendance::CODES,
    Source::CODES,
];

/// What to call a kind of entry; a kind this version does not know is called by its code.
#[must_use]
pub fn kind_word(kind: &str) -> &str {
    word(KIND_WORDS, kind)
}

/// What to call a field; a field this version does not know is called by its name.
#[must_use]
pub fn field_word(name: &str) -> &str {
    word(FIELD_WORDS, name)
}

/// What to call the person's own label. Their own word stands as they wrote it.
#[must_use]
pub fn label_word(label: &PersonalLabel) -> &str {
    label.word()
}

fn word<'a>(words: &[(&'static str, &'static str)], code: &'a str) -> &'a str {
    words.iter().find(|(known, _)| *known == code).map_or(code, |(_, word)| word)
}

/// Every string the journal floor can show: what the linter's test reads.
pub fn built_in_strings() -> impl Iterator<Item = &'static str> {
    let codes = CODE_WORDS.iter().copied().flatten();
    KIND_WORDS.iter().chain(FIELD_WORDS).chain(codes).map(|(_, word)| *word)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::journal::EntryBody;

    #[test]
    fn every_kind_and_every_field_has_a_word() {
        for (kind, _) in KIND_WORDS {
            for field in EntryBody::field_names(kind).unwrap() {
                assert!(FIELD_WORDS.iter().any(|(name, _)| name == field), "{field}");
            }
        }
    }
}
