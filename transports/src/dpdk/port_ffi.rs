//! One port of DPDK: plugged in, prepared, started, and taken out again when dropped.
#![expect(unsafe_code, reason = "a foreign interface")]

use std::{
    ffi::{c_int, c_uint},
    ptr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    arguments::DeviceName,
    shim_ffi::{Counts, Info, Mempool, Shim, Stamps, c_string},
    sizes::Sizes,
};

/// DPDK's lists of devices are changed by one thread at a time.
static LISTS: Mutex<Lists> = Mutex::new(Lists { ports: 0, held: false });

struct Lists {
    ports: u32,
    /// Whether the interrupt thread is kept from running.
    held: bool,
}

impl Lists {
    fn lock() -> MutexGuard<'static, Self> {
        LISTS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn let_go(&mut self, shim: &Shim) {
        if std::mem::take(&mut self.held) {
            // SAFETY: it is held, and by nobody else at the same time.
            unsafe { (shim.interrupts_let_go)() };
        }
    }
}

/// What DPDK refused.
#[derive(Debug, thiserror::Error)]
#[error("DPDK refuses {call} for {device}: {said}")]
pub(super) struct Refused {
    pub(super) call: String,
    device: String,
    said: String,
    /// DPDK's error number, negative.
    pub(super) error: c_int,
}

/// How a port is to be set up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// How many of each.
    pub(super) sizes: Sizes,
    /// The device is to write the arrival's time into received frames.
    pub(super) stamps: bool,
    /// It is to take frames whatever address they are for.
    pub(super) promiscuous: bool,
}

/// What a port turned out to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) pool: *mut Mempool,
    pub(super) info: Info,
    pub(super) rx_descriptors: u16,
    pub(super) tx_descriptors: u16,
    /// Longest frame that it carries, in bytes.
    pub(super) longest: u16,
    /// Memory node that it is at, or any (below 0).
    pub(super) node: c_int,
    /// Where received frames have their stamps.
    pub(super) stamps: Stamps,
    /// It has a clock that can be read (IEEE 1588).
    pub(super) has_clock: bool,
}

impl Default for Found {
    fn default() -> Self {
        Self {
            pool: ptr::null_mut(),
            info: Info::default(),
            rx_descriptors: 0,
            tx_descriptors: 0,
            longest: 0,
            node: ANY_NODE,
            stamps: Stamps::NONE,
            has_clock: false,
        }
    }
}

/// Bytes of a frame that a buffer holds (`RTE_MBUF_DEFAULT_DATAROOM`), and what drivers want before them
/// (`RTE_PKTMBUF_HEADROOM`).
const ROOM: u16 = 2048;
const HEADROOM: u16 = 128;
/// Buffers that a core keeps for itself, so that taking one needs no shared memory.
const CACHE: c_uint = 256;
/// Ethernet's header, with the tag of a VLAN.
const HEADER: u16 = 18;
/// `SOCKET_ID_ANY`
const ANY_NODE: c_int = -1;

/// A port that is set up.
pub(super) struct Port {
    pub(super) shim: &'static Shim,
    pub(super) id: u16,
    pub(super) found: Found,
    wanted: Wanted,
    device: DeviceName,
}

// SAFETY: what the pointer in `found` leads to is the port's own until it is dropped, and DPDK's functions may be called
// from any thread; that each queue is used by one at a time is seen to by the halves, which need `&mut` for it.
unsafe impl Send for Port {}
// SAFETY: as above; through a shared reference only the link's state and the device's counters are read.
unsafe impl Sync for Port {}

impl Port {
    /// Plugs the device in, if DPDK hasn't found it by itself, and prepares one queue each way.
    ///
    /// # Errors
    /// [`Refused`].
    pub(super) fn prepare(shim: &'static Shim, device: DeviceName, wanted: Wanted) -> Result<Self, Refused> {
        let mut lists = Lists::lock();
        lists.let_go(shim);
        let id = plugged(shim, &device)?;
        let mut port = Self { shim, id, found: Found::default(), wanted, device };
        lists.ports += 1;
        let ready = port.configure().and_then(|()| port.set_up_queues());
        // A port that is given up here locks them itself.
        drop(lists);
        ready?;
        Ok(port)
    }

    /// `Ok` unless the call answered with an error.
    fn checked(&self, call: &str, error: c_int) -> Result<(), Refused> {
        if error < 0 { Err(refused(self.shim, &self.device, call, error)) } else { Ok(()) }
    }

    fn configure(&mut self) -> Result<(), Refused> {
        let (shim, id) = (self.shim, self.id);
        // SAFETY: a port that there is, and where what is found may be written.
        let error = unsafe { (shim.info)(id, &raw mut self.found.info) };
        self.checked("rte_eth_dev_info_get", error)?;
        // SAFETY: a port that there is.
        self.found.node = unsafe { (shim.node)(id) };
        let stamps = self.wanted.stamps && self.found.info.rx_stamps != 0;
        // SAFETY: as above.
        let error = unsafe { (shim.configure)(id, stamps.into(), self.found.info.fast_free.into()) };
        self.checked("rte_eth_dev_configure", error)?;
        if stamps {
            let Stamps { offset, flag } = &mut self.found.stamps;
            // SAFETY: two places for numbers.
            let error = unsafe { (shim.register_stamps)(&raw mut *offset, &raw mut *flag) };
            self.checked("rte_mbuf_dyn_rx_timestamp_register", if error < 0 { shim.last_errno() } else { 0 })?;
        }
        Ok(())
    }

    fn set_up_queues(&mut self) -> Result<(), Refused> {
        let (shim, id) = (self.shim, self.id);
        let (mut rx, mut tx) = (self.wanted.sizes.rx_descriptors, self.wanted.sizes.tx_descriptors);
        // SAFETY: a port that there is, and two numbers that may be changed.
        let error = unsafe { (shim.adjust)(id, &raw mut rx, &raw mut tx) };
        self.checked("rte_eth_dev_adjust_nb_rx_tx_desc", error)?;
        (self.found.rx_descriptors, self.found.tx_descriptors) = (rx, tx);
        self.found.pool = self.new_pool()?;
        // `SOCKET_ID_ANY` is the same number without its sign.
        let node = self.found.node.cast_unsigned();
        // SAFETY: a port that there is, with a queue of that number; the default settings; a pool that outlives the port.
        let error = unsafe { (shim.rx_queue)(id, 0, rx, node, ptr::null(), self.found.pool) };
        self.checked("rte_eth_rx_queue_setup", error)?;
        // SAFETY: as above.
        self.checked("rte_eth_tx_queue_setup", unsafe { (shim.tx_queue)(id, 0, tx, node, ptr::null()) })
    }

    /// At the device's memory node, or wherever there is memory.
    fn new_pool(&self) -> Result<*mut Mempool, Refused> {
        let name = c_string(&format!("tickcert {}", self.id));
        for node in [self.found.node, ANY_NODE] {
            // SAFETY: a string, which DPDK copies.
            let pool = unsafe {
                (self.shim.pool_new)(name.as_ptr(), self.wanted.sizes.buffers, CACHE, 0, ROOM + HEADROOM, node)
            };
            if !pool.is_null() {
                return Ok(pool);
            }
        }
        Err(refused(self.shim, &self.device, "rte_pktmbuf_pool_create", self.shim.last_errno()))
    }

    /// Lets frames flow.
    ///
    /// # Errors
    /// [`Refused`]; it may be tried again.
    pub(super) fn start(&mut self) -> Result<(), Refused> {
        let _lists = Lists::lock();
        let (shim, id) = (self.shim, self.id);
        // SAFETY: a port that is prepared.
        self.checked("rte_eth_dev_start", unsafe { (shim.start_port)(id) })?;
        if self.wanted.promiscuous {
            // SAFETY: a port that there is.
            self.checked("rte_eth_promiscuous_enable", unsafe { (shim.promiscuous)(id) })?;
        }
        self.found.has_clock = self.look_at_clock();
        let mut mtu = 0;
        // SAFETY: a port that there is, and where a number may be written.
        let known = unsafe { (shim.mtu)(id, &raw mut mtu) } == 0;
        self.found.longest = if known { ROOM.min(mtu.saturating_add(HEADER)) } else { ROOM };
        Ok(())
    }

    /// Whether it has a clock that can be read. It goes on running where frames are stamped by it: some drivers stop it
    /// when told that nobody wants it any more.
    fn look_at_clock(&self) -> bool {
        let (shim, id) = (self.shim, self.id);
        // SAFETY: a port that there is.
        if unsafe { (shim.clock_on)(id) } != 0 {
            return false;
        }
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: a port that there is, and where a time may be written.
        let read = unsafe { (shim.read_clock)(id, &raw mut time) } == 0;
        if self.found.stamps.offset < 0 {
            // SAFETY: a port that there is.
            unsafe { (shim.clock_off)(id) };
        }
        read
    }

    /// What the device could not take or send since it was started.
    ///
    /// # Errors
    /// [`Refused`], where the driver doesn't count.
    pub(super) fn counts(&self) -> Result<Counts, Refused> {
        let mut counts = Counts::default();
        // SAFETY: a port that there is, and where numbers may be written.
        self.checked("rte_eth_stats_get", unsafe { (self.shim.counts)(self.id, &raw mut counts) })?;
        Ok(counts)
    }

    /// Fewer descriptors than were meant, if so: what was meant.
    pub(super) fn short_of(&self) -> Option<u16> {
        let meant = self.wanted.sizes.rx_descriptors;
        (self.found.rx_descriptors < meant).then_some(meant)
    }

    /// Keeps DPDK's interrupt thread from running, if this is the only port of the process: until another is prepared or
    /// this one dropped. The driver of memif would give the rings' memory back as soon as the other end goes, while frames
    /// are looked for there.
    pub(super) fn hold_interrupts(&self) {
        let mut lists = Lists::lock();
        if lists.ports == 1 && !lists.held {
            // SAFETY: it is not held.
            lists.held = unsafe { (self.shim.interrupts_hold)() == 0 };
        }
    }

    /// Whether the other end, or the cable, is there.
    pub(super) fn link_is_up(&self) -> bool {
        // SAFETY: a port that there is.
        unsafe { (self.shim.link_is_up)(self.id) != 0 }
    }

    /// The driver's name.
    pub(super) fn driver(&self) -> String {
        let bytes =
            self.found.info.driver.iter().take_while(|c| **c != 0).map(|c| c.to_ne_bytes()[0]).collect::<Vec<_>>();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What DPDK was asked for.
    pub(super) const fn device(&self) -> &DeviceName {
        &self.device
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let mut lists = Lists::lock();
        lists.let_go(self.shim);
        lists.ports -= 1;
        if self.wanted.promiscuous {
            // SAFETY: a port that there is. The device may be shared with the kernel, and go on without this process.
            unsafe { (self.shim.not_promiscuous)(self.id) };
        }
        if self.device.is_memif() {
            // SAFETY: a port that there is; both halves are gone, so nobody uses its queues.
            unsafe { (self.shim.memif_stop)(self.id) };
        } else {
            // SAFETY: as above.
            unsafe { (self.shim.stop_port)(self.id) };
            // SAFETY: as above.
            unsafe { (self.shim.close_port)(self.id) };
        }
        let (bus, name) = (c_string(self.device.bus), c_string(&self.device.name));
        // SAFETY: two strings. An error means that the device is gone already.
        unsafe { (self.shim.unplug)(bus.as_ptr(), name.as_ptr()) };
        if !self.found.pool.is_null() {
            // SAFETY: the pool is the port's own, and the device that held buffers of it is closed.
            unsafe { (self.shim.pool_free)(self.found.pool) };
        }
    }
}

fn refused(shim: &Shim, device: &DeviceName, call: &str, error: c_int) -> Refused {
    Refused {
        call: call.to_owned(),
        device: format!("{} ({})", device.name, device.arguments),
        said: shim.error_text(error),
        error,
    }
}

/// Number of the device's port, plugged in where DPDK hasn't found it by itself.
fn plugged(shim: &Shim, device: &DeviceName) -> Result<u16, Refused> {
    let name = c_string(&device.name);
    let mut id = 0;
    // SAFETY: a string, and where a number may be written.
    if unsafe { (shim.port_by_name)(name.as_ptr(), &raw mut id) } == 0 {
        return Ok(id);
    }
    let (bus, arguments) = (c_string(device.bus), c_string(&device.arguments));
    // SAFETY: three strings, which DPDK copies.
    let error = unsafe { (shim.plug)(bus.as_ptr(), name.as_ptr(), arguments.as_ptr()) };
    if error != 0 {
        return Err(refused(shim, device, "rte_eal_hotplug_add", error));
    }
    // SAFETY: as above.
    match unsafe { (shim.port_by_name)(name.as_ptr(), &raw mut id) } {
        0 => Ok(id),
        error => {
            // SAFETY: as above. What has no port is of no use.
            unsafe { (shim.unplug)(bus.as_ptr(), name.as_ptr()) };
            Err(refused(shim, device, "rte_eth_dev_get_port_by_name", error))
        }
    }
}
