//! Bad input and trouble: a clear error, nothing lost, nothing left behind.
#![cfg(test)]

#[cfg(feature = "bpf")]
mod afxdp;
mod at_once;
mod disk;
mod dpdk;
mod input;
mod interrupted;
mod killed;
mod no_sysfs;
mod peer_gone;
mod permission;
mod ports;
mod silence;
mod store;
#[path = "../support/mod.rs"]
mod support;
mod taken_away;
#[cfg(feature = "bpf")]
mod unwatched;
