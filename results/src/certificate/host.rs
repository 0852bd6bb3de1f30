//! The system under test, as far as it can be read without measuring.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClockProbe, NoiseProbe, Setting};

/// The system under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sut {
    /// SHA-256 over everything that would make two results incomparable (CPU, microcode, kernel and its command line,
    /// NICs with driver and firmware, NUMA layout, virtualisation).
    pub hash: String,
    /// The user's name for the machine.
    pub label: String,
    /// What was read.
    pub host: Host,
}

/// The exchange's host, where it is another than the system under test: the clock of tick-to-trade is its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExchangeHost {
    /// As of a [`Sut`]; part of that one's.
    pub hash: String,
    /// What was read.
    pub host: Host,
    /// Settings that spoil measurements, as found.
    pub audit: Vec<Setting>,
    /// The clock of tick-to-trade and of the schedule.
    pub clocks: ClockProbe,
    /// What takes the exchange's core away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseProbe>,
}

/// The host's hardware and kernel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// Host name.
    pub hostname: String,
    /// Processor.
    pub cpu: CpuInfo,
    /// `uname -r`.
    pub kernel: String,
    /// `uname -v`.
    pub kernel_build: String,
    /// The kernel's command line.
    pub cmdline: String,
    /// NUMA nodes, each with its cores (`0-15,32-47`).
    pub numa: Vec<String>,
    /// Network interfaces that are backed by a device.
    pub nics: Vec<NicInfo>,
    /// Name of the hypervisor when there is one, `none` on bare metal.
    pub virtualised: String,
    /// Memory in bytes.
    pub memory_bytes: u64,
}

/// The processor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CpuInfo {
    /// As the processor names itself.
    pub model: String,
    /// Microcode revision.
    pub microcode: String,
    /// Cores on line.
    pub cores: u32,
    /// Threads per core.
    pub threads_per_core: u32,
    /// Sockets.
    pub sockets: u32,
}

/// A network interface.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NicInfo {
    /// Interface.
    pub name: String,
    /// Kernel driver.
    pub driver: String,
    /// Firmware version, empty where it can't be read.
    pub firmware: String,
    /// PCI address, empty for a device without.
    pub pci: String,
    /// NUMA node of the device, -1 where it has none.
    pub numa_node: i32,
    /// Link speed in Mbit/s, -1 where unknown.
    pub speed_mbps: i64,
}
