//! The sections of the plan and the details an item of each usually has.

use crate::journal::Codes;
use crate::journal::codes::codes;

codes! {
    /// A section of the recovery plan. The order of the codes is the order of display.
    Section {
        /// Substances, each with a baseline and a goal (details `baseline`, `goal`).
        Substances = "substances", "substances and goals";
        /// Reasons to stay with it.
        Reasons = "reasons", "my reasons";
        /// Warning signs by stage (details `stage`, `mine`).
        WarningSigns = "warning-signs", "my warning signs";
        /// Triggers (details `situation`: one of Marlatt's eight, `about`: person, place, thing, time).
        Triggers = "triggers", "what can set me off";
        /// Coping skills (detail `steps`).
        CopingSkills = "coping-skills", "what I can do";
        /// Supports in calling order (details `role`, `reach`, `when`).
        Supports = "supports", "people I can call";
        /// Professionals (details `role`, `reach`, `when`).
        Professionals = "professionals", "professionals";
        /// Crisis and emergency numbers (detail `reach`).
        Crisis = "crisis", "crisis and emergency numbers";
        /// Making the surroundings safer: money, contacts, places (detail `about`).
        Safer = "safer", "making things safer around me";
        /// Routines and commitments: meetings, check-in cadence (detail `when`).
        Routines = "routines", "routines and commitments";
        /// If-then rules the person chose (details `if`, `then`).
        Rules = "rules", "if this, then that";
        /// What helped before.
        Helped = "helped", "what helped before";
    }
}

/// Marlatt's eight kinds of high-risk situations, as detail `situation` of a trigger holds them.
pub const SITUATION_WORDS: &[(&str, &str)] = &[
    ("unpleasant-emotions", "unpleasant feelings"),
    ("physical-discomfort", "physical discomfort"),
    ("pleasant-emotions", "pleasant feelings"),
    ("testing-control", "testing my control"),
    ("urges-temptations", "urges and temptations"),
    ("conflict", "conflict with others"),
    ("social-pressure", "social pressure"),
    ("pleasant-times", "pleasant times with others"),
];

/// The sections with their display words.
pub const SECTION_WORDS: &[(&str, &str)] = Section::CODES;

impl Section {
    /// The sections this version knows, in the order of display.
    pub fn known() -> impl Iterator<Item = Self> {
        Self::CODES.iter().map(|(code, _)| Self::from(*code))
    }
}

impl<C> minicbor::Encode<C> for Section {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(self.code())?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for Section {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.str().map(Self::from)
    }
}

/// Every string the plan floor can show: what the linter's test reads.
pub fn built_in_strings() -> impl Iterator<Item = &'static str> {
    SECTION_WORDS.iter().chain(SITUATION_WORDS).map(|(_, word)| *word)
}
