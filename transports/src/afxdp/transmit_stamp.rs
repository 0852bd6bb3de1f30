//! The driver's transmit stamp: asked for in front of each frame sent (`struct xsk_tx_metadata` of `linux/if_xdp.h`), and
//! read there when the frame has come back.

use std::{collections::VecDeque, mem::offset_of};

use tickcert_results::time::Ticks;

use super::abi;
use crate::api::TxToken;

/// Bytes in front of each frame: the kernel's structure and, up to a cache line, so that the frame begins with one,
/// padding that the kernel leaves alone.
pub(super) const LENGTH: usize = 64;
/// The kernel takes these lengths (`net/xdp/xdp_umem.c`).
const _: () = assert!(LENGTH.is_multiple_of(8) && LENGTH < 256);

/// Where the answer lies; where the question's details were.
const STAMP: usize = 8;
const _: () = assert!(offset_of!(abi::xsk_tx_metadata, xsk_tx_metadata_union) == STAMP);
const _: () = assert!(offset_of!(abi::xsk_tx_metadata, flags) == 0);
/// Where the frame's name waits for it: in the padding.
const NAME: usize = LENGTH - 4;

/// What is asked of the driver for a frame: the kernel's structure, of whose last 8 bytes (the time at which it is to leave)
/// older kernels know nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request([u8; 24]);

impl Request {
    /// When it left. Zero where the stamp will be: a driver that has none leaves it.
    pub(super) fn stamp() -> Self {
        Self::new(abi::XDP_TXMD_FLAGS_TIMESTAMP.into(), [0; 4])
    }

    /// Flags (`XDP_TXMD_FLAGS_*`) and their details.
    pub(super) fn new(flags: u64, details: [u8; 4]) -> Self {
        let mut bytes = [0; 24];
        bytes[..STAMP].copy_from_slice(&flags.to_ne_bytes());
        bytes[STAMP..STAMP + 4].copy_from_slice(&details);
        Self(bytes)
    }
}

fn part<const BYTES: usize>(bytes: &[u8], at: usize) -> Option<[u8; BYTES]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Asks, and keeps the answers until they are asked for. Nothing is allocated after the beginning.
#[derive(Debug)]
pub(super) struct Stamps {
    request: Request,
    waiting: VecDeque<(TxToken, Ticks)>,
    most: usize,
    came: u64,
    returned: u64,
}

impl Stamps {
    /// `most` may wait; of more the oldest are lost.
    pub(super) fn new(request: Request, most: usize) -> Self {
        Self { request, waiting: VecDeque::with_capacity(most), most, came: 0, returned: 0 }
    }

    /// Asks, in the [`LENGTH`] bytes before the frame of that name.
    #[inline]
    pub(super) fn ask(&self, before: &mut [u8], frame: TxToken) {
        let Some(before) = before.first_chunk_mut::<LENGTH>() else { return };
        before[..self.request.0.len()].copy_from_slice(&self.request.0);
        before[NAME..].copy_from_slice(&frame.0.to_ne_bytes());
    }

    /// Takes the answer, from the same bytes, once the kernel has given the frame back.
    #[inline]
    pub(super) fn take(&mut self, before: &[u8]) {
        self.returned += 1;
        let (Some(stamp), Some(name)) = (part(before, STAMP), part(before, NAME)) else { return };
        let Some(at) = Ticks::new(u64::from_ne_bytes(stamp)) else { return };
        self.came += 1;
        if self.waiting.len() == self.most {
            self.waiting.pop_front();
        }
        self.waiting.push_back((TxToken(u32::from_ne_bytes(name)), at));
    }

    /// Hands over what waits, in the order in which the frames came back.
    pub(super) fn hand_over(&mut self, mut on_stamp: impl FnMut(TxToken, Ticks)) {
        while let Some((frame, at)) = self.waiting.pop_front() {
            on_stamp(frame, at);
        }
    }

    /// Stamps that came, and frames that came back.
    pub(super) const fn coverage(&self) -> (u64, u64) {
        (self.came, self.returned)
    }
}
