//! Types and constants of the kernel's AF_XDP interface (`linux/if_xdp.h`), most of them by the `libc` crate; here is what
//! that lacks, with the header that has it.

pub(super) use libc::{
    AF_XDP, SOL_XDP, XDP_COPY, XDP_MMAP_OFFSETS, XDP_OPTIONS, XDP_OPTIONS_ZEROCOPY, XDP_PGOFF_RX_RING,
    XDP_PGOFF_TX_RING, XDP_RING_NEED_WAKEUP, XDP_RX_RING, XDP_STATISTICS, XDP_TX_METADATA, XDP_TX_RING,
    XDP_TXMD_FLAGS_TIMESTAMP, XDP_UMEM_COMPLETION_RING, XDP_UMEM_FILL_RING, XDP_UMEM_PGOFF_COMPLETION_RING,
    XDP_UMEM_PGOFF_FILL_RING, XDP_UMEM_REG, XDP_UMEM_TX_METADATA_LEN, XDP_USE_NEED_WAKEUP, XDP_ZEROCOPY, sockaddr_xdp,
    xdp_desc, xdp_mmap_offsets, xdp_options, xdp_ring_offset, xdp_statistics, xdp_umem_reg, xsk_tx_metadata,
};

/// Bytes that the kernel keeps in front of each received frame (`linux/bpf.h`); the rest of a chunk is for the frame.
pub(super) const XDP_PACKET_HEADROOM: u32 = 256;

/// Smallest chunk that the kernel takes (`net/xdp/xdp_umem.c`); the largest is a page.
pub(super) const XDP_UMEM_MIN_CHUNK_SIZE: u32 = 2048;

/// What the kernel says of a device (`linux/netdev.h`, Linux 6.3): the command, its key, and what AF_XDP may ask of its
/// driver for each frame sent (Linux 6.8).
pub(super) const NETDEV_CMD_DEV_GET: u8 = 1;
pub(super) const NETDEV_A_DEV_IFINDEX: u16 = 1;
pub(super) const NETDEV_A_DEV_XDP_RX_METADATA_FEATURES: u16 = 5;
pub(super) const NETDEV_A_DEV_XSK_FEATURES: u16 = 6;
/// A bit of what a program may ask for each frame received (`NETDEV_XDP_RX_METADATA_TIMESTAMP`, Linux 6.8).
pub(super) const NETDEV_XDP_RX_METADATA_TIMESTAMP: u64 = 1;
/// A bit of the latter: the time at which a frame left.
pub(super) const NETDEV_XSK_FLAGS_TX_TIMESTAMP: u64 = 1;

/// `asm-generic/socket.h`: microseconds that a call may poll the device's queue.
pub(super) const SO_BUSY_POLL: libc::c_int = 46;
/// `asm-generic/socket.h`, Linux 5.11: the queue is left to who polls it, and its interrupts stay off.
pub(super) const SO_PREFER_BUSY_POLL: libc::c_int = 69;
/// `asm-generic/socket.h`, Linux 5.11: frames that one such poll takes at most.
pub(super) const SO_BUSY_POLL_BUDGET: libc::c_int = 70;

/// Flags of a BPF link to XDP (`linux/if_link.h`): in the network stack, behind the driver.
#[cfg(feature = "bpf")]
pub(super) const XDP_FLAGS_SKB_MODE: u32 = 1 << 1;
/// In the driver.
#[cfg(feature = "bpf")]
pub(super) const XDP_FLAGS_DRV_MODE: u32 = 1 << 2;
