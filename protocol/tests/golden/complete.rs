//! Nothing on the wire is without a vector: each variant of each enum is looked for by its number.

use mainstay_protocol::envelope::Kind;
use mainstay_protocol::frame::{Admission, ItemBody, Pull, Refusal, Reply, Request, Signer};
use mainstay_protocol::roster::{Act, Role};
use mainstay_protocol::statement::Claim;

use crate::variants::has_all;

// Broken on purpose: a vector taken out of `refusals.hex` made it fail.
#[test]
fn every_variant_on_the_wire_has_a_vector() {
    has_all::<Request>(&["requests.hex"], "", false);
    has_all::<Reply>(&["replies.hex"], "", false);
    has_all::<Refusal>(&["refusals.hex"], "", false);
    has_all::<Pull>(&["requests.hex"], "pull_kind_", false);
    has_all::<Admission>(&["requests.hex"], "admission_", false);
    has_all::<ItemBody>(&["replies.hex"], "item_body_", false);
    has_all::<Act>(&["rosters.hex", "shares.hex"], "act_", false);
    has_all::<Claim>(&["statements.hex"], "claim_", false);
    has_all::<Signer>(&["values.hex"], "signer_", false);
    has_all::<Kind>(&["envelopes.hex"], "kind_", true);
    has_all::<Role>(&["shares.hex"], "role_", true);
}
