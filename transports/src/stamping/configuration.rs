//! How an interface is set to stamp (`struct hwtstamp_config` of `linux/net_tstamp.h`).

use std::{fmt, io};

use libc::{HWTSTAMP_FILTER_ALL, HWTSTAMP_TX_ON, hwtstamp_config};
use serde::{Deserialize, Serialize};
use tickcert_results::certificate::StampConfig;

use super::{claims::Claims, device_ffi, words};

/// Of one interface, as the kernel has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// `HWTSTAMP_FLAG_*`
    pub flags: i32,
    /// `HWTSTAMP_TX_*`
    pub transmit: i32,
    /// `HWTSTAMP_FILTER_*`
    pub filter: i32,
}

const ON: i32 = HWTSTAMP_TX_ON.cast_signed();
const ALL: i32 = HWTSTAMP_FILTER_ALL.cast_signed();

impl Configuration {
    /// As it is, in the calling thread's network namespace.
    ///
    /// # Errors
    /// `EOPNOTSUPP` where the driver doesn't say; `ENODEV` where there is no such interface.
    pub fn read(interface: &str) -> io::Result<Self> {
        device_ffi::get(interface).map(Self::from)
    }

    /// Sets it; what the driver has made of it, which may be more than was asked for.
    ///
    /// # Errors
    /// `ERANGE` where the device can't; `EPERM` for who may not (it needs `CAP_NET_ADMIN`).
    pub fn apply(self, interface: &str) -> io::Result<Self> {
        let wanted = hwtstamp_config { flags: self.flags, tx_type: self.transmit, rx_filter: self.filter };
        device_ffi::set(interface, wanted).map(Self::from)
    }

    /// With all frames stamped that the device claims to be able to stamp; the rest as it is.
    #[must_use]
    pub const fn with_all(self, claims: &Claims) -> Self {
        let transmit = if claims.transmit() { ON } else { self.transmit };
        let filter = if claims.receive() { ALL } else { self.filter };
        Self { transmit, filter, ..self }
    }

    /// For the certificate.
    #[must_use]
    pub fn record(self) -> StampConfig {
        StampConfig { transmit: words::transmit_type(self.transmit), receive: words::filter(self.filter) }
    }
}

/// Who reads and sets it.
pub trait Driver {
    /// See [`Configuration::read`].
    ///
    /// # Errors
    /// As there.
    fn read(&self, interface: &str) -> io::Result<Configuration>;

    /// See [`Configuration::apply`].
    ///
    /// # Errors
    /// As there.
    fn apply(&self, interface: &str, wanted: Configuration) -> io::Result<Configuration>;
}

/// The driver that the kernel has for an interface.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kernel;

impl Driver for Kernel {
    fn read(&self, interface: &str) -> io::Result<Configuration> {
        Configuration::read(interface)
    }

    fn apply(&self, interface: &str, wanted: Configuration) -> io::Result<Configuration> {
        wanted.apply(interface)
    }
}

impl From<hwtstamp_config> for Configuration {
    fn from(of: hwtstamp_config) -> Self {
        Self { flags: of.flags, transmit: of.tx_type, filter: of.rx_filter }
    }
}

/// `transmit on, receive all`
impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "transmit {}, receive {}", words::transmit_type(self.transmit), words::filter(self.filter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_device_claims_is_switched_on() {
        let off = Configuration { flags: 0, transmit: 0, filter: 12 };
        let both = Claims { flags: 0x5f, transmit_types: 0b11, filters: 0b11, phc: Some(0) };
        assert_eq!(off.with_all(&both).to_string(), "transmit on, receive all");
        let transmit_only = Claims { filters: 1 | 1 << 12, ..both };
        assert_eq!(off.with_all(&transmit_only).to_string(), "transmit on, receive ptpv2-event");
        assert_eq!(off.with_all(&Claims::default()), off);
    }

    #[test]
    fn the_loopback_cannot_be_set() {
        assert!(Configuration::read("lo").is_err());
        assert!(Configuration { flags: 0, transmit: 1, filter: 1 }.apply("lo").is_err());
    }
}
