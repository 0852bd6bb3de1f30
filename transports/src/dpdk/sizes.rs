//! How many descriptors and buffers a port gets: as the settings say, or else so that what comes within the profile's
//! `stall` can wait.

use super::config::{Config, Device};
use crate::api::Link;

/// Descriptors where nothing asks for more.
const USUAL: u32 = 1024;
/// More than most devices have.
const MOST: u32 = 16_384;
const LEAST: u32 = 64;
/// So many buffers lie with the kernel for frames to come, however long the rings are (`net_af_xdp` of DPDK 22.11).
const AFXDP: u32 = 2048;
/// Buffers to work with: those that the core keeps for itself, a burst, and the next to be sent.
const BESIDE: u32 = 576;
/// Buffers by default.
const BUFFERS: u32 = 4095;
/// How many a MiB holds, each with all that DPDK keeps of it.
const BUFFERS_A_MIB: u32 = (1 << 20) / 2560;

/// Of one port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Descriptors of the ring to receive.
    pub(super) rx_descriptors: u16,
    /// Of the ring to send.
    pub(super) tx_descriptors: u16,
    /// Buffers in the pool.
    pub(super) buffers: u32,
}

impl Sizes {
    pub(super) fn new(config: &Config, link: &Link) -> Self {
        // A quarter of the memory is left for all else that DPDK keeps there.
        let room = config.buffers.unwrap_or(config.memory_mib * (BUFFERS_A_MIB * 3 / 4));
        let asked = config.descriptors;
        let tx = asked.unwrap_or_else(|| below(room / 4).min(USUAL));
        let rx = asked.unwrap_or_else(|| rx_for(config.device, link).min(below(room.saturating_sub(tx + BESIDE))));
        let held = match config.device {
            // Its rings are as long both ways, whatever is asked for.
            Device::Afxdp => AFXDP.max(rx) + rx,
            Device::Memif | Device::Pci => rx + tx,
        };
        let buffers = config.buffers.unwrap_or_else(|| BUFFERS.max(held + BESIDE));
        let descriptors = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
        Self { rx_descriptors: descriptors(rx), tx_descriptors: descriptors(tx), buffers }
    }
}

/// The power of two that is not above.
fn below(n: u32) -> u32 {
    1 << n.max(LEAST).ilog2()
}

/// So that what comes within a stall can wait, as far as the kind of device allows.
fn rx_for(device: Device, link: &Link) -> u32 {
    let most = match device {
        // Who sends waits until there is room.
        Device::Memif => return USUAL,
        Device::Afxdp => AFXDP,
        Device::Pci => MOST,
    };
    u32::try_from(link.packets_in_a_stall).unwrap_or(most).clamp(USUAL, most).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::tests::link;

    fn sizes(json: &str, packets: usize) -> (u16, u16, u32) {
        let link = Link { packets_in_a_stall: packets, ..link() };
        let Sizes { rx_descriptors, tx_descriptors, buffers } = Sizes::new(&serde_json::from_str(json).unwrap(), &link);
        (rx_descriptors, tx_descriptors, buffers)
    }

    #[test]
    fn a_nic_has_room_for_what_comes_within_a_stall_and_memif_needs_none() {
        assert_eq!(sizes(r#"{"device": "pci"}"#, 16_000), (16_384, 1024, 17_984));
        assert_eq!(sizes(r#"{"device": "pci"}"#, 3_000), (4096, 1024, 5696));
        assert_eq!(sizes(r#"{"device": "memif"}"#, 16_000), (1024, 1024, 4095));
    }

    #[test]
    fn over_afxdp_no_more_can_wait_than_the_driver_gives_to_the_kernel() {
        assert_eq!(sizes(r#"{"device": "afxdp"}"#, 16_000), (2048, 1024, 4672));
    }

    #[test]
    fn what_is_asked_for_is_what_there_is() {
        assert_eq!(sizes(r#"{"device": "pci", "descriptors": 512}"#, 16_000), (512, 512, 4095));
        assert_eq!(sizes(r#"{"device": "pci", "descriptors": 4096}"#, 0), (4096, 4096, 8768));
        assert_eq!(sizes(r#"{"device": "pci", "descriptors": 512, "buffers": 2000}"#, 0), (512, 512, 2000));
    }

    #[test]
    fn rings_are_no_longer_than_buffers_and_memory_allow() {
        assert_eq!(sizes(r#"{"device": "pci", "memory_mib": 16}"#, 16_000), (2048, 1024, 4095));
        assert_eq!(sizes(r#"{"device": "pci", "buffers": 3000}"#, 16_000), (1024, 512, 3000));
        assert_eq!(sizes(r#"{"device": "pci", "memory_mib": 65536}"#, 16_000), (16_384, 1024, 17_984));
    }
}
