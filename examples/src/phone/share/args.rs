//! The command line of `phone share`.

use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand};

use crate::shell::args::Switch;
use crate::shell::at::span;

/// How a scope is written.
const SCOPES: &str = "\
A scope names classes, each with a detail, and nothing else is shared:
  check-ins:numbers,urges:full,plan:view
Classes: check-ins, urges, use, contacts, meetings, notes, plan.
Details: count (only that there was one that day), numbers (also numbers, yes and no),
  items (also the time, and what was picked from lists), full (everything); for the plan: view or edit.
Days, where not all of them: use:items@2026-01-01..2026-06-30, of which either may be missing.
`none` shares nothing but what `phone share add` names.";

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant)] // There is one of them in the life of the program.
pub(in crate::phone) enum ShareAction {
    /// Make a share and an invitation to it; nothing is shared before you have compared a code
    Invite(InviteArgs),
    /// The shares of this journal
    List,
    /// Say that both screens show the same code: the other side is let in
    Confirm {
        /// The other's name, or the beginning of the share's id
        share: String,
        /// The code that the other screen shows; it must be the same as here
        #[arg(long, value_name = "DIGITS")]
        code: Option<String>,
        /// Do not ask: I have compared the codes
        #[arg(long, conflicts_with = "code")]
        yes: bool,
    },
    /// The codes differ, or you have changed your mind: nobody is let in
    Decline(ShareArgs),
    /// Exactly what the other side sees
    Preview(ShareArgs),
    /// Share one entry, wholly, whatever the scope says
    Add(EntryArgs),
    /// Hide one entry, whatever the scope says
    Hide(EntryArgs),
    /// Let the scope decide about an entry again
    Unset(EntryArgs),
    /// Share less, at once
    #[command(after_help = SCOPES)]
    Narrow {
        /// The other's name, or the beginning of the share's id
        share: String,
        /// What is shared from now on, in place of what is now
        #[arg(long)]
        scope: String,
    },
    /// Share more: a new consent
    #[command(after_help = SCOPES)]
    Widen {
        /// The other's name, or the beginning of the share's id
        share: String,
        /// What is shared from now on, in place of what is now
        #[arg(long)]
        scope: String,
        /// Do not ask: I agree
        #[arg(long)]
        yes: bool,
    },
    /// Share until the end of a day, or `none`: until you stop it
    Until {
        /// The other's name, or the beginning of the share's id
        share: String,
        /// The last day, such as 2026-12-31, or none
        date: String,
        /// Do not ask, where it is longer than before: I agree
        #[arg(long)]
        yes: bool,
    },
    /// Ask to be told when they last looked at what you share; whether they tell is up to them
    AskOpened {
        /// The other's name, or the beginning of the share's id
        share: String,
        /// on or off
        #[arg(value_name = "on|off")]
        ask: Switch,
    },
    /// Stop sharing
    Revoke(ShareArgs),
    /// Take a share back, with the twelve words, from somebody who has a phone of yours
    TakeBack(ShareArgs),
    /// What you agreed to, and what this device sent, day by day
    Log(ShareArgs),
    /// What was said: comments, proposals, decisions; the newest last
    Comments(ShareArgs),
    /// Change the plan as the other side proposes
    Accept(ProposalArgs),
    /// Leave the plan as it is
    DeclineProposal(ProposalArgs),
    /// Answer, or say something of your own
    Reply {
        /// The other's name, or the beginning of the share's id
        share: String,
        /// An entry, a comment, an item of the plan (the beginning of an id), or `plan`
        #[arg(long, value_name = "ENTRY")]
        on: String,
        /// What to say
        text: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(in crate::phone) struct ShareArgs {
    /// The other's name, or the beginning of the share's id
    pub(super) share: String,
}

#[derive(Debug, ClapArgs)]
pub(in crate::phone) struct EntryArgs {
    /// The other's name, or the beginning of the share's id
    pub(super) share: String,
    /// The entry's id, or the beginning of it
    pub(super) entry: String,
}

#[derive(Debug, ClapArgs)]
pub(in crate::phone) struct ProposalArgs {
    /// The other's name, or the beginning of the share's id
    pub(super) share: String,
    /// The proposal's id, or the beginning of it
    pub(super) proposal: String,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = SCOPES)]
pub(in crate::phone) struct InviteArgs {
    /// Whom you share with, as you call them
    #[arg(long, value_name = "NAME")]
    pub(super) to: String,
    /// What they will know you as
    #[arg(long = "as", value_name = "NAME", default_value = "")]
    pub(super) my_name: String,
    /// What is shared
    #[arg(long)]
    pub(super) scope: String,
    /// Only what happened on this day or later, for every class without days of its own
    #[arg(long, value_name = "DATE")]
    pub(super) since: Option<String>,
    /// Share until the end of this day
    #[arg(long, value_name = "DATE")]
    pub(super) until: Option<String>,
    /// Share an entry only this long after it was written down; whole hours
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub(super) delay: Option<Duration>,
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "At my own request.")]
    pub(super) purpose: String,
    /// How long the invitation is good for, at most 7 days
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "7d")]
    pub(super) life: Duration,
}
