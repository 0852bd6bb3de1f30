//! One end: what its interface claims, how it is set, what was seen.

use tickcert_results::{
    certificate::{SeenStamps, StampingEnd},
    stamp::StampClock,
    wire::LinkSpeed,
};
use tickcert_transports::{
    api::EndStamping,
    stamping::{self, Claims, Configuration, Crossing, Driver},
};

use crate::bench::journal::{Change, Journal, JournalError};

/// An interface.
#[derive(Debug)]
pub(super) struct End {
    pub(super) record: StampingEnd,
    claims: Claims,
    before: Option<Configuration>,
    /// As it is to be.
    wanted: Option<Configuration>,
    /// As the driver has set it.
    pub(super) set: Option<Configuration>,
}

impl End {
    /// In the calling thread's namespace; what will be changed is in the journal afterwards.
    pub(super) fn look_at(interface: &str, journal: &mut Journal) -> Result<Self, JournalError> {
        let mut why_not = Vec::new();
        let claims = Claims::read(interface).unwrap_or_else(|e| {
            why_not.push(format!("what it can stamp can't be asked: {e}"));
            Claims::default()
        });
        let before = Configuration::read(interface).ok();
        let wanted = before.map(|before| before.with_all(&claims)).filter(|wanted| Some(*wanted) != before);
        if before.is_none() && (claims.transmit() || claims.receive()) {
            why_not.push(
                "its driver doesn't say how it is set (SIOCGHWTSTAMP), so nothing was changed that could not be undone"
                    .to_owned(),
            );
        }
        if let (Some(before), Some(wanted)) = (before, wanted) {
            let attempts = attempts(before, wanted).to_vec();
            journal.record(Change::StampingSet { interface: interface.into(), before, attempts })?;
        }
        let record = StampingEnd {
            interface: interface.to_owned(),
            driver: stamping::driver(interface).unwrap_or_default(),
            speed_mbps: None,
            clock: claims.phc.map(StampClock::Phc),
            claimed: claims.record(),
            seen: SeenStamps::default(),
            why_not,
            before: before.map(Configuration::record),
            set: None,
            after: None,
            undone: None,
        };
        Ok(Self { record, claims, before, wanted, set: None })
    }

    pub(super) const fn clock(&self) -> Option<StampClock> {
        self.record.clock
    }

    /// Sets it, in the calling thread's namespace: all that was wanted, or else one direction. What came of it is in the
    /// journal afterwards; where it can't be written down, nothing stays set.
    pub(super) fn set(&mut self, driver: &impl Driver, journal: &mut Journal) -> Result<(), JournalError> {
        let (Some(before), Some(wanted)) = (self.before, self.wanted) else { return Ok(()) };
        let interface = self.record.interface.clone();
        for attempt in attempts(before, wanted) {
            match driver.apply(&interface, attempt) {
                Ok(returned) => {
                    // As it will be read afterwards: what the call returns may be something else.
                    self.set = Some(driver.read(&interface).unwrap_or(returned));
                    break;
                }
                Err(e) => self.record.why_not.push(format!("its driver refuses {attempt}: {e}")),
            }
        }
        self.record.set = self.set.map(Configuration::record);
        journal.record(Change::StampingCame { interface: interface.clone(), set: self.set }).inspect_err(|_| {
            if self.set.is_some() {
                // Nothing more can be done about it here: the run ends with what could not be written down.
                let _ = driver.apply(&interface, before);
            }
        })
    }

    /// What came of frames that left here, and of those that came here.
    pub(super) fn saw(&mut self, leaving: Crossing, coming: Crossing) {
        let (driver, claims) = (self.record.driver.clone(), self.claims);
        let words = || format!("claims: {}", self.record.claimed.words.join(", "));
        let mut why = Vec::new();
        match (claims.transmit(), leaving.left) {
            (_, left) if left == leaving.sent && left > 0 => {}
            (false, 0) => why.push(format!("{driver} stamps no frames that leave ({})", words())),
            (true, 0) => why.push(format!(
                "{driver} claims to stamp frames that leave, and stamped none of {} real ones",
                leaving.sent
            )),
            (_, some) => why.push(format!("{driver} stamped {some} of {} real frames that left", leaving.sent)),
        }
        match (claims.receive(), coming.came) {
            (_, came) if came == coming.arrived && came > 0 => {}
            (false, 0) => {
                why.push(format!("{driver} stamps no frames that arrive, or those of PTP only ({})", words()));
            }
            (true, 0) => why.push(format!(
                "{driver} claims to stamp frames that arrive, and stamped none of {} real ones",
                coming.arrived
            )),
            (_, some) => why.push(format!("{driver} stamped {some} of {} real frames that arrived", coming.arrived)),
        }
        if leaving.arrived < leaving.sent {
            why.push(format!(
                "{} of {} frames sent to see their stamps were lost",
                leaving.sent - leaving.arrived,
                leaving.sent
            ));
        }
        self.record.why_not.extend(why);
        self.record.seen = SeenStamps { transmit: leaving.left > 0, receive: coming.came > 0, frames: leaving.sent };
        // Nothing could be held against it: neither whether it was set meanwhile, nor whether a stamp is of another frame.
        if (leaving.left > 0 || coming.came > 0) && self.record.clock.is_none() {
            self.record.why_not.push(format!(
                "{} stamps frames and names no clock that its stamps are of (PTP Hardware Clock: none), so they are taken for none",
                self.record.driver
            ));
        }
    }

    /// How fast its link is, in the calling thread's namespace.
    pub(super) fn read_speed(&mut self) {
        self.record.speed_mbps = stamping::speed(&self.record.interface).ok().and_then(LinkSpeed::from_mbps);
    }

    pub(super) fn not_tried(&mut self, why: &str) {
        self.record.why_not.push(why.to_owned());
    }

    /// For the lanes: what was seen.
    pub(super) const fn stamping(&self) -> EndStamping {
        let (seen, clock) = (self.record.seen, self.record.clock);
        EndStamping { clock, transmit: seen.transmit && clock.is_some(), receive: seen.receive && clock.is_some() }
    }

    /// How it is set now, in the calling thread's namespace; what another program has made of it, in words.
    pub(super) fn look(&mut self) -> Option<String> {
        let now = Configuration::read(&self.record.interface).ok();
        self.record.after = now.map(Configuration::record);
        let (set, interface) = (self.set.or(self.before)?, &self.record.interface);
        match now {
            Some(now) if now == set => None,
            Some(now) => Some(format!(
                "another program has changed how {interface} stamps frames: it is {now}, and was {set} when the run began"
            )),
            None => Some(format!("how {interface} stamps frames can't be read any more: is the interface gone?")),
        }
    }

    /// What becomes of it when the run is over, as it is now.
    pub(super) fn undone(&self) -> Option<String> {
        self.set?;
        Some(match &self.record.after {
            Some(after) if self.record.set.as_ref() == Some(after) => "to be set back to what it was before".to_owned(),
            _ => "to be left alone: another program has set it meanwhile".to_owned(),
        })
    }
}

/// One after the other, until the driver takes one.
const fn attempts(before: Configuration, wanted: Configuration) -> [Configuration; 3] {
    [wanted, Configuration { filter: before.filter, ..wanted }, Configuration { transmit: before.transmit, ..wanted }]
}

#[cfg(test)]
mod driver_tests;

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn end(claims: Claims) -> End {
        let record = StampingEnd {
            interface: "eth2".into(),
            driver: "e1000e".into(),
            speed_mbps: None,
            clock: claims.phc.map(StampClock::Phc),
            claimed: claims.record(),
            seen: SeenStamps::default(),
            why_not: vec![],
            before: None,
            set: None,
            after: None,
            undone: None,
        };
        End { record, claims, before: None, wanted: None, set: None }
    }

    const BOTH: Claims = Claims { flags: 0x5f, transmit_types: 0b11, filters: 0b11, phc: Some(0) };
    const CROSSED: Crossing = Crossing { sent: 5, arrived: 5, left: 5, came: 5, left_by_kernel: 5, stale: 0 };

    #[test]
    fn stamps_of_no_clock_are_said_and_not_taken() {
        let mut end = end(Claims { phc: None, ..BOTH });
        end.saw(CROSSED, CROSSED);
        assert!(end.record.seen.transmit && end.record.seen.receive);
        assert!(!end.stamping().transmit && !end.stamping().receive);
        let why = end.record.why_not.join("; ");
        assert!(why.contains("e1000e stamps frames and names no clock"), "{why}");
    }

    #[test]
    fn a_claim_that_delivers_nothing_is_said_and_not_believed() {
        let nothing = Crossing { left: 0, came: 0, ..CROSSED };
        let mut end = end(BOTH);
        end.saw(nothing, nothing);
        let why = end.record.why_not.join("; ");
        assert!(why.contains("e1000e claims to stamp frames that leave, and stamped none of 5"), "{why}");
        assert!(why.contains("claims to stamp frames that arrive, and stamped none of 5"), "{why}");
        assert!(!end.stamping().transmit && !end.stamping().receive);
    }

    #[test]
    fn what_is_seen_both_ways_needs_no_reason() {
        let mut end = end(BOTH);
        end.saw(CROSSED, CROSSED);
        assert_eq!(end.record.why_not, Vec::<String>::new());
        assert_eq!(end.stamping(), EndStamping { clock: Some(StampClock::Phc(0)), transmit: true, receive: true });
    }

    #[test]
    fn a_device_that_stamps_one_way_is_believed_one_way() {
        let mut end = end(BOTH);
        end.saw(CROSSED, Crossing { came: 0, ..CROSSED });
        assert!(end.stamping().transmit && !end.stamping().receive);
        assert_eq!(end.record.why_not.len(), 1);
    }

    #[test]
    fn an_interface_without_claims_says_what_it_has() {
        let mut end = end(Claims { flags: 0b1010, ..Claims::default() });
        end.saw(Crossing { left: 0, ..CROSSED }, Crossing { came: 0, ..CROSSED });
        assert!(end.record.why_not[0].contains("software-transmit"), "{:?}", end.record.why_not);
    }
}
