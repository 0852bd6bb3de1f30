//! Settings of the lanes over DPDK.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use tickcert_results::certificate::OrderChannel;

use super::pci::PciAddress;
use crate::{api::Role, values};

/// Which kind of device carries the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// Rings in memory that the two processes share; no NIC takes part.
    Memif,
    /// The bench's interface, through AF_XDP.
    Afxdp,
    /// A NIC that DPDK drives itself.
    Pci,
}

/// Settings; all have defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, remote = "Self")]
pub struct Config {
    /// Which kind of device.
    pub device: Device,
    /// How orders cross.
    pub orders: OrderChannel,
    /// VLAN that frames are tagged with, 1 to 4094; none by default.
    #[serde(deserialize_with = "values::vlan")]
    pub vlan: Option<u16>,
    /// Most frames taken from the device in one call, 1 to 32.
    #[serde(deserialize_with = "values::between::<_, _, 1, 32>")]
    pub burst: u32,
    /// Descriptors in the ring of each direction, a power of two from 64 to 16384; by default what the profile's `stall`
    /// takes to receive, as far as the device has them, and 1024 to send.
    #[serde(deserialize_with = "values::any_power_of_two::<_, 64, 16_384>")]
    pub descriptors: Option<u32>,
    /// Buffers in the pool, each of 2 KiB, 512 to 262143: those in the device's rings, and some to work with; by default
    /// as many as that takes.
    #[serde(deserialize_with = "values::any_between::<_, 512, 262_143>")]
    pub buffers: Option<u32>,
    /// Memory of each end in MiB, out of huge pages, 16 to 65536.
    #[serde(deserialize_with = "values::between::<_, _, 16, 65_536>")]
    pub memory_mib: u32,
    /// Address of the exchange's NIC, as `lspci -D` prints it: `0000:03:00.0`.
    pub exchange_pci: Option<PciAddress>,
    /// Address of the trader's.
    pub trader_pci: Option<PciAddress>,
    /// Have the device write the arrival's time into each frame (`RTE_ETH_RX_OFFLOAD_TIMESTAMP`). Refused where its driver
    /// can't.
    pub receive_stamps: bool,
    /// Take a NIC even if the host needs it, for its default route, an SSH session or a bond.
    pub force_pci: bool,
    /// Further arguments of the device, as its driver documents them: `force_copy=1`.
    pub device_arguments: String,
    /// Further arguments of DPDK's environment (EAL).
    pub eal_arguments: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            device: Device::Memif,
            orders: OrderChannel::Datagram,
            vlan: None,
            burst: 32,
            descriptors: None,
            buffers: None,
            memory_mib: 64,
            exchange_pci: None,
            trader_pci: None,
            receive_stamps: false,
            force_pci: false,
            device_arguments: String::new(),
            eal_arguments: Vec::new(),
        }
    }
}

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // The derived one: a method of the type's own goes before that of a trait.
        Self::serialize(self, to)
    }
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let config = Self::deserialize(from)?;
        match (config.descriptors, config.buffers) {
            (Some(d), Some(b)) if b < 2 * d => {
                let what = format!("descriptors = {d} takes buffers of {} or more, for both rings, not {b}", 2 * d);
                Err(D::Error::custom(what))
            }
            _ => Ok(config),
        }
    }
}

impl Config {
    /// The NIC of one end, if any is named.
    pub(super) const fn pci(&self, role: Role) -> Option<&PciAddress> {
        match role {
            Role::Exchange => self.exchange_pci.as_ref(),
            Role::Trader => self.trader_pci.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Config, String> {
        serde_json::from_str(json).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        assert_eq!(read("{}").unwrap(), Config::default());
        assert_eq!(read(r#"{"vlan": null, "descriptors": null}"#).unwrap(), Config::default());
        let text = serde_json::to_string(&Config::default()).unwrap();
        assert_eq!(read(&text).unwrap(), Config::default(), "{text}");
        assert_eq!(read(r#"{"descriptors": 1024, "buffers": 2048}"#).unwrap().buffers, Some(2048));
    }

    #[test]
    fn numbers_that_no_device_takes_are_refused_with_the_range() {
        for (json, said) in [
            (r#"{"burst": 0}"#, "from 1 to 32"),
            (r#"{"burst": 33}"#, "from 1 to 32"),
            (r#"{"descriptors": 1000}"#, "power of two"),
            (r#"{"descriptors": 32768}"#, "power of two"),
            (r#"{"buffers": 1}"#, "from 512"),
            (r#"{"descriptors": 1024, "buffers": 2047}"#, "descriptors = 1024"),
            (r#"{"memory_mib": 1}"#, "from 16"),
            (r#"{"vlan": 4095}"#, "from 1 to 4094"),
            (r#"{"exchange_pci": "eth0"}"#, "0000:03:00.0"),
            (r#"{"colour": "red"}"#, "colour"),
        ] {
            let text = read(json).unwrap_err();
            assert!(text.contains(said), "{json}: {text}");
        }
    }
}
