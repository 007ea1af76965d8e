//! An attempt to reach somebody.

use super::record;
use crate::journal::codes::codes;

codes! {
    /// What became of it.
    ContactOutcome {
        /// Reached.
        Reached = "reached", "reached";
        /// Left a message.
        LeftMessage = "left-message", "left a message";
        /// No answer.
        NoAnswer = "no-answer", "no answer";
        /// Planned.
        Planned = "planned", "planned";
    }
}

codes! {
    /// How they were contacted.
    Channel {
        /// By telephone.
        Call = "call", "call";
        /// By text message.
        Text = "text", "text message";
        /// Face to face.
        InPerson = "in-person", "in person";
        /// By video.
        Video = "video", "video call";
        /// By e-mail.
        Email = "email", "e-mail";
    }
}

codes! {
    /// Who they are to the person.
    ContactRole {
        /// Sponsor.
        Sponsor = "sponsor", "sponsor";
        /// Counsellor or therapist.
        Counsellor = "counsellor", "counsellor or therapist";
        /// Doctor.
        Doctor = "doctor", "doctor";
        /// Peer in recovery.
        Peer = "peer", "peer in recovery";
        /// Partner.
        Partner = "partner", "partner";
        /// Family.
        Family = "family", "family";
        /// Friend.
        Friend = "friend", "friend";
        /// Crisis service.
        CrisisService = "crisis-service", "crisis service";
    }
}

record! {
    /// An attempt to reach somebody.
    ContactAttempt {
        /// Whom, as the person calls them.
        who: String,
        /// Who they are to the person.
        role: ContactRole,
        /// How.
        channel: Channel,
        /// What became of it.
        outcome: ContactOutcome,
        /// A note.
        note: String,
    }
}
