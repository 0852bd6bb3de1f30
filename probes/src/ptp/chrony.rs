//! chrony, which keeps the system's clock, asked by its own client.

use std::process::{Command, Stdio};

use tickcert_results::stamp::ClockOffset;

/// What `chronyc -c tracking` says (chronyc(1)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracking {
    /// What it follows: a server's address, or the name of a reference clock.
    pub reference: String,
    /// Steps from a primary reference; 0 while it follows none.
    pub stratum: u8,
    /// The system's clock less the time that chrony thinks right.
    pub offset: ClockOffset,
    /// `Normal`, or `Not synchronised`.
    pub leap: String,
}

impl Tracking {
    /// Asks; `None` where there is no chrony, or it doesn't answer.
    #[must_use]
    pub fn ask() -> Option<Self> {
        let mut command = Command::new("chronyc");
        let said = command.args(["-n", "-c", "tracking"]).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        Self::parse(&String::from_utf8_lossy(&said.stdout))
    }

    /// A line: reference in hexadecimal, its name, stratum, its time, how far the system's clock is ahead in seconds, …, and
    /// what is to be done about leap seconds.
    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.trim().split(',').collect();
        let [_, reference, stratum, _, ahead, .., leap] = fields.as_slice() else { return None };
        let ahead: f64 = ahead.parse().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "saturates, as meant")]
        let offset = ClockOffset((ahead * 1e9).round() as i64);
        Some(Self {
            reference: (*reference).to_owned(),
            stratum: stratum.parse().ok()?,
            offset,
            leap: (*leap).to_owned(),
        })
    }

    /// Whether it follows a reference.
    #[must_use]
    pub fn is_synchronised(&self) -> bool {
        self.stratum > 0 && self.leap != "Not synchronised"
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_chronyc_prints_is_read() {
        let line = "50484330,PHC0,1,1732600000.123456789,-0.000000250,0.000000100,0.000000200,-12.345,0.001,0.010,\
                    0.000000001,0.000010000,16.0,Normal\n";
        let read = Tracking::parse(line).unwrap();
        assert_eq!((read.reference.as_str(), read.stratum, read.offset), ("PHC0", 1, ClockOffset(-250)));
        assert!(read.is_synchronised());
        let lost = Tracking::parse("7F7F0101,,0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised").unwrap();
        assert!(!lost.is_synchronised());
        assert_eq!(Tracking::parse("506 Cannot talk to daemon"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = Tracking::parse(&text);
        }
    }
}
