//! Every limit of an entry, in one place.

/// Limits of an entry. They are generous for a person and bound what a device must hold.
pub struct Limits;

impl Limits {
    /// Scales such as mood, craving and guilt run from 0 to this.
    pub const SCALE_MAX: u8 = 10;
    /// Intensity of an urge runs from 0 to this.
    pub const INTENSITY_MAX: u8 = 100;
    /// How hard a day was runs from 1 to this.
    pub const DIFFICULTY_MAX: u8 = 5;
    /// Hours slept, at most.
    pub const SLEEP_HOURS_MAX: f64 = 24.0;
    /// Minutes an urge lasts, at most: a week.
    pub const DURATION_MAX_MINUTES: u32 = 7 * 24 * 60;
    /// Days an episode extends over, at most: ten years.
    pub const EXTENT_MAX_DAYS: u16 = 3660;
    /// Bytes of a note.
    pub const NOTE_MAX_BYTES: usize = 64 * 1024;
    /// Bytes of any other long text, such as thoughts.
    pub const TEXT_MAX_BYTES: usize = 8 * 1024;
    /// Bytes of a name, a code or an own word.
    pub const SHORT_MAX_BYTES: usize = 256;
    /// Elements of a list.
    pub const LIST_MAX: usize = 64;
    /// Fields of an entry, unknown ones included.
    pub const FIELDS_MAX: usize = 64;
    /// Bytes of a field's name. Names are `a-z`, `0-9` and `_`, and begin with a letter.
    pub const FIELD_NAME_MAX_BYTES: usize = 48;
    /// First year an entry can be about.
    pub const YEAR_MIN: i16 = 1900;
    /// Last year an entry can be about.
    pub const YEAR_MAX: i16 = 2200;
}
