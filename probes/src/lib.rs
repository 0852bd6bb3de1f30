//! Evidence about the host: its clocks, what it is made of, the settings that spoil measurements, and what takes the
//! cores away. Readers take the root of the file system as a parameter, so that recorded trees serve as fixtures.

pub mod affinity;
pub mod audit;
pub mod clocks;
pub mod core_to_core;
pub mod counters;
pub mod ethtool;
pub mod host;
pub mod irq;
pub mod isolated;
pub mod latency_hold;
pub mod memory;
pub mod memory_latency;
pub mod noise;
pub mod numa;
pub mod pair;
pub mod phc;
pub mod privilege;
pub mod ptp;
pub mod realtime;
pub mod steal;
pub mod sysfs;
pub mod tail;
pub mod topology;
