//! A queue pair with its two completion queues: made, brought up, posted to, and taken down again when dropped.
#![expect(unsafe_code, reason = "a foreign interface")]

use std::{io, mem, ptr, ptr::NonNull};

use rdma_mummy_sys::{
    ibv_access_flags, ibv_ah, ibv_ah_attr, ibv_create_ah, ibv_create_qp, ibv_destroy_ah, ibv_destroy_qp, ibv_gid,
    ibv_global_route, ibv_modify_qp, ibv_post_recv, ibv_post_send, ibv_qp, ibv_qp_attr, ibv_qp_attr_mask as Mask,
    ibv_qp_cap, ibv_qp_init_attr, ibv_qp_state, ibv_qp_type, ibv_recv_wr, ibv_send_wr,
};

use super::{
    completions_ffi::Completions,
    device_ffi::Device,
    refusal,
    way::{Way, mtu_code},
};
use crate::api::OpenError;

/// What both ends of unreliable datagrams know of each other; any number would do.
const DATAGRAM_KEY: u32 = 0x7469_636b;
/// An answer that doesn't come within 4.096 µs * 2^15 = 134 ms is asked for again, six times: soft-RoCE takes seven
/// for without end, and would be silent for ever about a wire that is cut.
const TIMEOUT: u8 = 15;
pub(super) const RETRIES: u8 = 6;
/// Seven means without end: a receiver that is slow makes the sender wait, and nothing is lost.
pub(super) const NOT_READY_RETRIES: u8 = 7;
/// So soon a sender comes again that found no receive waiting: 1 is 10 µs, the shortest.
const NOT_READY_PAUSE: u8 = 1;

/// Which service a queue pair gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// Reliable connection.
    Reliable,
    /// Unreliable datagrams.
    Datagram,
    /// Whole Ethernet frames.
    Raw,
}

/// How many requests a queue pair has room for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) sends: u32,
    pub(super) receives: u32,
    /// Bytes that travel inside a request, if the device has as many.
    pub(super) inline: u32,
}

/// A queue pair.
pub(super) struct Queue {
    pair: NonNull<ibv_qp>,
    /// Where its datagrams go.
    address: Option<NonNull<ibv_ah>>,
    service: Service,
    port: u8,
    /// Bytes that travel inside a request.
    pub(super) inline: u32,
    pub(super) sent: Completions,
    pub(super) received: Completions,
}

// SAFETY: a queue pair and what belongs to it may be used from any thread; here it is used by its owner only.
unsafe impl Send for Queue {}

fn last() -> io::Error {
    io::Error::last_os_error()
}

impl Queue {
    /// Makes one that can do nothing yet.
    ///
    /// # Errors
    /// What the driver refuses.
    pub(super) fn new(device: &Device, service: Service, room: Room, stamped: bool) -> Result<Self, OpenError> {
        let sent = device.completions(room.sends, stamped)?;
        let received = device.completions(room.receives, stamped)?;
        let mut inline = room.inline;
        let pair = loop {
            // SAFETY: a structure of C of which all zero is a value.
            let mut wanted: ibv_qp_init_attr = unsafe { mem::zeroed() };
            wanted.send_cq = sent.queue().as_ptr();
            wanted.recv_cq = received.queue().as_ptr();
            wanted.qp_type = match service {
                Service::Reliable => ibv_qp_type::IBV_QPT_RC,
                Service::Datagram => ibv_qp_type::IBV_QPT_UD,
                Service::Raw => ibv_qp_type::IBV_QPT_RAW_PACKET,
            };
            wanted.cap = ibv_qp_cap {
                max_send_wr: room.sends,
                max_recv_wr: room.receives,
                max_send_sge: 1,
                max_recv_sge: 1,
                max_inline_data: inline,
            };
            // SAFETY: a protection domain and completion queues of the same device, which outlive the pair.
            match NonNull::new(unsafe { ibv_create_qp(device.domain_ptr(), &raw mut wanted) }) {
                Some(pair) => {
                    // The driver says how much it grants: more than was asked for, or, against the manual, less.
                    inline = wanted.cap.max_inline_data;
                    break pair;
                }
                // What drivers say of too much inline data differs; with none of it the cause is another one.
                None if inline > 0 => inline /= 2,
                None => return Err(refusal::step("out of nothing", &last())),
            }
        };
        Ok(Self { pair, address: None, service, port: device.port.number(), inline, sent, received })
    }

    /// By which the other end names it.
    pub(super) fn number(&self) -> u32 {
        // SAFETY: a pair that there is.
        unsafe { self.pair.as_ref() }.qp_num
    }

    pub(super) const fn pair(&self) -> NonNull<ibv_qp> {
        self.pair
    }

    /// The first number of packets in each direction: of no meaning, only not that of a connection before.
    pub(super) fn first_packet(&self) -> u32 {
        self.number().wrapping_mul(0x9e37_79b9) & 0x00ff_ffff
    }

    fn modify(&self, step: &str, attributes: &mut ibv_qp_attr, mask: Mask) -> Result<(), OpenError> {
        #[expect(clippy::cast_possible_wrap, reason = "a set of few bits")]
        let mask = mask.0 as i32;
        // SAFETY: a pair that there is, and attributes of which those in the mask are set.
        match unsafe { ibv_modify_qp(self.pair.as_ptr(), attributes, mask) } {
            0 => Ok(()),
            errno => Err(refusal::step(step, &io::Error::from_raw_os_error(errno))),
        }
    }

    /// From here on receives can be posted.
    ///
    /// # Errors
    /// What the driver refuses.
    pub(super) fn prepare(&self) -> Result<(), OpenError> {
        let mut attributes = state(ibv_qp_state::IBV_QPS_INIT);
        attributes.port_num = self.port;
        let mask = Mask::IBV_QP_STATE | Mask::IBV_QP_PORT;
        let mask = match self.service {
            Service::Reliable => {
                let access = ibv_access_flags::IBV_ACCESS_LOCAL_WRITE | ibv_access_flags::IBV_ACCESS_REMOTE_WRITE;
                attributes.qp_access_flags = access.0;
                mask | Mask::IBV_QP_PKEY_INDEX | Mask::IBV_QP_ACCESS_FLAGS
            }
            Service::Datagram => {
                attributes.qkey = DATAGRAM_KEY;
                mask | Mask::IBV_QP_PKEY_INDEX | Mask::IBV_QP_QKEY
            }
            Service::Raw => mask,
        };
        self.modify("ready for receives", &mut attributes, mask)
    }

    /// Brings it up, with the other end's at the end of `way`.
    ///
    /// # Errors
    /// What the driver refuses: no way, a GID or an MTU that don't fit.
    pub(super) fn connect(&mut self, device: &Device, way: &Way) -> Result<(), OpenError> {
        let mut handle = address(way, self.port);
        let mut attributes = state(ibv_qp_state::IBV_QPS_RTR);
        let mut mask = Mask::IBV_QP_STATE;
        if self.service == Service::Reliable {
            attributes.ah_attr = handle;
            attributes.path_mtu = mtu_code(way.mtu);
            attributes.dest_qp_num = way.queue;
            attributes.rq_psn = way.first_packet;
            attributes.max_dest_rd_atomic = 1;
            attributes.min_rnr_timer = NOT_READY_PAUSE;
            mask |= Mask::IBV_QP_AV
                | Mask::IBV_QP_PATH_MTU
                | Mask::IBV_QP_DEST_QPN
                | Mask::IBV_QP_RQ_PSN
                | Mask::IBV_QP_MAX_DEST_RD_ATOMIC
                | Mask::IBV_QP_MIN_RNR_TIMER;
        }
        self.modify("ready to receive", &mut attributes, mask)?;
        let mut attributes = state(ibv_qp_state::IBV_QPS_RTS);
        let mut mask = Mask::IBV_QP_STATE;
        if self.service != Service::Raw {
            attributes.sq_psn = self.first_packet();
            mask |= Mask::IBV_QP_SQ_PSN;
        }
        if self.service == Service::Reliable {
            attributes.timeout = TIMEOUT;
            attributes.retry_cnt = RETRIES;
            attributes.rnr_retry = NOT_READY_RETRIES;
            attributes.max_rd_atomic = 1;
            mask |=
                Mask::IBV_QP_TIMEOUT | Mask::IBV_QP_RETRY_CNT | Mask::IBV_QP_RNR_RETRY | Mask::IBV_QP_MAX_QP_RD_ATOMIC;
        }
        self.modify("ready to send", &mut attributes, mask)?;
        if self.service == Service::Datagram {
            // SAFETY: a protection domain that there is, and an address that is whole.
            let made = unsafe { ibv_create_ah(device.domain_ptr(), &raw mut handle) };
            self.address = Some(NonNull::new(made).ok_or_else(|| refusal::step("ready to receive", &last()))?);
        }
        Ok(())
    }

    /// Brings it up a step, as the connection manager says, but for the packets' length and the pause, of which the lane knows
    /// better.
    ///
    /// # Errors
    /// What the driver refuses.
    pub(super) fn adopt(&self, attributes: &mut ibv_qp_attr, mask: i32, way: &Way) -> Result<(), OpenError> {
        attributes.path_mtu = attributes.path_mtu.min(mtu_code(way.mtu));
        attributes.min_rnr_timer = NOT_READY_PAUSE;
        attributes.ah_attr.sl = way.service_level;
        let step = if attributes.qp_state == ibv_qp_state::IBV_QPS_RTR { "ready to receive" } else { "ready to send" };
        self.modify(step, attributes, Mask(mask.cast_unsigned()))
    }

    /// Brings up one of raw packets, which has no other end.
    ///
    /// # Errors
    /// What the driver refuses.
    pub(super) fn connect_raw(&self) -> Result<(), OpenError> {
        self.modify("ready to receive", &mut state(ibv_qp_state::IBV_QPS_RTR), Mask::IBV_QP_STATE)?;
        self.modify("ready to send", &mut state(ibv_qp_state::IBV_QPS_RTS), Mask::IBV_QP_STATE)
    }

    /// What a datagram's request says of where it goes.
    pub(super) fn datagram_address(&self) -> (*mut ibv_ah, u32) {
        (self.address.map_or(ptr::null_mut(), NonNull::as_ptr), DATAGRAM_KEY)
    }

    /// Gives the device a send.
    ///
    /// # Errors
    /// `ENOMEM` where the queue is full; whatever else the driver says.
    #[inline]
    pub(super) fn post_send(&self, request: &mut ibv_send_wr) -> io::Result<()> {
        let mut bad = ptr::null_mut();
        // SAFETY: a pair that there is, one request of which every pointer leads to memory that stays until it completes (or
        // that is copied by the call, if it is inline), which is what the sender sees to.
        match unsafe { ibv_post_send(self.pair.as_ptr(), request, &raw mut bad) } {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }

    /// Gives the device a list of receives.
    ///
    /// # Errors
    /// Whatever the driver says; there is always room, since only as many are posted as have completed.
    #[inline]
    pub(super) fn post_receives(&self, first: &mut ibv_recv_wr) -> io::Result<()> {
        let mut bad = ptr::null_mut();
        // SAFETY: a pair that there is, and a list that ends, whose buffers stay for as long as the pair.
        match unsafe { ibv_post_recv(self.pair.as_ptr(), first, &raw mut bad) } {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: a pair that there is; after this nothing of it is used.
        unsafe { ibv_destroy_qp(self.pair.as_ptr()) };
        if let Some(address) = self.address {
            // SAFETY: an address that there is, and whose pair is gone.
            unsafe { ibv_destroy_ah(address.as_ptr()) };
        }
    }
}

/// Attributes of which only the state is set.
fn state(state: ibv_qp_state::Type) -> ibv_qp_attr {
    // SAFETY: a structure of C of which all zero is a value.
    let mut attributes: ibv_qp_attr = unsafe { mem::zeroed() };
    attributes.qp_state = state;
    attributes
}

fn address(way: &Way, port: u8) -> ibv_ah_attr {
    ibv_ah_attr {
        grh: ibv_global_route {
            dgid: ibv_gid { raw: way.gid },
            flow_label: 0,
            sgid_index: way.own_gid_index,
            // No farther than routers of one site.
            hop_limit: 64,
            traffic_class: way.traffic_class,
        },
        dlid: 0,
        sl: way.service_level,
        src_path_bits: 0,
        static_rate: 0,
        is_global: 1,
        port_num: port,
    }
}
