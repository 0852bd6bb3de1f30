//! The shared object compiled from `shim.c` and `shim_interrupts.c`, opened at run time, and its functions. DPDK's libraries come with it: where
//! they are missing, opening fails and nothing else.
#![expect(unsafe_code, reason = "a foreign interface")]

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
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

/// `struct wanted`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) rx_descriptors: u16,
    pub(super) tx_descriptors: u16,
    pub(super) mbufs: u32,
    pub(super) mbuf_cache: u32,
}

/// `struct found`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) pool: *mut Mempool,
    pub(super) driver: [c_char; 32],
    pub(super) mac: [u8; 6],
    pub(super) rx_descriptors: u16,
    pub(super) tx_descriptors: u16,
    pub(super) longest: u16,
    pub(super) numa_node: i32,
    pub(super) rx_stamps: u8,
    pub(super) timesync: u8,
}

impl Default for Found {
    fn default() -> Self {
        Self {
            pool: std::ptr::null_mut(),
            driver: [0; 32],
            mac: [0; 6],
            rx_descriptors: 0,
            tx_descriptors: 0,
            longest: 0,
            numa_node: 0,
            rx_stamps: 0,
            timesync: 0,
        }
    }
}

/// Declares the table of functions and fills it by name.
macro_rules! functions {
    ($($name:ident = $symbol:literal: fn($($argument:ty),*) $(-> $result:ty)?;)+) => {
        /// The functions of the shim, under the names that they have there behind `tc_`.
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
    version = c"tc_version": fn() -> *const c_char;
    error = c"tc_error": fn(c_int) -> *const c_char;
    eal_init = c"tc_eal_init": fn(c_int, *mut *mut c_char) -> c_int;
    port_by_name = c"tc_port_by_name": fn(*const c_char, *mut u16) -> c_int;
    plug = c"tc_plug": fn(*const c_char, *const c_char, *const c_char) -> c_int;
    unplug = c"tc_unplug": fn(*const c_char, *const c_char) -> c_int;
    port_prepare = c"tc_port_prepare":
        fn(u16, *const c_char, *const Wanted, *mut Found, *mut *const c_char) -> c_int;
    port_start = c"tc_port_start": fn(u16, *mut Found) -> c_int;
    port_stop = c"tc_port_stop": fn(u16);
    memif_stop = c"tc_memif_stop": fn(u16);
    interrupts_hold = c"tc_interrupts_hold": fn() -> c_int;
    interrupts_let_go = c"tc_interrupts_let_go": fn();
    pool_free = c"tc_pool_free": fn(*mut Mempool);
    link_is_up = c"tc_link_is_up": fn(u16) -> c_int;
    receive = c"tc_receive": fn(u16, *mut Seen, u32) -> u32;
    give_back = c"tc_give_back": fn(*mut Mbuf);
    new_frame = c"tc_new_frame": fn(*mut Mempool, *mut ToSend);
    send = c"tc_send": fn(u16, *mut Mempool, *mut ToSend, u32) -> u32;
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
        let text = unsafe { (self.error)(error) };
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
        // SAFETY: `count` strings that live for ever, and a null behind them.
        match unsafe { (self.eal_init)(count, vector.as_mut_ptr()) } {
            0 => Ok(()),
            error => Err(error),
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
