//! What both programs are made of: a folder, the command line that they share, words, and the
//! commands that any vault needs.

pub(crate) mod args;
pub(crate) mod at;
pub(crate) mod compare;
pub(crate) mod devices;
pub(crate) mod failure;
pub(crate) mod home;
pub(crate) mod listing;
pub(crate) mod output;
pub(crate) mod plan;
pub(crate) mod program;
pub(crate) mod progress;
pub(crate) mod shares;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod syncing;
pub(crate) mod words;
