//! The queue pairs of an end connected by the connection manager.

use std::{
    net::{Ipv4Addr, SocketAddrV4},
    time::{Duration, Instant},
};

use super::{
    cm_ffi::{Identifier, Manager},
    device_ffi::Device,
    meet::Meeting,
    opened::Stream,
    way::Way,
};
use crate::api::{Link, OpenError, Role, Unmet};

/// Connections that stand; they end when this is dropped.
pub(super) struct Managed {
    // Before the manager that they are of: fields are dropped in this order.
    _connections: Vec<Identifier>,
    _listener: Option<Identifier>,
    _manager: Manager,
}

/// Connects the queue pair of each stream with the other end's.
///
/// # Errors
/// [`OpenError::Unmet`] where a port has no IPv4 address; else as the manager says.
pub(super) fn connect(
    device: &Device,
    link: &Link,
    role: Role,
    streams: [(&dyn Stream, Way); 3],
    meeting: &mut Meeting,
) -> Result<Managed, OpenError> {
    let manager = Manager::new(Instant::now() + Duration::from(link.connect_timeout))?;
    let own = device.gid.ipv4().ok_or_else(no_address)?;
    // What the exchange listens at, and that it does.
    let listener = match role {
        Role::Exchange => Some(manager.listen(SocketAddrV4::new(own, link.orders.port()))?),
        Role::Trader => None,
    };
    let other: Ipv4Addr = meeting.exchange(&own)?;
    let mut connections = Vec::new();
    for (stream, way) in &streams {
        connections.push(match role {
            Role::Exchange => manager.accept(stream.queue(), way)?,
            Role::Trader => {
                let ends = (SocketAddrV4::new(own, 0), SocketAddrV4::new(other, link.orders.port()));
                manager.connect(ends, stream.queue(), way)?
            }
        });
    }
    Ok(Managed { _connections: connections, _listener: listener, _manager: manager })
}

fn no_address() -> Unmet {
    Unmet {
        needs: "a GID with an IPv4 address: rdma_cm finds the other end by that".to_owned(),
        how: "leave gid_index out under [transport.rdma], or take the same lane without `/cm`".to_owned(),
    }
}
