//! Busy polling of sockets: a `recv` that finds nothing polls the device's queue itself, instead of waiting until the
//! kernel's soft interrupt has done so.
//!
//! On a socket that is read without waiting that is one pass over the queue in each `recv` (`sk_busy_loop` with
//! `nonblock`, Linux), and only when the kernel knows the queue: from the first packet on, and from devices with NAPI.

use std::{io, os::fd::AsFd};

use serde::{Deserialize, Serialize};

use super::socket_option_ffi as option;
use crate::{
    api::{OpenError, Unmet},
    values,
};

/// Settings of lanes over kernel sockets. Those about busy polling matter only where it is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether sockets poll the device.
    pub busy_poll: bool,
    /// `SO_PREFER_BUSY_POLL`: the device's interrupts stay off while somebody polls (where `napi_defer_hard_irqs` and
    /// `gro_flush_timeout` of the interface are set).
    pub prefer_busy_poll: bool,
    /// `SO_BUSY_POLL_BUDGET`: packets that one pass takes at most. Not zero, which for the kernel is 8.
    #[serde(deserialize_with = "values::between::<_, _, 1, 65_535>")]
    pub busy_poll_budget: u16,
}

/// `SO_BUSY_POLL`. No setting: on sockets that are read without waiting it is only on (above zero) or off.
const MICROSECONDS: i32 = 50;

/// As [`crate::api::Transport::DECIDED_BY_LANE`].
pub(crate) const DECIDED_BY_LANE: &str = r#"{"busy_poll": false}"#;

impl Default for Config {
    fn default() -> Self {
        Self { busy_poll: false, prefer_busy_poll: true, busy_poll_budget: 8 }
    }
}

impl Config {
    /// Applies it to a socket.
    ///
    /// # Errors
    /// [`OpenError::Unmet`] where the kernel doesn't know the options, or this process may not set them.
    pub(crate) fn apply(&self, socket: &impl AsFd) -> Result<(), OpenError> {
        if !self.busy_poll {
            return Ok(());
        }
        set(socket, "SO_BUSY_POLL", libc::SO_BUSY_POLL, MICROSECONDS)?;
        set(socket, "SO_PREFER_BUSY_POLL", libc::SO_PREFER_BUSY_POLL, i32::from(self.prefer_busy_poll))?;
        set(socket, "SO_BUSY_POLL_BUDGET", libc::SO_BUSY_POLL_BUDGET, i32::from(self.busy_poll_budget))
    }
}

fn set(socket: &impl AsFd, name: &str, option: libc::c_int, value: i32) -> Result<(), OpenError> {
    option::set(socket, option, value).map_err(|e| match e.raw_os_error() {
        Some(libc::EPERM) => OpenError::Unmet(Unmet {
            needs: format!("CAP_NET_ADMIN on the host, to set {name}"),
            how: "run as root; in a user namespace it can't be had".to_owned(),
        }),
        Some(libc::ENOPROTOOPT) => OpenError::Unmet(Unmet {
            needs: format!("a kernel that knows {name}"),
            how: "Linux 5.11 or later, built with CONFIG_NET_RX_BUSY_POLL".to_owned(),
        }),
        _ => OpenError::Io(io::Error::new(e.kind(), format!("set {name} to {value}: {e}"))),
    })
}

/// What the kernel says of a socket: whether it polls, and which queue.
pub(crate) fn describe(socket: &impl AsFd) -> Option<String> {
    option::get(socket, libc::SO_BUSY_POLL).ok().filter(|time| *time > 0)?;
    let prefer = option::get(socket, libc::SO_PREFER_BUSY_POLL).unwrap_or_default();
    let queue = match option::get(socket, libc::SO_INCOMING_NAPI_ID) {
        // Numbers below that are of no device's queue (`MIN_NAPI_ID` is above the number of processors).
        Ok(0) => "but packets came from no queue that could be polled".to_owned(),
        Ok(id) => format!("the queue with NAPI id {id}"),
        Err(e) => format!("which queue is unknown ({e})"),
    };
    Some(format!("one pass a call, preferred {}, {queue}", prefer != 0))
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn what_is_set_is_what_the_kernel_says() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        Config::default().apply(&socket).unwrap();
        assert_eq!(describe(&socket), None);
        match (Config { busy_poll: true, busy_poll_budget: 5, ..Config::default() }).apply(&socket) {
            Ok(()) => assert!(describe(&socket).unwrap().starts_with("one pass a call, preferred true")),
            Err(OpenError::Unmet(unmet)) => println!("SKIPPED: busy polling: {unmet}"),
            Err(OpenError::Io(e)) => panic!("{e}"),
        }
    }

    #[test]
    fn a_budget_that_the_kernel_takes_for_another_is_refused() {
        for json in [r#"{"busy_poll_budget": 0}"#, r#"{"busy_poll_budget": 65536}"#] {
            let text = serde_json::from_str::<Config>(json).unwrap_err().to_string();
            assert!(text.contains("is not from 1 to 65535"), "{json}: {text}");
        }
    }
}
