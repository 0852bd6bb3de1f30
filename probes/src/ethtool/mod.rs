//! What ethtool says of an interface: asked of the running kernel, or read in a recorded tree, where its output lies in
//! `ethtool/INTERFACE/` (`driver` of `ethtool -i`, `coalesce` of `-c`, `features` of `-k`, `pause` of `-a`).

mod features_ffi;
mod ioctl_ffi;
mod table_ffi;

use std::{io, path::Path};

use crate::{host::is_live, sysfs};

/// Who drives an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Driver {
    /// The driver's name.
    pub driver: String,
    /// The driver's version: the kernel's own where it is part of it.
    pub version: String,
    /// The firmware's version, in the driver's words.
    pub firmware: String,
}

/// How an interface gathers its interrupts; `None` where its driver doesn't say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coalescing {
    /// How long an interrupt waits after a frame has arrived, in microseconds.
    pub rx_us: Option<u32>,
    /// The same after one has left.
    pub tx_us: Option<u32>,
    /// How many frames are gathered at most before there is an interrupt; 0 where it goes by time alone.
    pub rx_frames: Option<u32>,
    /// The same of frames that have left.
    pub tx_frames: Option<u32>,
    /// Whether the driver changes `rx_us` with the traffic.
    pub adaptive_rx: Option<bool>,
    /// The same of `tx_us`.
    pub adaptive_tx: Option<bool>,
}

/// What an interface can do to frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Feature {
    /// Whether it does.
    pub on: bool,
    /// Whether nobody can change that: `[fixed]`.
    pub fixed: bool,
}

/// What puts received frames together; `None` where it isn't known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiveOffloads {
    /// The kernel: generic receive off-load.
    pub gro: Option<Feature>,
    /// The device: large receive off-load.
    pub lro: Option<Feature>,
    /// The device, so that the kernel could take it apart again.
    pub gro_hw: Option<Feature>,
}

/// Pause frames (IEEE 802.3x).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Whether both ends agree on them by themselves; what is set otherwise has no effect then.
    pub negotiated: bool,
    /// Whether those of the other end stop this one.
    pub rx: bool,
    /// Whether this one sends any.
    pub tx: bool,
}

/// What was asked for, nothing where the driver has no such thing, or why the kernel gave no answer.
pub type Answer<T> = io::Result<Option<T>>;

/// How many queues an interface of the calling thread's network namespace receives on.
///
/// # Errors
/// Where its driver doesn't say.
pub fn receive_queues(interface: &str) -> io::Result<u32> {
    table_ffi::queues(interface)
}

/// How many rules (`ethtool -N`) send some of what it receives to a queue by themselves, whatever its table says.
#[must_use]
pub fn receive_rules(interface: &str) -> u32 {
    table_ffi::rules(interface)
}

/// The queue that each part of what it receives goes to: its table of receive side scaling.
///
/// # Errors
/// Where its driver has none, or doesn't show it.
pub fn receive_table(interface: &str) -> io::Result<Vec<u32>> {
    table_ffi::read(interface)
}

/// Sets that table, to as many entries as it has; an empty one is the driver's own choice.
///
/// # Errors
/// What the kernel or the driver says against it.
pub fn set_receive_table(interface: &str, queues: &[u32]) -> io::Result<()> {
    table_ffi::set(interface, queues)
}

/// Who drives it; `None` where nobody answers.
#[must_use]
pub fn driver(root: &Path, interface: &str) -> Option<Driver> {
    if is_live(root) {
        return ioctl_ffi::driver(interface).map(|[driver, version, firmware]| Driver { driver, version, firmware });
    }
    let text = recorded(root, interface, "driver").ok()?;
    let of = |key| value(&text, key).unwrap_or_default().to_owned();
    Some(Driver { driver: of("driver"), version: of("version"), firmware: of("firmware-version") })
}

/// How it gathers interrupts; nothing where its driver can't.
///
/// # Errors
/// What the kernel or the driver says against the question.
pub fn coalescing(root: &Path, interface: &str) -> Answer<Coalescing> {
    if is_live(root) {
        let of = |([rx, tx, rx_frames, tx_frames], [adaptive_rx, adaptive_tx]): ([u32; 4], [bool; 2])| Coalescing {
            rx_us: Some(rx),
            tx_us: Some(tx),
            rx_frames: Some(rx_frames),
            tx_frames: Some(tx_frames),
            adaptive_rx: Some(adaptive_rx),
            adaptive_tx: Some(adaptive_tx),
        };
        return Ok(ioctl_ffi::coalescing(interface)?.map(of));
    }
    let text = recorded(root, interface, "coalesce")?;
    // `Adaptive RX: on  TX: n/a`
    let mut adaptive = value(&text, "Adaptive RX").unwrap_or_default().split_whitespace();
    let (adaptive_rx, adaptive_tx) = (adaptive.next().and_then(switch), adaptive.nth(1).and_then(switch));
    let number = |key| value(&text, key)?.parse().ok();
    Ok(Some(Coalescing {
        rx_us: number("rx-usecs"),
        tx_us: number("tx-usecs"),
        rx_frames: number("rx-frames"),
        tx_frames: number("tx-frames"),
        adaptive_rx,
        adaptive_tx,
    }))
}

/// What puts frames together; nothing where the kernel knows of none.
///
/// # Errors
/// As for [`coalescing`].
pub fn receive_offloads(root: &Path, interface: &str) -> Answer<ReceiveOffloads> {
    if is_live(root) {
        let Some(old) = ioctl_ffi::receive_offloads(interface)? else { return Ok(None) };
        let old = old.map(|on| Feature { on, fixed: false });
        let [gro, lro, gro_hw] = features_ffi::of(interface, ["rx-gro", "rx-lro", "rx-gro-hw"]);
        return Ok(Some(ReceiveOffloads { gro: gro.or(Some(old[0])), lro: lro.or(Some(old[1])), gro_hw }));
    }
    let text = recorded(root, interface, "features")?;
    // `off [fixed]`
    let of = |key| {
        let mut words = value(&text, key)?.split_whitespace();
        Some(Feature { on: switch(words.next()?)?, fixed: words.next() == Some("[fixed]") })
    };
    Ok(Some(ReceiveOffloads {
        gro: of("generic-receive-offload"),
        lro: of("large-receive-offload"),
        gro_hw: of("rx-gro-hw"),
    }))
}

/// Pause frames; nothing where its driver has none.
///
/// # Errors
/// As for [`coalescing`].
pub fn pause(root: &Path, interface: &str) -> Answer<Pause> {
    if is_live(root) {
        let of = |[negotiated, rx, tx]: [bool; 3]| Pause { negotiated, rx, tx };
        return Ok(ioctl_ffi::pause(interface)?.map(of));
    }
    let text = recorded(root, interface, "pause")?;
    let of = |key| value(&text, key).and_then(switch);
    let all = of("Autonegotiate").zip(of("RX")).zip(of("TX"));
    Ok(all.map(|((negotiated, rx), tx)| Pause { negotiated, rx, tx }))
}

/// What was not recorded is not known, and not what the driver lacks.
fn recorded(root: &Path, interface: &str, what: &str) -> io::Result<String> {
    let file = format!("ethtool/{interface}/{what}");
    let missing = || io::Error::new(io::ErrorKind::NotFound, format!("{file} was not recorded"));
    sysfs::read(root, &file).ok_or_else(missing)
}

/// The value of a line `key: value`.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(':')).map(str::trim)
}

fn switch(word: &str) -> Option<bool> {
    match word {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::fixture::Tree;

    #[test]
    fn what_a_driver_does_not_have_is_unknown_and_not_off() {
        let tree = Tree::new().file(
            "ethtool/eth2/coalesce",
            "Coalesce parameters for eth2:\nAdaptive RX: on  TX: n/a\nrx-usecs:\t49\ntx-usecs: n/a\ntx-frames:\t32\n",
        );
        let found = coalescing(tree.root(), "eth2").unwrap().unwrap();
        assert_eq!((found.adaptive_rx, found.adaptive_tx), (Some(true), None));
        assert_eq!((found.rx_us, found.tx_us), (Some(49), None));
        assert_eq!((found.rx_frames, found.tx_frames), (None, Some(32)));
        let e = coalescing(tree.root(), "eth3").unwrap_err();
        assert!(e.to_string().contains("ethtool/eth3/coalesce was not recorded"), "{e}");
    }

    #[test]
    fn a_feature_that_is_fixed_is_read_as_it_is() {
        let text = "Features for eth2:\ngeneric-receive-offload: on\nlarge-receive-offload: off [fixed]\n";
        let tree = Tree::new().file("ethtool/eth2/features", text);
        let found = receive_offloads(tree.root(), "eth2").unwrap().unwrap();
        let of = |on, fixed| Some(Feature { on, fixed });
        assert_eq!((found.gro, found.lro, found.gro_hw), (of(true, false), of(false, true), None));
    }
}
