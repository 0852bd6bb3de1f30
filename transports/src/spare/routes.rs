//! Through which interfaces default routes go.

use std::{collections::BTreeSet, fs};

/// Interfaces that carry a default route, in the calling thread's network namespace.
pub(super) fn default_routes() -> BTreeSet<String> {
    let table = |name: &str| fs::read_to_string(format!("/proc/thread-self/net/{name}")).unwrap_or_default();
    let v4 = table("route");
    let v6 = table("ipv6_route");
    v4.lines().filter_map(default_route).chain(v6.lines().filter_map(default_route_6)).collect()
}

/// `Iface Destination Gateway Flags RefCnt Use Metric Mask …`, in hexadecimal.
fn default_route(line: &str) -> Option<String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    (fields.get(1) == Some(&"00000000") && fields.get(7) == Some(&"00000000")).then(|| fields[0].to_owned())
}

/// `destination length source length next-hop metric references use flags interface`; the loopback has one that rejects.
fn default_route_6(line: &str) -> Option<String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let is_default = fields.first()?.bytes().all(|b| b == b'0') && *fields.get(1)? == "00";
    fields.get(9).filter(|name| is_default && **name != "lo").map(|name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_routes_are_read_from_the_kernels_tables() {
        let line = "eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0";
        assert_eq!(default_route(line).as_deref(), Some("eth0"));
        assert_eq!(default_route(&line.replace("\t00000000\t0102", "\t0002A8C0\t0102")), None);
        assert_eq!(default_route("Iface\tDestination\tGateway \tFlags"), None);
        let zero = "0".repeat(32);
        let line = format!("{zero} 00 {zero} 00 {zero} 00000400 00000001 00000000 00000001     eth0");
        assert_eq!(default_route_6(&line).as_deref(), Some("eth0"));
        assert_eq!(default_route_6(&line.replace("eth0", "lo")), None);
    }
}
