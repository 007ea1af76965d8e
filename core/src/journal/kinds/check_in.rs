//! A look at how things are.

use super::record;

record! {
    /// How things are right now. Scales run from 0 (none, worst mood) to 10 (most, best mood).
    CheckIn {
        /// Mood, 0–10.
        mood: u8,
        /// Craving, 0–10.
        craving: u8,
        /// Stress, 0–10.
        stress: u8,
        /// Hours slept, 0–24.
        sleep_hours: f64,
        /// Quality of sleep, 0–10.
        sleep_quality: u8,
        /// Hungry? (the H of HALT)
        hungry: bool,
        /// Angry?
        angry: bool,
        /// Lonely?
        lonely: bool,
        /// Tired?
        tired: bool,
        /// Warning signs noticed, as codes or own words of the plan; empty: none noticed.
        signs: Vec<String>,
        /// How hard the day was, 1–5.
        day_difficulty: u8,
        /// A note.
        note: String,
    }
}
