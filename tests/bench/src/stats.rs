//! Medians and their spread.

use std::time::Duration;

/// Measurements of one thing.
#[derive(Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_by(f64::total_cmp);
    }

    pub(crate) fn add_ms(&mut self, time: Duration) {
        self.add(time.as_secs_f64() * 1e3);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The smallest value that at least this part of the values do not exceed.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let rank = (part * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }

    /// The median, and the least and the most.
    pub(crate) fn spread(&self, digits: usize) -> String {
        let (median, least, most) = (self.median(), self.quantile(0.0), self.quantile(1.0));
        match least == most {
            true => format!("{median:.digits$}"),
            false => format!("{median:.digits$} ({least:.digits$}-{most:.digits$})"),
        }
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut samples = Self::default();
        values.into_iter().for_each(|value| samples.add(value));
        samples
    }
}

/// A ratio, as the tables show it.
pub(crate) fn times(value: f64, of: f64) -> String {
    format!("{:.2}", value / of)
}

/// Seconds, as the tables show them.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64())
}
