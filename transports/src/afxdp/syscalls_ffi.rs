//! System calls: the AF_XDP socket, its options, the memory that it shares with the kernel, and its doorbells.
#![expect(unsafe_code, reason = "system calls that take pointers and give memory")]

use std::{
    io, mem,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    ptr::{self, NonNull},
};

use super::abi;

/// Memory of this process that the kernel may share; unmapped when dropped.
#[derive(Debug)]
pub(super) struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: a mapping belongs to the process, not to a thread; who may read and write which part of it is the business of
// the rings and of the chunks' owners, which have their own reasons.
unsafe impl Send for Mapping {}
// SAFETY: as above; this type itself neither reads nor writes.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Zeroed memory of its own, touched already.
    pub(super) fn anonymous(len: usize) -> io::Result<Self> {
        Self::new(len, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_POPULATE, -1, 0)
    }

    fn new(len: usize, flags: libc::c_int, fd: libc::c_int, offset: libc::off_t) -> io::Result<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: without MAP_FIXED and with no address asked for, no memory that is in use is touched.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, fd, offset) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("memory at address zero"))?;
        Ok(Self { start, len })
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Where `count` values of `T` lie `offset` bytes from the start; `None` beyond the end or out of alignment.
    pub(super) fn part<T>(&self, offset: usize, count: usize) -> Option<NonNull<T>> {
        let end = offset.checked_add(count.checked_mul(size_of::<T>())?)?;
        if end > self.len {
            return None;
        }
        // SAFETY: the offset is within the mapping, as was just seen, and mappings are never longer than isize::MAX.
        let part = unsafe { self.start.add(offset) }.cast::<T>();
        part.is_aligned().then_some(part)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: nothing points into it any longer, since whatever does keeps it alive. The kernel has pinned what it
        // still uses of it.
        let _ = unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}

/// Which of a socket's four rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RingKind {
    Rx,
    Tx,
    Fill,
    Completion,
}

impl RingKind {
    const fn option(self) -> libc::c_int {
        match self {
            Self::Rx => abi::XDP_RX_RING,
            Self::Tx => abi::XDP_TX_RING,
            Self::Fill => abi::XDP_UMEM_FILL_RING,
            Self::Completion => abi::XDP_UMEM_COMPLETION_RING,
        }
    }

    const fn page_offset(self) -> libc::off_t {
        match self {
            Self::Rx => abi::XDP_PGOFF_RX_RING,
            Self::Tx => abi::XDP_PGOFF_TX_RING,
            Self::Fill => abi::XDP_UMEM_PGOFF_FILL_RING.cast_signed(),
            Self::Completion => abi::XDP_UMEM_PGOFF_COMPLETION_RING.cast_signed(),
        }
    }
}

/// An AF_XDP socket.
#[derive(Debug)]
pub(super) struct XdpSocket {
    fd: OwnedFd,
}

impl AsFd for XdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl XdpSocket {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: a call without pointers.
        let fd = unsafe { libc::socket(abi::AF_XDP, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new, and nobody else has it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { fd })
    }

    /// Makes `memory` the place of its frames, in chunks of `chunk` bytes; in front of a frame sent may lie `metadata`
    /// bytes for the driver.
    pub(super) fn register(&self, memory: &Mapping, chunk: u32, metadata: usize) -> io::Result<()> {
        let reg = abi::xdp_umem_reg {
            addr: memory.start.as_ptr() as u64,
            len: memory.len as u64,
            chunk_size: chunk,
            headroom: 0,
            flags: if metadata > 0 { abi::XDP_UMEM_TX_METADATA_LEN } else { 0 },
            tx_metadata_len: u32::try_from(metadata).map_err(io::Error::other)?,
        };
        self.set(abi::SOL_XDP, abi::XDP_UMEM_REG, &reg)
    }

    /// Makes a ring of that many entries, and maps it once [`Self::offsets`] has told its shape.
    pub(super) fn make_ring(&self, kind: RingKind, entries: u32) -> io::Result<()> {
        self.set(abi::SOL_XDP, kind.option(), &entries)
    }

    pub(super) fn map_ring(&self, kind: RingKind, len: usize) -> io::Result<Mapping> {
        Mapping::new(len, libc::MAP_SHARED | libc::MAP_POPULATE, self.fd.as_raw_fd(), kind.page_offset())
    }

    /// Where in each ring its parts lie.
    pub(super) fn offsets(&self) -> io::Result<abi::xdp_mmap_offsets> {
        let none = abi::xdp_ring_offset { producer: 0, consumer: 0, desc: 0, flags: 0 };
        let mut offsets = abi::xdp_mmap_offsets { rx: none, tx: none, fr: none, cr: none };
        get(self.as_fd(), abi::XDP_MMAP_OFFSETS, &mut offsets)?;
        Ok(offsets)
    }

    pub(super) fn bind(&self, interface: u32, queue: u32, flags: u16) -> io::Result<()> {
        let address = abi::sockaddr_xdp {
            sxdp_family: u16::try_from(abi::AF_XDP).map_err(io::Error::other)?,
            sxdp_flags: flags,
            sxdp_ifindex: interface,
            sxdp_queue_id: queue,
            sxdp_shared_umem_fd: 0,
        };
        let len = socklen::<abi::sockaddr_xdp>()?;
        // SAFETY: the address lives across the call and has the length given.
        let status = unsafe { libc::bind(self.fd.as_raw_fd(), (&raw const address).cast(), len) };
        answer(status)
    }

    /// A socket option of 32 bits, such as those of busy polling.
    pub(super) fn set_option(&self, name: libc::c_int, value: u32) -> io::Result<()> {
        self.set(libc::SOL_SOCKET, name, &value)
    }

    /// Whether the driver moves frames without copying them, as it was bound.
    pub(super) fn is_zero_copy(&self) -> io::Result<bool> {
        let mut options = abi::xdp_options { flags: 0 };
        get(self.as_fd(), abi::XDP_OPTIONS, &mut options)?;
        Ok(options.flags & abi::XDP_OPTIONS_ZEROCOPY != 0)
    }

    /// Frames that were meant for it and found no chunk to be put into, or no room in the receiving ring.
    pub(super) fn without_room(&self) -> io::Result<u64> {
        let counts = statistics(self.as_fd())?;
        Ok(counts.rx_dropped + counts.rx_ring_full)
    }

    /// Rings the doorbell of the sending ring, without waiting.
    #[inline]
    pub(super) fn kick_sending(&self) -> io::Result<()> {
        let fd = self.fd.as_raw_fd();
        // SAFETY: nothing is read from the null pointer, since the length is zero.
        let sent = unsafe { libc::sendto(fd, ptr::null(), 0, libc::MSG_DONTWAIT, ptr::null(), 0) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Rings the doorbell of the receiving side, without waiting; with busy polling the kernel polls the device now.
    #[inline]
    pub(super) fn kick_receiving(&self) -> io::Result<()> {
        let fd = self.fd.as_raw_fd();
        // SAFETY: nothing is written to the null pointers, since the length is zero and no address is asked for.
        let got =
            unsafe { libc::recvfrom(fd, ptr::null_mut(), 0, libc::MSG_DONTWAIT, ptr::null_mut(), ptr::null_mut()) };
        if got < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn set<T: Copy>(&self, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
        let len = socklen::<T>()?;
        // SAFETY: the kernel reads `len` bytes, the size of the value, which lives across the call.
        let status = unsafe { libc::setsockopt(self.fd.as_raw_fd(), level, name, ptr::from_ref(value).cast(), len) };
        answer(status)
    }
}

/// What the kernel counts of an AF_XDP socket.
///
/// # Errors
/// Where the descriptor is something else, or the kernel is older than Linux 5.9 and counts less.
pub(crate) fn statistics(socket: BorrowedFd<'_>) -> io::Result<abi::xdp_statistics> {
    let mut counts = abi::xdp_statistics {
        rx_dropped: 0,
        rx_invalid_descs: 0,
        tx_invalid_descs: 0,
        rx_ring_full: 0,
        rx_fill_ring_empty_descs: 0,
        tx_ring_empty_descs: 0,
    };
    get(socket, abi::XDP_STATISTICS, &mut counts)?;
    Ok(counts)
}

/// Only for types of plain integers: the kernel writes over the value.
fn get<T: Copy>(socket: BorrowedFd<'_>, name: libc::c_int, value: &mut T) -> io::Result<()> {
    let mut len = socklen::<T>()?;
    let to = ptr::from_mut(value).cast();
    // SAFETY: the kernel writes at most `len` bytes, the size of the value, and every bit pattern is one of its type.
    let status = unsafe { libc::getsockopt(socket.as_raw_fd(), abi::SOL_XDP, name, to, &raw mut len) };
    answer(status)?;
    if (len as usize) < size_of::<T>() {
        let what = "this kernel's AF_XDP is older than Linux 5.9";
        return Err(io::Error::new(io::ErrorKind::Unsupported, what));
    }
    Ok(())
}

fn socklen<T>() -> io::Result<libc::socklen_t> {
    libc::socklen_t::try_from(mem::size_of::<T>()).map_err(io::Error::other)
}

fn answer(status: libc::c_int) -> io::Result<()> {
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
