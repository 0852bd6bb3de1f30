//! What an interface is said to be able to. It is not believed before a real frame was stamped.

use std::io;

use libc::{
    HWTSTAMP_FILTER_ALL, HWTSTAMP_TX_ON, SOF_TIMESTAMPING_RAW_HARDWARE, SOF_TIMESTAMPING_RX_HARDWARE,
    SOF_TIMESTAMPING_TX_HARDWARE,
};
use tickcert_results::certificate::StampClaims;

use super::{device_ffi, tsinfo, words};

/// Of one interface, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// `SOF_TIMESTAMPING_*`.
    pub flags: u32,
    /// Bits of the numbers `HWTSTAMP_TX_*`.
    pub transmit_types: u32,
    /// Bits of the numbers `HWTSTAMP_FILTER_*`.
    pub filters: u32,
    /// The number of its PTP hardware clock.
    pub phc: Option<u32>,
}

const fn has(bits: u32, wanted: u32) -> bool {
    bits & wanted == wanted
}

impl Claims {
    /// Asks kernel and driver, in the calling thread's network namespace: by netlink, and by ioctl where the kernel is too old.
    ///
    /// # Errors
    /// `ENODEV` where there is no such interface. A driver that knows nothing of stamps claims nothing.
    pub fn read(interface: &str) -> io::Result<Self> {
        let asked = match tsinfo::read(interface) {
            Ok(None) => device_ffi::info(interface).map(|info| Self {
                flags: info.flags,
                transmit_types: info.transmit_types,
                filters: info.filters,
                phc: u32::try_from(info.phc).ok(),
            }),
            Ok(Some(claims)) => Ok(claims),
            Err(e) => Err(e),
        };
        match asked {
            Err(e) if e.raw_os_error() == Some(libc::EOPNOTSUPP) => Ok(Self::default()),
            asked => asked,
        }
    }

    /// Whether it stamps any frame that leaves.
    #[must_use]
    pub const fn transmit(&self) -> bool {
        has(self.flags, SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE)
            && has(self.transmit_types, 1 << HWTSTAMP_TX_ON)
    }

    /// Whether it stamps any frame that arrives, not those of PTP only.
    #[must_use]
    pub const fn receive(&self) -> bool {
        has(self.flags, SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE)
            && has(self.filters, 1 << HWTSTAMP_FILTER_ALL)
    }

    /// For the certificate.
    #[must_use]
    pub fn record(&self) -> StampClaims {
        StampClaims {
            transmit: self.transmit(),
            receive: self.receive(),
            words: words::of(self.flags, self.transmit_types, self.filters),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_claims_software_stamps_only_by_netlink_as_by_ioctl() {
        let claims = Claims::read("lo").unwrap();
        assert!(!claims.transmit() && !claims.receive() && claims.phc.is_none(), "{claims:?}");
        assert!(claims.record().words.contains(&"software-receive".to_owned()), "{claims:?}");
        let info = device_ffi::info("lo").unwrap();
        assert_eq!(
            (info.flags, info.transmit_types, info.filters),
            (claims.flags, claims.transmit_types, claims.filters)
        );
    }

    #[test]
    fn an_interface_that_is_not_there_is_an_error() {
        assert_eq!(Claims::read("nosuch0").unwrap_err().raw_os_error(), Some(libc::ENODEV));
        assert!(Claims::read("a-name-that-is-longer-than-any").is_err());
    }

    #[test]
    fn a_device_that_stamps_only_frames_of_ptp_does_not_stamp_ours() {
        let ptp_only = Claims { flags: 0x5f, transmit_types: 0b11, filters: 1 | 1 << 12, phc: Some(0) };
        assert!(ptp_only.transmit() && !ptp_only.receive());
        assert!(Claims { filters: 0b11, ..ptp_only }.receive());
        assert!(!Claims { transmit_types: 0b01, ..ptp_only }.transmit());
    }
}
