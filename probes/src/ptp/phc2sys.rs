//! Which clocks a phc2sys keeps, by its command line: it can't be asked.

use std::path::Path;

/// From where to where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Serving {
    /// `CLOCK_REALTIME`, `/dev/ptp0`, or an interface; empty where ptp4l decides (`-a`).
    pub source: String,
    /// The same, of those that it sets.
    pub sinks: Vec<String>,
    /// Set with `-a`: whichever ptp4l says.
    pub automatic: bool,
    /// What is added to the source (`-O`), in seconds.
    pub offset_s: Option<i64>,
}

const REALTIME: &str = "CLOCK_REALTIME";

/// The value of an option of one letter: `-s eth2`, `-seth2`.
fn values<'a>(arguments: &'a [String], letter: &'a str) -> impl Iterator<Item = &'a str> {
    arguments.iter().enumerate().filter_map(move |(at, word)| match word.strip_prefix(letter)? {
        "" => arguments.get(at + 1).map(String::as_str),
        value => Some(value),
    })
}

impl Serving {
    /// Of this command line.
    #[must_use]
    pub fn of(arguments: &[String]) -> Self {
        let automatic = arguments.iter().any(|word| word == "-a" || word.starts_with("-ar"));
        let source = values(arguments, "-s").next().unwrap_or_default().to_owned();
        let mut sinks: Vec<String> = values(arguments, "-c").map(str::to_owned).collect();
        if sinks.is_empty() && !automatic {
            sinks.push(REALTIME.to_owned());
        }
        let offset_s = values(arguments, "-O").next().and_then(|text| text.parse().ok());
        Self { source, sinks, automatic, offset_s }
    }

    /// Whether it sets this hardware clock, which is known by its file and by interfaces that stamp by it.
    #[must_use]
    pub fn sets(&self, number: u32, interfaces: &[String]) -> bool {
        self.sinks.iter().any(|sink| is_clock(sink, number) || interfaces.contains(sink))
    }

    /// The hardware clock that it takes the time from, if it is named by its file.
    #[must_use]
    pub fn source_clock(&self) -> Option<u32> {
        self.source.strip_prefix("/dev/ptp")?.parse().ok()
    }

    /// Whether it takes the time from the system's clock.
    #[must_use]
    pub fn from_system(&self) -> bool {
        self.source == REALTIME
    }
}

fn is_clock(name: &str, number: u32) -> bool {
    Path::new(name) == Path::new(&format!("/dev/ptp{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serving(line: &str) -> Serving {
        Serving::of(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_clocks_are_those_of_the_command_line() {
        let down = serving("phc2sys -s eth2 -w -m");
        assert_eq!((down.source.as_str(), down.sinks.as_slice()), ("eth2", &["CLOCK_REALTIME".to_owned()][..]));
        let up = serving("phc2sys -s CLOCK_REALTIME -c /dev/ptp1 -c eth4 -O 37");
        assert!(up.from_system() && up.sets(1, &[]) && !up.sets(2, &[]) && up.sets(2, &["eth4".into()]));
        assert_eq!((up.offset_s, up.source_clock()), (Some(37), None));
        assert_eq!(serving("phc2sys -s/dev/ptp0 -c/dev/ptp1").source_clock(), Some(0));
        let automatic = serving("phc2sys -a -r");
        assert!(automatic.automatic && automatic.sinks.is_empty());
    }
}
