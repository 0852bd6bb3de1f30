//! Which of the host's addresses somebody is logged in through.

use std::{
    collections::BTreeSet,
    env, fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Local addresses of SSH sessions: established TCP connections to port 22 in the calling thread's network namespace,
/// and the session that this process itself was started through, on whatever port.
pub(super) fn local_addresses() -> BTreeSet<IpAddr> {
    let mut sessions = BTreeSet::new();
    for table in ["tcp", "tcp6"] {
        let text = fs::read_to_string(format!("/proc/thread-self/net/{table}")).unwrap_or_default();
        sessions.extend(text.lines().filter_map(established_ssh));
    }
    sessions.extend(env::var("SSH_CONNECTION").ok().as_deref().and_then(own_session));
    sessions
}

/// The local address of a line of `/proc/net/tcp` (`sl local:port remote:port state …`), if its state is 1 (established)
/// and its port is 22.
fn established_ssh(line: &str) -> Option<IpAddr> {
    let mut fields = line.split_whitespace().skip(1);
    let (local, _remote, state) = (fields.next()?, fields.next()?, fields.next()?);
    let (ip, port) = local.split_once(':')?;
    let is_ssh = u16::from_str_radix(port, 16).ok()? == 22;
    (is_ssh && state == "01").then(|| address(ip)).flatten()
}

/// 32-bit words in hexadecimal, each in the byte order of the host: one for IPv4, four for IPv6.
fn address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(hex.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    match hex.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let mut bytes = [0; 16];
            for (index, to) in bytes.chunks_exact_mut(4).enumerate() {
                to.copy_from_slice(&word(index * 8)?);
            }
            // A server that listens for both protocols has its IPv4 sessions in the table of IPv6.
            Some(Ipv6Addr::from(bytes).to_canonical())
        }
        _ => None,
    }
}

/// `SSH_CONNECTION` is "client port server port".
fn own_session(variable: &str) -> Option<IpAddr> {
    variable.split_whitespace().nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ESTABLISHED: &str =
        "   1: 0500000A:0016 0100000A:C350 01 00000000:00000000 02:000A7214 00000000     0        0 1 2";

    #[test]
    fn an_established_session_on_port_22_gives_its_local_address() {
        assert_eq!(established_ssh(ESTABLISHED), Some("10.0.0.5".parse().unwrap()));
    }

    #[test]
    fn a_listening_server_other_ports_and_the_heading_are_no_sessions() {
        assert_eq!(established_ssh(&ESTABLISHED.replace(" 01 ", " 0A ")), None);
        assert_eq!(established_ssh(&ESTABLISHED.replace(":0016", ":0017")), None);
        assert_eq!(established_ssh("  sl  local_address rem_address   st tx_queue rx_queue"), None);
        assert_eq!(established_ssh(""), None);
    }

    #[test]
    fn an_ipv4_session_in_the_table_of_ipv6_is_an_ipv4_address() {
        let line = ESTABLISHED.replace("0500000A", "0000000000000000FFFF00000500000A");
        assert_eq!(established_ssh(&line), Some("10.0.0.5".parse().unwrap()));
    }

    #[test]
    fn the_own_session_is_known_from_the_environment() {
        assert_eq!(own_session("192.0.2.9 50000 192.0.2.1 2222"), Some("192.0.2.1".parse().unwrap()));
        assert_eq!(own_session(""), None);
    }
}
