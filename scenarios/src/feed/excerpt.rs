//! A part of a day: from one time of day until another, by the times that the messages themselves carry. These need no
//! time zone, and are the same in a file and in a capture.

use std::{fmt, str::FromStr};

use tickcert_results::time::Nanos;

const MINUTE: u64 = 60_000_000_000;
const HOUR: u64 = 60 * MINUTE;

/// A time of day as ITCH messages carry it: counted from midnight, where the exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(pub Nanos);

impl TimeOfDay {
    /// The whole second that it lies in.
    #[must_use]
    pub const fn second(self) -> Self {
        Self(Nanos(self.0.get() - self.0.get() % 1_000_000_000))
    }
}

/// `09:30:00`, with a fraction where there is one: `09:30:00.25`.
impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0.get();
        let (seconds, fraction) = (n % MINUTE / 1_000_000_000, n % 1_000_000_000);
        write!(f, "{:02}:{:02}:{seconds:02}", n / HOUR, n % HOUR / MINUTE)?;
        if fraction == 0 {
            return Ok(());
        }
        write!(f, ".{}", format!("{fraction:09}").trim_end_matches('0'))
    }
}

/// Text that is no time of day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time of day: write hours, minutes and seconds, as in 09:30:00")]
pub struct NoTimeOfDay(String);

/// `09:30`, `09:30:00` or `09:30:00.25`, of a day of 24 hours.
impl FromStr for TimeOfDay {
    type Err = NoTimeOfDay;

    fn from_str(text: &str) -> Result<Self, NoTimeOfDay> {
        parse(text.trim()).map(|n| Self(Nanos(n))).ok_or_else(|| NoTimeOfDay(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<u64> {
    let mut parts = text.splitn(3, ':');
    let (hours, minutes) = (two_digits(parts.next()?, 24)?, two_digits(parts.next()?, 60)?);
    let (seconds, fraction) = match parts.next().map(|s| s.split_once('.').unwrap_or((s, "0"))) {
        Some((seconds, fraction)) => (two_digits(seconds, 60)?, fraction),
        None => (0, "0"),
    };
    if !(1..=9).contains(&fraction.len()) || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let fraction: u64 = format!("{fraction:0<9}").parse().ok()?;
    Some(hours * HOUR + minutes * MINUTE + seconds * 1_000_000_000 + fraction)
}

fn two_digits(text: &str, below: u64) -> Option<u64> {
    let is_number = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| is_number && *n < below)
}

/// Which part of a file of ticks is wanted. By default all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    from: Option<TimeOfDay>,
    until: Option<TimeOfDay>,
}

/// An excerpt that ends before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing is from {from} until {until}: `until` must be later than `from`")]
pub struct EmptyExcerpt {
    from: TimeOfDay,
    until: TimeOfDay,
}

impl Excerpt {
    /// From the first message that is not before `from`, to the last before the first that is not before `until`.
    ///
    /// # Errors
    /// [`EmptyExcerpt`].
    pub fn new(from: Option<TimeOfDay>, until: Option<TimeOfDay>) -> Result<Self, EmptyExcerpt> {
        match (from, until) {
            (Some(from), Some(until)) if from >= until => Err(EmptyExcerpt { from, until }),
            _ => Ok(Self { from, until }),
        }
    }

    /// From the first message that is not before `from` to the end of the file.
    #[must_use]
    pub const fn beginning(from: Option<TimeOfDay>) -> Self {
        Self { from, until: None }
    }

    /// The same, but with these where they are given.
    ///
    /// # Errors
    /// [`EmptyExcerpt`].
    pub fn with(self, from: Option<TimeOfDay>, until: Option<TimeOfDay>) -> Result<Self, EmptyExcerpt> {
        Self::new(from.or(self.from), until.or(self.until))
    }

    /// Whether it is the whole file.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.from.is_none() && self.until.is_none()
    }
}

/// `from 09:30:00 until 09:35:00`, or one half of it, or `whole`.
impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.until) {
            (Some(from), Some(until)) => write!(f, "from {from} until {until}"),
            (Some(from), None) => write!(f, "from {from}"),
            (None, Some(until)) => write!(f, "until {until}"),
            (None, None) => f.write_str("whole"),
        }
    }
}

/// Where a reader is in a feed of which an excerpt is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Before,
    Within,
    After,
}

/// Follows a feed, message by message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cutter {
    excerpt: Excerpt,
    part: Part,
    /// Messages before the excerpt.
    before: u64,
    /// Time of day of the first message that is kept, or while there is none of the first of all.
    first: Option<TimeOfDay>,
    last: TimeOfDay,
}

impl Cutter {
    pub(super) fn new(excerpt: Excerpt) -> Self {
        let part = if excerpt.from.is_some() { Part::Before } else { Part::Within };
        Self { excerpt, part, before: 0, first: None, last: TimeOfDay(Nanos::ZERO) }
    }

    pub(super) const fn excerpt(&self) -> Excerpt {
        self.excerpt
    }

    pub(super) const fn part(&self) -> Part {
        self.part
    }

    /// So many messages come next, the first of them with this timestamp: where they lie. What is kept is one piece, so
    /// that timestamps which run backwards don't tear holes into it.
    #[inline]
    pub(super) fn look(&mut self, at: Nanos, messages: u16) -> Part {
        let at = TimeOfDay(at);
        if self.part == Part::After {
            return Part::After;
        }
        if self.excerpt.until.is_some_and(|until| at >= until) {
            self.part = Part::After;
        } else if self.part == Part::Before && self.excerpt.from.is_none_or(|from| at >= from) {
            self.part = Part::Within;
            self.first = None;
        }
        self.before += u64::from(messages) * u64::from(self.part == Part::Before);
        self.first.get_or_insert(at);
        self.last = at;
        self.part
    }

    /// Times of day of the first and the last message that were looked at, of those kept if any is.
    pub(super) fn span(&self) -> Option<(TimeOfDay, TimeOfDay)> {
        self.first.map(|first| (first, self.last))
    }

    /// What to know of the excerpt; nothing of a whole file.
    pub(super) fn note(&self) -> Option<String> {
        let Excerpt { from, .. } = self.excerpt;
        from.map(|from| {
            format!(
                "{} messages before {from} are left out: the books begin empty, and orders added before are unknown to them",
                self.before
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time(text: &str) -> TimeOfDay {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_of_day_is_counted_from_midnight_and_seconds_may_be_left_out() {
        assert_eq!(time("09:30"), TimeOfDay(Nanos::SECOND * 34_200));
        assert_eq!(time("09:30:00.25"), TimeOfDay(Nanos(34_200_250_000_000)));
        assert_eq!(time("00:00:00.000000001"), TimeOfDay(Nanos(1)));
        assert_eq!(time("23:59:59.999999999").second(), time("23:59:59"));
    }

    #[test]
    fn what_is_no_time_of_day_is_shown_with_an_example_of_one() {
        for text in
            ["", "9:30", "0930", "24:00", "09:60", "09:30:60", "09:30:0", "09:30:00.", "+9:30", "09:30:00.0000000001"]
        {
            let said = text.parse::<TimeOfDay>().unwrap_err().to_string();
            assert!(said.starts_with(&format!("`{text}` is no time of day")) && said.contains("09:30:00"), "{said}");
        }
    }

    #[test]
    fn an_excerpt_that_ends_where_it_begins_is_refused() {
        let nine = Some(time("09:00"));
        assert!(Excerpt::new(nine, nine).unwrap_err().to_string().contains("from 09:00:00 until 09:00:00"));
        let until = Excerpt::new(None, Some(time("08:00"))).unwrap();
        assert!(until.with(nine, None).is_err());
        assert_eq!(until.with(nine, Some(time("10:00"))).unwrap().to_string(), "from 09:00:00 until 10:00:00");
    }

    #[test]
    fn what_is_kept_is_one_piece_though_times_run_backwards() {
        let excerpt = Excerpt::new(Some(TimeOfDay(Nanos(10))), Some(TimeOfDay(Nanos(20)))).unwrap();
        let mut cutter = Cutter::new(excerpt);
        let parts: Vec<_> = [5, 12, 9, 19, 20, 15].map(|at| cutter.look(Nanos(at), 1)).into();
        use Part::{After, Before, Within};
        assert_eq!(parts, [Before, Within, Within, Within, After, After]);
        assert!(cutter.note().unwrap().starts_with("1 messages before"), "{:?}", cutter.note());
    }

    proptest! {
        #[test]
        fn every_time_of_day_is_read_as_it_is_written(n in 0..24 * HOUR) {
            prop_assert_eq!(time(&TimeOfDay(Nanos(n)).to_string()), TimeOfDay(Nanos(n)));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,20}") {
            let _ = text.parse::<TimeOfDay>();
        }
    }
}
