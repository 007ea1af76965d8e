//! Programs on Mainstay's public API: the phone, and the whole journey in one command.
