//! Settings of the lanes over RDMA.

use std::net::SocketAddrV4;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::{api::Role, values};

/// How a frame crosses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Written into the other end's memory, with an immediate value that completes a receive there.
    RcWrite,
    /// Written into the other end's memory, which that end looks at; no completion tells it.
    RcWritePoll,
    /// Sent into a buffer that the other end has posted, over a reliable connection.
    RcSend,
    /// The same as unreliable datagrams.
    Ud,
    /// Ethernet frames, steered to a queue pair by their addresses.
    Raw,
}

/// How the queue pairs come to know each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connect {
    /// Both ends tell each other numbers and keys on the control channel.
    Exchange,
    /// By the connection manager, which resolves the way there.
    Cm,
}

/// Settings; all have defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, remote = "Self")]
pub struct Config {
    /// How a frame crosses.
    pub operation: Operation,
    /// How the queue pairs come to know each other.
    pub connect: Connect,
    /// RDMA device of the exchange, as `rdma link` prints it (`mlx5_0`); none for soft-RoCE.
    pub exchange_device: Option<String>,
    /// The trader's.
    pub trader_device: Option<String>,
    /// Where the exchange listens for the trader's end of the control channel, where that is on another host: `10.0.0.1:26480`.
    pub control: Option<SocketAddrV4>,
    /// Port of the device, 1 to 254.
    #[serde(deserialize_with = "values::between::<_, _, 1, 254>")]
    pub port: u8,
    /// Index of the port's GID, 0 to 255; by default the first of RoCE v2 with an IPv4 address of the wire's, or any.
    #[serde(deserialize_with = "values::any_between::<_, 0, 255>")]
    pub gid_index: Option<u32>,
    /// Service level, 0 to 15: of RoCE the priority (PCP) of tagged frames.
    #[serde(deserialize_with = "values::between::<_, _, 0, 15>")]
    pub service_level: u8,
    /// Traffic class, 0 to 255: of RoCE v2 the DSCP in its upper six bits.
    #[serde(deserialize_with = "values::between::<_, _, 0, 255>")]
    pub traffic_class: u8,
    /// Most bytes of a packet, a power of two from 256 to 4096; by default what the port has active.
    #[serde(deserialize_with = "values::any_power_of_two::<_, 256, 4096>")]
    pub mtu: Option<u32>,
    /// Receives that wait for ticks or orders, a power of two from 64 to 32768; by default what the profile's `stall` takes.
    #[serde(deserialize_with = "values::any_power_of_two::<_, 64, 32_768>")]
    pub receive_ring: Option<u32>,
    /// Sends under way at the same time, a power of two from 16 to 4096.
    #[serde(deserialize_with = "values::power_of_two::<_, _, 16, 4096>")]
    pub send_ring: u32,
    /// One in so many sends is to report its completion, a power of two from 1 to 1024, at most half of `send_ring`. With
    /// stamps of completions every one does.
    #[serde(deserialize_with = "values::power_of_two::<_, _, 1, 1024>")]
    pub signal_every: u32,
    /// Frames up to so many bytes travel inside their work request, 0 to 1024; less where the device has no more.
    #[serde(deserialize_with = "values::between::<_, _, 0, 1024>")]
    pub inline_bytes: u32,
    /// Have the device stamp completions, where it can.
    pub completion_stamps: bool,
    /// Put the registered memory into huge pages, where there are some.
    pub huge_pages: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            operation: Operation::RcWrite,
            connect: Connect::Exchange,
            exchange_device: None,
            trader_device: None,
            control: None,
            port: 1,
            gid_index: None,
            service_level: 0,
            traffic_class: 0,
            mtu: None,
            receive_ring: None,
            send_ring: 256,
            signal_every: 32,
            inline_bytes: 256,
            completion_stamps: true,
            huge_pages: true,
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
        let Self { send_ring, signal_every, .. } = config;
        if signal_every > send_ring / 2 {
            let what = format!(
                "signal_every = {signal_every} is more than half of send_ring = {send_ring}: a full ring would wait for a completion that none of its sends reports"
            );
            return Err(D::Error::custom(what));
        }
        Ok(config)
    }
}

impl Config {
    /// The device of one end, if any is named.
    pub(super) fn device(&self, role: Role) -> Option<&str> {
        match role {
            Role::Exchange => self.exchange_device.as_deref(),
            Role::Trader => self.trader_device.as_deref(),
        }
    }

    /// Whether RDMA is to be done in software.
    pub(super) const fn is_soft(&self) -> bool {
        self.exchange_device.is_none() && self.trader_device.is_none()
    }

    /// Receives that wait for ticks or orders, where so many packets come within a stall.
    pub(super) fn receives(&self, packets_in_a_stall: usize) -> u32 {
        let of_stall = || u32::try_from(packets_in_a_stall).unwrap_or(u32::MAX).clamp(256, 32_768).next_power_of_two();
        self.receive_ring.unwrap_or_else(of_stall)
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
        assert_eq!(read(r#"{"mtu": null, "gid_index": null}"#).unwrap(), Config::default());
        let text = serde_json::to_string(&Config::default()).unwrap();
        assert_eq!(read(&text).unwrap(), Config::default(), "{text}");
    }

    #[test]
    fn numbers_that_no_device_takes_are_refused_with_the_range() {
        for (json, said) in [
            (r#"{"port": 0}"#, "from 1 to 254"),
            (r#"{"gid_index": 256}"#, "from 0 to 255"),
            (r#"{"service_level": 16}"#, "from 0 to 15"),
            (r#"{"traffic_class": 256}"#, "from 0 to 255"),
            (r#"{"mtu": 1500}"#, "power of two from 256 to 4096"),
            (r#"{"receive_ring": 100}"#, "power of two"),
            (r#"{"send_ring": 8}"#, "power of two from 16"),
            (r#"{"inline_bytes": 2000}"#, "from 0 to 1024"),
            (r#"{"send_ring": 32, "signal_every": 32}"#, "signal_every = 32"),
            (r#"{"control": "10.0.0.1"}"#, "socket address"),
            (r#"{"colour": "red"}"#, "colour"),
        ] {
            let text = read(json).unwrap_err();
            assert!(text.contains(said), "{json}: {text}");
        }
    }

    #[test]
    fn receives_are_those_of_a_stall_unless_they_are_set() {
        let receives = |json, packets| read(json).unwrap().receives(packets);
        assert_eq!([0, 400, 6_000, 1 << 40].map(|n| receives("{}", n)), [256, 512, 8_192, 32_768]);
        assert_eq!(receives(r#"{"receive_ring": 64}"#, 6_000), 64);
    }
}
