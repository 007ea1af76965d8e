//! The Mainstay relay: keeps sealed envelopes in order and cannot open them.
