//! Domain ↔ Automerge.
