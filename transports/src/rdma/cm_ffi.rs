//! Queue pairs connected by the connection manager (rdma_cm), which finds the way to the other end's address by the kernel's
//! routes and asks that end. The exchange listens; the trader connects a queue pair after the other, in the order of the
//! streams.
#![expect(unsafe_code, reason = "a foreign interface")]

use std::{
    io, mem,
    net::SocketAddrV4,
    os::fd::BorrowedFd,
    ptr::{self, NonNull},
    time::{Duration, Instant},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rdma_mummy_sys::{
    ibv_qp_attr, ibv_qp_state, rdma_accept, rdma_ack_cm_event, rdma_bind_addr, rdma_cm_event,
    rdma_cm_event_type as Event, rdma_cm_id, rdma_conn_param, rdma_connect, rdma_create_event_channel, rdma_create_id,
    rdma_destroy_event_channel, rdma_destroy_id, rdma_establish, rdma_event_channel, rdma_get_cm_event,
    rdma_init_qp_attr, rdma_listen, rdma_port_space, rdma_resolve_addr, rdma_resolve_route, rdma_set_option,
};

use super::{
    queue_ffi::{NOT_READY_RETRIES, Queue, RETRIES},
    way::Way,
};

/// `RDMA_OPTION_ID` and `RDMA_OPTION_ID_TOS`: the traffic class, from which a service level follows.
const OPTION_ID: i32 = 0;
const TRAFFIC_CLASS: i32 = 0;

/// Where events of connections come from.
pub(super) struct Manager {
    channel: NonNull<rdma_event_channel>,
    deadline: Instant,
}

/// One side of a connection, or a listener. It must live for as long as the connection.
pub(super) struct Identifier(NonNull<rdma_cm_id>);

/// An event, taken note of when it is dropped.
struct Told(NonNull<rdma_cm_event>);

// SAFETY: a channel may be used from any thread; here it is used by its owner only.
unsafe impl Send for Manager {}
// SAFETY: as above.
unsafe impl Send for Identifier {}

/// What the library says of a call.
fn done(what: &str, code: i32) -> io::Result<()> {
    if code == 0 {
        return Ok(());
    }
    let e = io::Error::last_os_error();
    Err(io::Error::new(e.kind(), format!("rdma_cm can't {what}: {e}")))
}

impl Manager {
    /// Whose waiting ends at `deadline`.
    ///
    /// # Errors
    /// Without `/dev/infiniband/rdma_cm`.
    pub(super) fn new(deadline: Instant) -> io::Result<Self> {
        // SAFETY: no condition.
        let channel = NonNull::new(unsafe { rdma_create_event_channel() }).ok_or_else(|| {
            let e = io::Error::last_os_error();
            io::Error::new(e.kind(), format!("rdma_cm is not there: {e}; modprobe rdma_ucm, and /dev/infiniband/rdma_cm must be readable and writable"))
        })?;
        Ok(Self { channel, deadline })
    }

    fn identifier(&self) -> io::Result<Identifier> {
        let mut id = ptr::null_mut();
        let space = rdma_port_space::RDMA_PS_TCP;
        // SAFETY: a channel that there is, and where a pointer may be written.
        let code = unsafe { rdma_create_id(self.channel.as_ptr(), &raw mut id, ptr::null_mut(), space) };
        done("make an identifier", code)?;
        NonNull::new(id).map(Identifier).ok_or_else(|| io::Error::other("rdma_cm made no identifier"))
    }

    /// Waits for the event that is due.
    fn wait(&self, due: Event::Type, what: &str) -> io::Result<Told> {
        loop {
            // SAFETY: a channel that there is.
            let descriptor = unsafe { self.channel.as_ref() }.fd;
            // SAFETY: the channel's, which is open for as long as the channel is.
            let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
            let left = self.deadline.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
            if poll(&mut [PollFd::new(descriptor, PollFlags::POLLIN)], timeout)? == 0 {
                return Err(io::Error::new(io::ErrorKind::TimedOut, format!("rdma_cm did not {what} in time")));
            }
            let mut event = ptr::null_mut();
            // SAFETY: a channel that there is, with an event, and where a pointer may be written.
            done("tell what happened", unsafe { rdma_get_cm_event(self.channel.as_ptr(), &raw mut event) })?;
            let Some(told) = NonNull::new(event).map(Told) else { continue };
            // SAFETY: an event that was not taken note of yet.
            let said = unsafe { told.0.as_ref() };
            // Of a connection that stands, told to the side that has accepted it when the next is asked for.
            if said.event == Event::RDMA_CM_EVENT_ESTABLISHED && due != Event::RDMA_CM_EVENT_ESTABLISHED {
                continue;
            }
            if said.event != due || said.status != 0 {
                let text = format!(
                    "rdma_cm did not {what}: {} (status {}){}",
                    name(said.event),
                    said.status,
                    remedy(said.event)
                );
                return Err(io::Error::new(io::ErrorKind::ConnectionRefused, text));
            }
            return Ok(told);
        }
    }

    /// How long a step that the library times itself may take, in milliseconds.
    fn milliseconds_left(&self) -> i32 {
        let left = self.deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        i32::try_from(left.as_millis()).unwrap_or(i32::MAX)
    }

    /// As exchange: listens at an address of one of its devices.
    ///
    /// # Errors
    /// When no RDMA device has the address, or the port is taken.
    pub(super) fn listen(&self, at: SocketAddrV4) -> io::Result<Identifier> {
        let id = self.identifier()?;
        let mut address = socket_address(at);
        // SAFETY: an identifier that there is, and a whole address.
        let code = unsafe { rdma_bind_addr(id.0.as_ptr(), (&raw mut address).cast()) };
        done(&format!("bind to {at}: has an RDMA device this address?"), code)?;
        // SAFETY: an identifier that is bound.
        done("listen", unsafe { rdma_listen(id.0.as_ptr(), 3) })?;
        Ok(id)
    }

    /// As exchange: accepts the next connection, for this queue pair.
    ///
    /// # Errors
    /// When none comes in time.
    pub(super) fn accept(&self, queue: &Queue, way: &Way) -> io::Result<Identifier> {
        let told = self.wait(Event::RDMA_CM_EVENT_CONNECT_REQUEST, "hear of the trader")?;
        // SAFETY: an event that was not taken note of yet.
        let id = NonNull::new(unsafe { told.0.as_ref() }.id).map(Identifier);
        let id = id.ok_or_else(|| io::Error::other("rdma_cm has a request without an identifier"))?;
        drop(told);
        id.raise(queue, way)?;
        let mut parameters = parameters(queue);
        // SAFETY: an identifier with a request, and whole parameters.
        done("accept", unsafe { rdma_accept(id.0.as_ptr(), &raw mut parameters) })?;
        self.wait(Event::RDMA_CM_EVENT_ESTABLISHED, "establish the connection")?;
        Ok(id)
    }

    /// As trader: connects this queue pair.
    ///
    /// # Errors
    /// When there is no way, or nobody answers in time.
    pub(super) fn connect(
        &self,
        (from, to): (SocketAddrV4, SocketAddrV4),
        queue: &Queue,
        way: &Way,
    ) -> io::Result<Identifier> {
        let id = self.identifier()?;
        let mut class = way.traffic_class;
        // SAFETY: an identifier that there is, and an option of one byte.
        let code = unsafe { rdma_set_option(id.0.as_ptr(), OPTION_ID, TRAFFIC_CLASS, (&raw mut class).cast(), 1) };
        done("set the traffic class", code)?;
        let (mut from, mut target) = (socket_address(from), socket_address(to));
        let milliseconds = self.milliseconds_left();
        let addresses = ((&raw mut from).cast(), (&raw mut target).cast());
        // SAFETY: an identifier that there is, and whole addresses.
        let code = unsafe { rdma_resolve_addr(id.0.as_ptr(), addresses.0, addresses.1, milliseconds) };
        done(&format!("look for {to}"), code)?;
        self.wait(Event::RDMA_CM_EVENT_ADDR_RESOLVED, "find the exchange's address")?;
        // SAFETY: an identifier whose address is resolved.
        done("look for a route", unsafe { rdma_resolve_route(id.0.as_ptr(), milliseconds) })?;
        self.wait(Event::RDMA_CM_EVENT_ROUTE_RESOLVED, "find a route")?;
        let mut parameters = parameters(queue);
        // SAFETY: an identifier whose route is resolved, and whole parameters.
        done("connect", unsafe { rdma_connect(id.0.as_ptr(), &raw mut parameters) })?;
        self.wait(Event::RDMA_CM_EVENT_CONNECT_RESPONSE, "connect to the exchange")?;
        id.raise(queue, way)?;
        // SAFETY: an identifier whose connection was answered.
        done("establish the connection", unsafe { rdma_establish(id.0.as_ptr()) })?;
        Ok(id)
    }
}

impl Identifier {
    /// Brings up the queue pair, as the connection manager says, but for what the lane knows better.
    fn raise(&self, queue: &Queue, way: &Way) -> io::Result<()> {
        for state in [ibv_qp_state::IBV_QPS_RTR, ibv_qp_state::IBV_QPS_RTS] {
            // SAFETY: a structure of C of which all zero is a value.
            let mut attributes: ibv_qp_attr = unsafe { mem::zeroed() };
            attributes.qp_state = state;
            let mut mask = 0;
            // SAFETY: an identifier with a connection, and where attributes and their mask may be written.
            let code = unsafe { rdma_init_qp_attr(self.0.as_ptr(), &raw mut attributes, &raw mut mask) };
            done("say how a queue pair is brought up", code)?;
            queue.adopt(&mut attributes, mask, way).map_err(io::Error::other)?;
        }
        Ok(())
    }
}

fn parameters(queue: &Queue) -> rdma_conn_param {
    rdma_conn_param {
        private_data: ptr::null(),
        private_data_len: 0,
        responder_resources: 1,
        initiator_depth: 1,
        flow_control: 0,
        retry_count: RETRIES,
        rnr_retry_count: NOT_READY_RETRIES,
        srq: 0,
        qp_num: queue.number(),
    }
}

fn socket_address(address: SocketAddrV4) -> libc::sockaddr_in {
    libc::sockaddr_in {
        #[expect(clippy::cast_possible_truncation, reason = "a small number")]
        sin_family: libc::AF_INET as u16,
        sin_port: address.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
        sin_zero: [0; 8],
    }
}

/// Events by number (`enum rdma_cm_event_type`).
fn name(event: Event::Type) -> &'static str {
    match event {
        Event::RDMA_CM_EVENT_ADDR_ERROR => "RDMA_CM_EVENT_ADDR_ERROR",
        Event::RDMA_CM_EVENT_ROUTE_ERROR => "RDMA_CM_EVENT_ROUTE_ERROR",
        Event::RDMA_CM_EVENT_CONNECT_ERROR => "RDMA_CM_EVENT_CONNECT_ERROR",
        Event::RDMA_CM_EVENT_UNREACHABLE => "RDMA_CM_EVENT_UNREACHABLE",
        Event::RDMA_CM_EVENT_REJECTED => "RDMA_CM_EVENT_REJECTED",
        Event::RDMA_CM_EVENT_DISCONNECTED => "RDMA_CM_EVENT_DISCONNECTED",
        Event::RDMA_CM_EVENT_DEVICE_REMOVAL => "RDMA_CM_EVENT_DEVICE_REMOVAL",
        _ => "an event out of turn",
    }
}

fn remedy(event: Event::Type) -> &'static str {
    match event {
        Event::RDMA_CM_EVENT_ADDR_ERROR => "; is there a route to the address (`ip route get`), over an RDMA device?",
        Event::RDMA_CM_EVENT_UNREACHABLE => {
            "; does the other end answer (`ping`), and does nothing filter UDP port 4791?"
        }
        Event::RDMA_CM_EVENT_REJECTED => "; does the exchange listen?",
        _ => "",
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        // SAFETY: an event that was not taken note of yet.
        unsafe { rdma_ack_cm_event(self.0.as_ptr()) };
    }
}

impl Drop for Identifier {
    fn drop(&mut self) {
        // SAFETY: an identifier of which all events were taken note of.
        unsafe { rdma_destroy_id(self.0.as_ptr()) };
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        // SAFETY: a channel whose identifiers are gone.
        unsafe { rdma_destroy_event_channel(self.channel.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn an_address_is_in_the_wires_order() {
        let address = socket_address(SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 1), 0x1234));
        assert_eq!(address.sin_port.to_ne_bytes(), [0x12, 0x34]);
        assert_eq!(address.sin_addr.s_addr.to_ne_bytes(), [10, 77, 0, 1]);
    }

    #[test]
    fn an_event_that_was_not_due_is_named_with_what_to_look_at() {
        assert_eq!(name(Event::RDMA_CM_EVENT_REJECTED), "RDMA_CM_EVENT_REJECTED");
        assert!(remedy(Event::RDMA_CM_EVENT_UNREACHABLE).contains("4791"));
    }
}
