//! SoupBinTCP 3.00: the packets of an order session on a byte stream.
//!
//! A packet is a big-endian `u16` length (of what follows it), a type byte, and a payload. Packets respect no segment
//! boundaries; [`Deframer`] puts them together.

mod deframer;
mod packet;

pub use deframer::Deframer;
pub use packet::{
    CLIENT_HEARTBEAT, DEBUG, END_OF_SESSION, HEADER, LOGOUT_REQUEST, LoginAccepted, LoginRejected, LoginRequest,
    Packet, RejectReason, SEQUENCED_DATA, SERVER_HEARTBEAT, SoupError, UNSEQUENCED_DATA, packet_length, padded_left,
    padded_right, parse_sequence, write_data,
};

/// Largest packet that the length field can announce, the field itself included.
pub const MAX_PACKET: usize = 2 + u16::MAX as usize;

#[cfg(test)]
mod tests;
