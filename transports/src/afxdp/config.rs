//! Settings of the lanes over AF_XDP.

use serde::{Deserialize, Deserializer, Serialize};
use tickcert_results::certificate::OrderChannel;

use super::{abi, transmit_stamp};
use crate::{
    api::{Link, Unmet},
    values,
};

/// Where the XDP program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// In the driver, before the kernel makes anything of a frame.
    #[default]
    Native,
    /// In the network stack, for drivers without XDP.
    Skb,
}

/// How frames get between device and this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Copying {
    /// The kernel copies them.
    #[default]
    Copy,
    /// The device reads and writes them where they are; only with a driver that can.
    ZeroCopy,
}

/// Settings of the lanes over AF_XDP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the XDP program runs.
    pub mode: Mode,
    /// Whether the kernel copies frames.
    pub copy: Copying,
    /// The device's queue, counted from 0. Ticks and orders must be steered to it (`ethtool -N`).
    pub queue: u32,
    /// Frames that can wait to be received, a power of two; by default what the profile's `stall` takes.
    #[serde(deserialize_with = "values::any_power_of_two::<_, MIN_RING, MAX_RING>")]
    pub receive_ring: Option<u32>,
    /// Frames that can wait to be sent, a power of two.
    #[serde(deserialize_with = "values::power_of_two::<_, _, MIN_RING, MAX_RING>")]
    pub send_ring: u32,
    /// Bytes of a chunk, which holds one frame: a power of two from 2048 up to a page; by default 2048, and 4096 where the
    /// device itself writes to them, and no frame may be longer than a chunk holds. When receiving, 256 of them are the kernel's.
    #[serde(deserialize_with = "frame_size")]
    pub frame_size: Option<u32>,
    /// Let the kernel say when it wants to be woken by a system call (`XDP_USE_NEED_WAKEUP`), rather than wake it always.
    pub need_wakeup: bool,
    /// Whether the receiving process polls the device, in place of interrupts.
    pub busy_poll: bool,
    /// Frames that one pass over the device's queue takes at most (`SO_BUSY_POLL_BUDGET`). Not zero, which for the
    /// kernel is 8.
    #[serde(deserialize_with = "values::between::<_, _, 1, 65_535>")]
    pub busy_poll_budget: u16,
    /// Leave the queue to the poller as long as it polls (`SO_PREFER_BUSY_POLL`).
    pub prefer_busy_poll: bool,
    /// Ask the driver for the time at which it received each frame (XDP metadata, Linux 6.3; native mode only). Refused
    /// on a virtual wire, whose stamps are no hardware's.
    pub receive_stamps: bool,
    /// Ask the driver for the time at which it sent each frame (TX metadata, Linux 6.11; zero-copy only: where frames are
    /// copied, the kernel stamps them with its own clock). Refused where the driver has no such stamps.
    pub transmit_stamps: bool,
    /// How orders cross.
    pub orders: OrderChannel,
    /// VLAN of all frames, 1 to 4094; none by default.
    #[serde(deserialize_with = "values::vlan")]
    pub vlan: Option<u16>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            copy: Copying::default(),
            queue: 0,
            receive_ring: None,
            send_ring: 512,
            frame_size: None,
            need_wakeup: true,
            busy_poll: false,
            busy_poll_budget: 64,
            prefer_busy_poll: true,
            receive_stamps: false,
            transmit_stamps: false,
            orders: OrderChannel::Datagram,
            vlan: None,
        }
    }
}

/// The most entries of a ring: with chunks of 4096 bytes their memory is 1 GiB.
const MAX_RING: u32 = 1 << 18;
/// Fewer than this are none at all.
const MIN_RING: u32 = 64;

impl Config {
    /// Whether the settings fit the lane.
    pub(super) fn check(&self) -> Result<(), Unmet> {
        if self.receive_stamps && self.mode == Mode::Skb {
            return Err(wrong("native mode for receive_stamps: only a driver has them".to_owned()));
        }
        if self.transmit_stamps && self.copy == Copying::Copy {
            return Err(Unmet {
                needs: "zero-copy for transmit_stamps: where frames are copied, the kernel's own clock stamps them"
                    .to_owned(),
                how: "use the lane afxdp-zc, or set transmit_stamps = false in [transport.afxdp]".to_owned(),
            });
        }
        Ok(())
    }

    /// Entries of the receiving ring on this link.
    pub(super) fn receive_entries(&self, link: &Link) -> u32 {
        self.receive_ring.unwrap_or_else(|| {
            let frames = u32::try_from(link.packets_in_a_stall).unwrap_or(MAX_RING);
            frames.clamp(MIN_RING, MAX_RING).next_power_of_two()
        })
    }

    /// Bytes of a chunk.
    pub(super) fn chunk(&self) -> u32 {
        self.frame_size.unwrap_or(match self.copy {
            Copying::Copy => 2048,
            Copying::ZeroCopy => 4096,
        })
    }

    /// The longest frame that a chunk receives. Devices that count the room in KiB use whole ones only, and cut a longer frame
    /// in two (`SRRCTL.BSIZEPKT` of Intel's; Linux sets it so in `igb_setup_srrctl`, `igc_configure_rx_ring` and
    /// `ixgbe_configure_srrctl`).
    pub(super) fn longest_received(&self, driver: &str) -> u32 {
        let room = self.chunk() - abi::XDP_PACKET_HEADROOM;
        match (self.copy, driver) {
            (Copying::ZeroCopy, "igb" | "igc" | "ixgbe") => room / 1024 * 1024,
            _ => room,
        }
    }

    /// Bytes of a chunk in front of a frame sent.
    pub(super) const fn before_sent(&self) -> usize {
        if self.transmit_stamps { transmit_stamp::LENGTH } else { 0 }
    }
}

fn wrong(needs: String) -> Unmet {
    Unmet { needs, how: "correct [transport.afxdp] in the profile".to_owned() }
}

fn frame_size<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let Some(size) = Option::<u32>::deserialize(from)? else { return Ok(None) };
    let (least, page) = (abi::XDP_UMEM_MIN_CHUNK_SIZE, page_size());
    let fits = size.is_power_of_two() && (least..=page).contains(&size);
    if fits { Ok(Some(size)) } else { Err(values::no_power(size, least, page)) }
}

fn page_size() -> u32 {
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten();
    page.and_then(|bytes| u32::try_from(bytes).ok()).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_lane_can_not_have_is_named() {
        assert_eq!(Config::default().check(), Ok(()));
        for (config, name) in [
            (Config { receive_stamps: true, mode: Mode::Skb, ..Config::default() }, "receive_stamps"),
            (Config { transmit_stamps: true, ..Config::default() }, "transmit_stamps"),
        ] {
            let unmet = config.check().unwrap_err();
            assert!(unmet.needs.contains(name) && unmet.how.contains("[transport.afxdp]"), "{unmet}");
        }
    }

    #[test]
    fn numbers_that_no_ring_chunk_or_vlan_has_are_refused_with_the_range() {
        for (json, said) in [
            (r#"{"send_ring": 500}"#, "500 is no power of two from 64 to 262144"),
            (r#"{"send_ring": 32}"#, "from 64 to 262144"),
            (r#"{"receive_ring": 0}"#, "0 is no power of two from 64"),
            (r#"{"receive_ring": 1073741824}"#, "to 262144"),
            (r#"{"frame_size": 3000}"#, "3000 is no power of two from 2048"),
            (r#"{"frame_size": 1048576}"#, "from 2048 to"),
            (r#"{"vlan": 5000}"#, "from 1 to 4094"),
            (r#"{"vlan": 0}"#, "from 1 to 4094"),
            (r#"{"busy_poll_budget": 0}"#, "0 is not from 1 to 65535"),
        ] {
            let text = serde_json::from_str::<Config>(json).unwrap_err().to_string();
            assert!(text.contains(said), "{json}: {text}");
        }
        let text = r#"{"receive_ring": null, "send_ring": 64, "frame_size": 2048, "vlan": 4094}"#;
        let config = serde_json::from_str::<Config>(text).unwrap();
        assert_eq!((config.receive_ring, config.send_ring, config.vlan), (None, 64, Some(4094)));
    }

    #[test]
    fn the_receiving_ring_holds_what_a_stall_takes_whatever_the_size_of_its_chunks() {
        let mut link = crate::raw::tests::link();
        for frame_size in [None, Some(2048), Some(4096)] {
            for (packets, entries) in
                [(4_096, 4_096), (13_000, 16_384), (16_384, 16_384), (200_000, 1 << 18), (300_000, 1 << 18)]
            {
                link.packets_in_a_stall = packets;
                assert_eq!(Config { frame_size, ..Config::default() }.receive_entries(&link), entries, "{packets}");
            }
            let asked = Config { frame_size, receive_ring: Some(128), ..Config::default() };
            assert_eq!(asked.receive_entries(&link), 128);
        }
    }

    #[test]
    fn a_chunk_that_the_device_writes_to_takes_a_whole_frame_by_default_also_where_it_counts_in_kib() {
        let copy = Config::default();
        let zero_copy = Config { copy: Copying::ZeroCopy, ..Config::default() };
        let small = Config { frame_size: Some(2048), ..zero_copy };
        for (config, driver, longest) in [
            (&copy, "igb", 1792),
            (&zero_copy, "ice", 3840),
            (&zero_copy, "igb", 3072),
            (&small, "ice", 1792),
            (&small, "igb", 1024),
            (&small, "igc", 1024),
            (&small, "ixgbe", 1024),
        ] {
            assert_eq!(config.longest_received(driver), longest, "{driver}: {config:?}");
        }
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        assert!(serde_json::from_str::<Config>(r#"{"multi_buffer": true}"#).is_err());
        let text = r#"{"mode": "skb", "copy": "zero-copy", "queue": 3, "busy_poll": true}"#;
        let config = serde_json::from_str::<Config>(text).unwrap();
        assert_eq!((config.mode, config.copy, config.queue), (Mode::Skb, Copying::ZeroCopy, 3));
        assert!(config.busy_poll);
    }
}
