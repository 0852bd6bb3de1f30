//! The shared object compiled from `shim.c` and `shim_interrupts.c`, opened at run time, and its functions. DPDK's libraries come with it: where
//! they are missing, opening fails and nothing else.
#![expect(unsafe_code, reason = "a foreign interface")]

use std::{
    ffi::{CStr, CString, c_char, c_int, c_uint, c_void},
    fs::File,
    io::{self, Write},
    os::fd::{AsRawFd, FromRawFd},
    sync::OnceLock,
};

static OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/dpdk_shim.so"));

/// Most frames that [`Shim::receive`] takes in one call; `BURST` there.
pub(super) const BURST: usize = 32;

/// `struct rte_mbuf`, of which only the shim knows more.
#[repr(C)]
pub(super) struct Mbuf {
    _opaque: [u8; 0],
}

/// `struct rte_mempool`, likewise.
#[repr(C)]
pub(super) struct Mempool {
    _opaque: [u8; 0],
}

/// `struct seen`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub(super) mbuf: *mut Mbuf,
    pub(super) data: *const u8,
    pub(super) len: u32,
    pub(super) whole: u32,
    pub(super) stamp: u64,
    pub(super) stamped: u64,
}

/// `struct frame`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct ToSend {
    pub(super) mbuf: *mut Mbuf,
    pub(super) data: *mut u8,
}

/// `struct stamps`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamps {
    pub(super) flag: u64,
    pub(super) offset: c_int,
}

impl Stamps {
    /// Of a device that writes none.
    pub(super) const NONE: Self = Self { flag: 0, offset: -1 };
}

/// `struct info`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Info {
    pub(super) driver: [c_char; 32],
    pub(super) rx_stamps: u8,
    pub(super) fast_free: u8,
}

/// `struct counts`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) missed: u64,
    pub(super) without_buffer: u64,
    pub(super) receive_errors: u64,
    pub(super) send_errors: u64,
}

/// Declares the table of functions and fills it by name.
macro_rules! functions {
    ($($name:ident = $symbol:literal: fn($($argument:ty),*) $(-> $result:ty)?;)+) => {
        /// The functions of `shim.c`, under the names that they have there behind `tc_`, and those of DPDK that take and
        /// give nothing but numbers, strings and handles: the linker finds them in the libraries that the shim needs.
        pub(super) struct Shim {
            $(pub(super) $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)+
        }

        impl Shim {
            fn find(handle: *mut c_void) -> Result<Self, String> {
                Ok(Self {
                    $($name: {
                        let at = symbol(handle, $symbol)?;
                        // SAFETY: the shim defines the symbol as a function of this type.
                        unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($argument),*) $(-> $result)?>(at) }
                    },)+
                })
            }
        }
    };
}

functions! {
    version = c"rte_version": fn() -> *const c_char;
    error = c"rte_strerror": fn(c_int) -> *const c_char;
    errno = c"tc_errno": fn() -> c_int;
    eal_init = c"rte_eal_init": fn(c_int, *mut *mut c_char) -> c_int;
    port_by_name = c"rte_eth_dev_get_port_by_name": fn(*const c_char, *mut u16) -> c_int;
    plug = c"rte_eal_hotplug_add": fn(*const c_char, *const c_char, *const c_char) -> c_int;
    unplug = c"rte_eal_hotplug_remove": fn(*const c_char, *const c_char) -> c_int;
    info = c"tc_info": fn(u16, *mut Info) -> c_int;
    node = c"rte_eth_dev_socket_id": fn(u16) -> c_int;
    configure = c"tc_configure": fn(u16, u32, u32) -> c_int;
    adjust = c"rte_eth_dev_adjust_nb_rx_tx_desc": fn(u16, *mut u16, *mut u16) -> c_int;
    pool_new = c"rte_pktmbuf_pool_create": fn(*const c_char, c_uint, c_uint, u16, u16, c_int) -> *mut Mempool;
    pool_free = c"rte_mempool_free": fn(*mut Mempool);
    rx_queue = c"rte_eth_rx_queue_setup": fn(u16, u16, u16, c_uint, *const c_void, *mut Mempool) -> c_int;
    tx_queue = c"rte_eth_tx_queue_setup": fn(u16, u16, u16, c_uint, *const c_void) -> c_int;
    start_port = c"rte_eth_dev_start": fn(u16) -> c_int;
    stop_port = c"rte_eth_dev_stop": fn(u16) -> c_int;
    close_port = c"rte_eth_dev_close": fn(u16) -> c_int;
    promiscuous = c"rte_eth_promiscuous_enable": fn(u16) -> c_int;
    not_promiscuous = c"rte_eth_promiscuous_disable": fn(u16) -> c_int;
    register_stamps = c"rte_mbuf_dyn_rx_timestamp_register": fn(*mut c_int, *mut u64) -> c_int;
    clock_on = c"rte_eth_timesync_enable": fn(u16) -> c_int;
    clock_off = c"rte_eth_timesync_disable": fn(u16) -> c_int;
    read_clock = c"rte_eth_timesync_read_time": fn(u16, *mut libc::timespec) -> c_int;
    mtu = c"rte_eth_dev_get_mtu": fn(u16, *mut u16) -> c_int;
    memif_stop = c"tc_memif_stop": fn(u16);
    interrupts_hold = c"tc_interrupts_hold": fn() -> c_int;
    interrupts_let_go = c"tc_interrupts_let_go": fn();
    link_is_up = c"tc_link_is_up": fn(u16) -> c_int;
    counts = c"tc_counts": fn(u16, *mut Counts) -> c_int;
    receive = c"tc_receive": fn(u16, *mut Seen, u32, *const Stamps) -> u32;
    give_back = c"tc_give_back": fn(*mut Mbuf);
    new_frame = c"tc_new_frame": fn(*mut Mempool, *mut ToSend);
    send = c"tc_send": fn(u16, *mut Mempool, *mut ToSend, u32) -> u32;
}

unsafe extern "C" {
    /// The C library's, which DPDK prints to.
    static mut stdout: *mut libc::FILE;
    static stderr: *mut libc::FILE;
}

impl Shim {
    /// The shim, opened when first asked for, and with it DPDK's libraries.
    ///
    /// # Errors
    /// What the dynamic linker said.
    pub(super) fn get() -> Result<&'static Self, &'static str> {
        static SHIM: OnceLock<Result<Shim, String>> = OnceLock::new();
        SHIM.get_or_init(open).as_ref().map_err(String::as_str)
    }

    /// As `DPDK 22.11.11`.
    pub(super) fn version_text(&self) -> String {
        // SAFETY: takes nothing, and gives a static string.
        let text = unsafe { (self.version)() };
        // SAFETY: it is one.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    }

    /// What DPDK calls an error that one of its functions returned.
    pub(super) fn error_text(&self, error: c_int) -> String {
        // SAFETY: any number is allowed; the string is the thread's own until the next call.
        let text = unsafe { (self.error)(error.saturating_abs()) };
        // SAFETY: it is a string, copied at once.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    }

    /// Starts DPDK in this process.
    ///
    /// # Errors
    /// DPDK's error number, negative.
    pub(super) fn start(&self, arguments: &[String]) -> Result<(), c_int> {
        let strings: Vec<CString> = arguments.iter().map(|a| c_string(a)).collect();
        // DPDK keeps and reorders them, so they stay for good.
        let mut pointers: Vec<*mut c_char> = strings.into_iter().map(CString::into_raw).collect();
        pointers.push(std::ptr::null_mut());
        let count = c_int::try_from(pointers.len() - 1).unwrap_or(c_int::MAX);
        let vector = Vec::leak(pointers);
        // Standard output belongs to the caller: what DPDK prints there goes to standard error.
        // SAFETY: both are variables of the C library, which allows the first to be set; nobody here prints through it.
        unsafe { stdout = stderr };
        // SAFETY: `count` strings that live for ever, and a null behind them.
        if unsafe { (self.eal_init)(count, vector.as_mut_ptr()) } < 0 { Err(self.last_errno()) } else { Ok(()) }
    }

    /// Why the last call of this thread failed, of those that don't say so themselves: DPDK's error number, negative.
    pub(super) fn last_errno(&self) -> c_int {
        // SAFETY: takes nothing.
        match unsafe { (self.errno)() } {
            0 => -libc::EINVAL,
            error => -error,
        }
    }
}

/// A string for C; one with a zero in it, which nothing here has, ends there.
pub(super) fn c_string(text: &str) -> CString {
    CString::new(text.split('\0').next().unwrap_or_default()).unwrap_or_default()
}

fn open() -> Result<Shim, String> {
    let file = in_memory().map_err(|e| format!("no file in memory for the shim: {e}"))?;
    let path = c_string(&format!("/proc/self/fd/{}", file.as_raw_fd()));
    // SAFETY: a valid path; the object is our own, and its constructors are DPDK's, which may run anywhere.
    let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    if handle.is_null() {
        return Err(last_error());
    }
    Shim::find(handle)
}

fn in_memory() -> io::Result<File> {
    // SAFETY: a valid name and flag.
    let fd = unsafe { libc::memfd_create(c"tickcert-dpdk".as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a new descriptor that nobody else owns.
    let mut file = unsafe { File::from_raw_fd(fd) };
    file.write_all(OBJECT)?;
    Ok(file)
}

fn symbol(handle: *mut c_void, name: &CStr) -> Result<*mut c_void, String> {
    // SAFETY: a handle of `dlopen` that is never closed, and a valid name.
    let at = unsafe { libc::dlsym(handle, name.as_ptr()) };
    if at.is_null() { Err(last_error()) } else { Ok(at) }
}

fn last_error() -> String {
    // SAFETY: takes nothing; the string is the thread's own until its next call of the dynamic linker.
    let text = unsafe { libc::dlerror() };
    if text.is_null() {
        return "the dynamic linker says nothing".to_owned();
    }
    // SAFETY: a string, copied at once.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
