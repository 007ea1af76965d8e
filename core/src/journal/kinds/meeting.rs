//! A meeting.

use super::record;
use crate::journal::codes::codes;

codes! {
    /// What kind of meeting.
    MeetingKind {
        /// Mutual-help group.
        MutualHelp = "mutual-help", "mutual-help group";
        /// Group therapy.
        GroupTherapy = "group-therapy", "group therapy";
        /// Counselling session.
        Counselling = "counselling", "counselling";
        /// Medical appointment.
        Medical = "medical", "medical appointment";
        /// Aftercare.
        Aftercare = "aftercare", "aftercare";
        /// Online meeting.
        Online = "online", "online meeting";
    }
}

codes! {
    /// Whether the person was there.
    Attendance {
        /// Attended.
        Attended = "attended", "attended";
        /// Missed.
        Missed = "missed", "missed";
        /// Planned.
        Planned = "planned", "planned";
    }
}

record! {
    /// A meeting, attended or not.
    Meeting {
        /// What kind. (`kind` itself is the kind of entry.)
        meeting: MeetingKind,
        /// Whether the person was there.
        attendance: Attendance,
        /// Where.
        place: String,
        /// A note.
        note: String,
    }
}
