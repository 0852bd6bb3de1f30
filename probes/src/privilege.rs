//! What this process may do: its capabilities, and whether they count outside a user namespace.

use std::path::Path;

use crate::sysfs;

/// A capability that some part of a run needs; the numbers are those of `linux/capability.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Capability {
    /// Interfaces, addresses, routes.
    NetAdmin = 12,
    /// Raw and packet sockets.
    NetRaw = 13,
    /// Locking more memory than the limit.
    IpcLock = 14,
    /// New namespaces.
    SysAdmin = 21,
}

/// Whether the calling thread has `capability` in its own user namespace.
#[must_use]
pub fn has(capability: Capability) -> bool {
    effective(&sysfs::read(Path::new("/"), "proc/thread-self/status").unwrap_or_default()) & (1 << capability as u8)
        != 0
}

/// The effective set in the text of a `/proc/<pid>/status`; empty where the line is missing.
fn effective(status: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(0)
}

/// Whether capabilities count for the whole host. In a user namespace they count for what the namespace owns only:
/// its network namespaces, but not limits, real-time priorities or devices.
#[must_use]
pub fn in_initial_user_namespace() -> bool {
    maps_everybody(&sysfs::read(Path::new("/"), "proc/self/uid_map").unwrap_or_default())
}

fn maps_everybody(uid_map: &str) -> bool {
    uid_map.split_whitespace().eq(["0", "0", "4294967295"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_effective_set_is_read_from_its_line_and_no_other() {
        let status = "CapInh:\t0000000000000000\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000003000\n";
        assert_eq!(effective(status), (1 << Capability::NetAdmin as u8) | (1 << Capability::NetRaw as u8));
        assert_eq!(effective("Name: x"), 0);
    }

    #[test]
    fn only_the_map_of_all_users_onto_themselves_is_the_initial_namespace() {
        assert!(maps_everybody("         0          0 4294967295"));
        assert!(!maps_everybody("         0       1000          1"));
        assert!(!maps_everybody(""));
    }
}
