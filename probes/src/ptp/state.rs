//! What a ptp4l says of itself.

use std::{fmt::Write as _, io, path::Path};

use tickcert_results::{
    stamp::{ClockOffset, Lock},
    time::Nanos,
};

use super::{
    client::Client,
    data_set::{self, Clock, ClockIdentity, Current, PortState, TimeProperties, TimeStatus},
};

/// One of its ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its number, from 1.
    pub number: u16,
    /// What it is doing.
    pub state: PortState,
    /// Its interface; `None` where it doesn't say.
    pub interface: Option<String>,
}

/// Its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Who it is.
    pub identity: ClockIdentity,
    /// Whom it follows in the end; itself where it is the grandmaster.
    pub grandmaster: ClockIdentity,
    /// Its domain.
    pub domain: u8,
    /// Steps to the grandmaster.
    pub steps: u16,
    /// From its master.
    pub offset: ClockOffset,
    /// To its master and back, halved.
    pub path_delay: Nanos,
    /// Of the time that is handed out.
    pub time: TimeProperties,
    /// Its ports.
    pub ports: Vec<Port>,
}

impl State {
    /// Asks it by one of its sockets.
    ///
    /// # Errors
    /// Of the socket; `TimedOut` where it doesn't answer, `InvalidData` where the answer is none.
    pub fn ask(socket: &Path) -> io::Result<Self> {
        let mut client = Client::connect(socket, data_set::DEFAULT)?;
        let odd = || io::Error::new(io::ErrorKind::InvalidData, "a data set of another length");
        let default = Clock::parse(&client.ask(data_set::DEFAULT)?).ok_or_else(odd)?;
        let current = Current::parse(&client.ask(data_set::CURRENT)?).ok_or_else(odd)?;
        let grandmaster = data_set::grandmaster(&client.ask(data_set::PARENT)?).ok_or_else(odd)?;
        let time = TimeProperties::parse(&client.ask(data_set::TIME_PROPERTIES)?).ok_or_else(odd)?;
        // Whole nanoseconds of the servo, where it has that; older ones and other programs have not.
        let status = client.ask(data_set::TIME_STATUS_NP).ok().and_then(|data| TimeStatus::parse(&data));
        let offset = status.filter(|status| status.has_grandmaster).map(|status| status.offset);
        let ports = ports(&mut client, default.ports)?;
        Ok(Self {
            identity: default.identity,
            grandmaster,
            domain: default.domain,
            steps: current.steps,
            offset: offset.unwrap_or(ClockOffset(current.offset)),
            path_delay: Nanos(u64::try_from(current.path_delay).unwrap_or_default()),
            time,
            ports,
        })
    }

    /// Whether its clock is the reference itself.
    #[must_use]
    pub fn is_grandmaster(&self) -> bool {
        self.identity == self.grandmaster && self.ports.iter().any(|port| port.state == PortState::Master)
    }

    /// Whether its clock follows the reference, or is it.
    #[must_use]
    pub fn lock(&self) -> Lock {
        if self.is_grandmaster() || self.ports.iter().any(|port| port.state == PortState::Slave) {
            Lock::Locked
        } else {
            Lock::Unlocked
        }
    }

    /// How far its clock is from the reference; `None` while it follows none.
    #[must_use]
    pub fn offset(&self) -> Option<ClockOffset> {
        match self.lock() {
            Lock::Locked if self.is_grandmaster() => Some(ClockOffset(0)),
            Lock::Locked => Some(self.offset),
            _ => None,
        }
    }

    /// In words: `slave of 525400.fffe.1ab001, offset +12 ns, path delay 700 ns (port 1 on eth2: slave)`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = if self.is_grandmaster() {
            format!("the grandmaster {} itself", self.identity)
        } else if self.lock() == Lock::Locked {
            format!("follows {}, offset {}, path delay {}", self.grandmaster, self.offset, self.path_delay)
        } else {
            "follows no one".to_owned()
        };
        let ports: Vec<String> = self
            .ports
            .iter()
            .map(|port| match &port.interface {
                Some(interface) => format!("port {} on {interface}: {}", port.number, port.state),
                None => format!("port {}: {}", port.number, port.state),
            })
            .collect();
        let _ = write!(text, " ({})", ports.join(", "));
        text
    }
}

fn ports(client: &mut Client, count: u16) -> io::Result<Vec<Port>> {
    let states = client.ask_ports(data_set::PORT, count)?;
    // Only for who may write, and since linuxptp 2.0.
    let names = client.ask_ports(data_set::PORT_PROPERTIES_NP, count).unwrap_or_default();
    let names: Vec<(u16, String)> = names.iter().filter_map(|data| data_set::port_interface(data)).collect();
    let interface = |number| names.iter().find(|(of, _)| *of == number).map(|(_, name)| name.clone());
    let all = states.iter().filter_map(|data| data_set::port(data));
    Ok(all.map(|(number, state)| Port { number, state, interface: interface(number) }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(ports: &[PortState], grandmaster: u8) -> State {
        State {
            identity: ClockIdentity([1; 8]),
            grandmaster: ClockIdentity([grandmaster; 8]),
            domain: 0,
            steps: 1,
            offset: ClockOffset(-40),
            path_delay: Nanos(700),
            time: TimeProperties::default(),
            ports: (1..)
                .zip(ports)
                .map(|(number, state)| Port { number, state: *state, interface: Some("eth2".into()) })
                .collect(),
        }
    }

    #[test]
    fn a_clock_is_locked_while_it_follows_or_is_the_reference() {
        use PortState::*;
        let slave = state(&[Listening, Slave], 2);
        assert_eq!((slave.lock(), slave.offset()), (Lock::Locked, Some(ClockOffset(-40))));
        let master = state(&[Master], 1);
        assert_eq!((master.lock(), master.offset()), (Lock::Locked, Some(ClockOffset(0))));
        for ports in [&[Uncalibrated][..], &[Listening], &[Faulty, Disabled], &[]] {
            let lost = state(ports, 1);
            assert_eq!((lost.lock(), lost.offset()), (Lock::Unlocked, None), "{ports:?}");
        }
        // A boundary clock that has lost its reference serves on, but is none.
        assert_eq!(state(&[Master, Uncalibrated], 2).lock(), Lock::Unlocked);
    }

    #[test]
    fn a_state_is_told_with_offset_and_ports() {
        let text = state(&[PortState::Slave], 2).describe();
        assert_eq!(text, "follows 020202.0202.020202, offset -40 ns, path delay 700 ns (port 1 on eth2: slave)");
    }
}
