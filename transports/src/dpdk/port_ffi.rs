//! One port of DPDK: plugged in, prepared, started, and taken out again when dropped.
#![expect(unsafe_code, reason = "a foreign interface")]

use std::{
    ffi::{CStr, c_int},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    arguments::DeviceName,
    shim_ffi::{Found, Shim, Wanted, c_string},
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

/// A port that is set up.
pub(super) struct Port {
    pub(super) shim: &'static Shim,
    pub(super) id: u16,
    pub(super) found: Found,
    device: DeviceName,
}

// SAFETY: what the pointer in `found` leads to is the port's own until it is dropped, and DPDK's functions may be called
// from any thread; that each queue is used by one at a time is seen to by the halves, which need `&mut` for it.
unsafe impl Send for Port {}
// SAFETY: as above; through a shared reference only the link's state is read.
unsafe impl Sync for Port {}

impl Port {
    /// Plugs the device in, if DPDK hasn't found it by itself, and prepares one queue each way.
    ///
    /// # Errors
    /// [`Refused`].
    pub(super) fn prepare(shim: &'static Shim, device: DeviceName, wanted: Wanted) -> Result<Self, Refused> {
        let mut lists = Lists::lock();
        lists.let_go(shim);
        let refused = |device: &DeviceName, call: &str, error| Refused {
            call: call.to_owned(),
            device: format!("{} ({})", device.name, device.arguments),
            said: shim.error_text(error),
            error,
        };
        let name = c_string(&device.name);
        let mut id = 0;
        // SAFETY: a string, and where a number may be written.
        if unsafe { (shim.port_by_name)(name.as_ptr(), &raw mut id) } != 0 {
            let (bus, arguments) = (c_string(device.bus), c_string(&device.arguments));
            // SAFETY: three strings, which DPDK copies.
            let error = unsafe { (shim.plug)(bus.as_ptr(), name.as_ptr(), arguments.as_ptr()) };
            if error != 0 {
                return Err(refused(&device, "rte_eal_hotplug_add", error));
            }
            // SAFETY: as above.
            let error = unsafe { (shim.port_by_name)(name.as_ptr(), &raw mut id) };
            if error != 0 {
                return Err(refused(&device, "rte_eth_dev_get_port_by_name", error));
            }
        }
        let mut port = Self { shim, id, found: Found::default(), device };
        let pool = c_string(&format!("tickcert {id}"));
        let mut step = std::ptr::null();
        // SAFETY: a port that there is, a string, and places of the types that the shim asks for.
        let error =
            unsafe { (shim.port_prepare)(id, pool.as_ptr(), &raw const wanted, &raw mut port.found, &raw mut step) };
        // A port that is given up here locks them itself.
        lists.ports += 1;
        drop(lists);
        if error < 0 {
            // SAFETY: the shim has set it to a static string before the call that failed.
            let call = unsafe { CStr::from_ptr(step) }.to_string_lossy();
            return Err(refused(&port.device, &call, error));
        }
        Ok(port)
    }

    /// Lets frames flow.
    ///
    /// # Errors
    /// [`Refused`]; it may be tried again.
    pub(super) fn start(&mut self) -> Result<(), Refused> {
        let _lists = Lists::lock();
        // SAFETY: a port that is prepared, and what was found of it.
        match unsafe { (self.shim.port_start)(self.id, &raw mut self.found) } {
            0 => Ok(()),
            error => Err(Refused {
                call: "rte_eth_dev_start".to_owned(),
                device: format!("{} ({})", self.device.name, self.device.arguments),
                said: self.shim.error_text(error),
                error,
            }),
        }
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
        let bytes = self.found.driver.iter().take_while(|c| **c != 0).map(|c| c.to_ne_bytes()[0]).collect::<Vec<_>>();
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
        let stop = if self.device.is_memif() { self.shim.memif_stop } else { self.shim.port_stop };
        // SAFETY: a port that there is; both halves are gone, so nobody uses its queues.
        unsafe { stop(self.id) };
        let (bus, name) = (c_string(self.device.bus), c_string(&self.device.name));
        // SAFETY: two strings. An error means that the device is gone already.
        unsafe { (self.shim.unplug)(bus.as_ptr(), name.as_ptr()) };
        if !self.found.pool.is_null() {
            // SAFETY: the pool is the port's own, and the device that held buffers of it is closed.
            unsafe { (self.shim.pool_free)(self.found.pool) };
        }
    }
}
