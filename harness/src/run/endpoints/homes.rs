//! Where the two ends of a trial run.

use std::path::Path;

use serde_json::Value;
use tickcert_transports::{
    Lane, SettingsError,
    api::{Job, Link, Transport},
    dispatch, read_settings,
};

use super::far::Far;
use crate::bench::{BenchError, fitting::Fittings};

/// Where the endpoints are to run.
#[derive(Clone, Debug)]
pub struct Homes<'a> {
    /// Network namespace of the exchange; `None` for the caller's.
    pub exchange: Option<&'a Path>,
    /// Network namespace of the trader.
    pub trader: Option<&'a Path>,
    /// Folder for what the endpoints print on standard error.
    pub logs: &'a Path,
    /// The `tickcert` that serves as endpoint; `None` for the caller itself.
    pub program: Option<&'a Path>,
    /// The trader's host, where it is another.
    pub far: Option<Far>,
}

struct StaysOnTheHost<'s>(&'s Value);

impl Job for StaysOnTheHost<'_> {
    type Out = Result<bool, SettingsError>;

    fn run<T: Transport>(self) -> Self::Out {
        Ok(T::stays_on_the_host(&read_settings::<T>(self.0)?))
    }
}

impl<'a> Homes<'a> {
    /// Those for a lane: its devices may be the host's, and not the bench's.
    ///
    /// # Errors
    /// Settings that the transport doesn't understand.
    pub fn of_lane(&self, lane: Lane, settings: &Value) -> Result<Self, SettingsError> {
        let here = dispatch(lane, StaysOnTheHost(settings))?;
        let far = self.far.clone().map(|far| Far { in_namespace: !here, ..far });
        let homes = Self { far, ..self.clone() };
        Ok(if here { Self { exchange: None, trader: None, ..homes } } else { homes })
    }

    /// Of the wire's interfaces on this host, as they are now.
    ///
    /// # Errors
    /// [`BenchError`].
    pub fn fittings(&self, link: &'a Link) -> Result<Fittings<'a>, BenchError> {
        Fittings::read([(self.exchange, &link.exchange_interface), (self.trader, &link.trader_interface)])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ends_of_a_lane_whose_nics_are_the_hosts_stay_in_its_namespace_and_others_go_to_the_benchs() {
        let (exchange, trader, logs) = (Path::new("/e"), Path::new("/t"), Path::new("/"));
        let homes = Homes { exchange: Some(exchange), trader: Some(trader), logs, program: None, far: None };
        for (name, wanted) in [("dpdk-pci", None), ("dpdk-afxdp", Some(exchange)), ("kernel-udp", Some(exchange))] {
            let lane = Lane::by_name(name).unwrap();
            let settings = lane.settings(&serde_json::Map::new()).unwrap();
            assert_eq!(homes.of_lane(lane, &settings).unwrap().exchange, wanted, "{name}");
        }
        assert!(homes.of_lane(Lane::by_name("shm").unwrap(), &json!({ "colour": 1 })).is_err());
    }
}
