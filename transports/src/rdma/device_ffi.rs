//! An RDMA device, opened through libibverbs, which is looked for when the program runs.
#![expect(unsafe_code, reason = "a foreign interface")]

use std::{path::Path, sync::Arc};

use sideway::ibverbs::{
    completion::{CompletionQueueBuilder, CreateCompletionQueueWorkCompletionFlags as Flags},
    device::{DeviceInfo, DeviceList},
    device_context::{DeviceAttr, DeviceContext},
    protection_domain::ProtectionDomain,
};

use rdma_mummy_sys::ibv_pd;

use super::{
    completions_ffi::Completions,
    config::Config,
    ports::{Gid, Port},
    refusal,
    stamps::Reading,
    way::mtu_bytes,
};
use crate::api::{Link, OpenError, Role, Unmet};

/// Whether the libraries are here.
///
/// # Errors
/// [`Unmet`], with what to install.
pub(super) fn libraries() -> Result<(), Unmet> {
    [c"libibverbs.so.1", c"librdmacm.so.1"].into_iter().try_for_each(library)
}

fn library(name: &std::ffi::CStr) -> Result<(), Unmet> {
    // SAFETY: a library whose start-up code only fills tables; it stays, as `sideway` has it open too.
    let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_LOCAL) };
    if handle.is_null() {
        return Err(Unmet {
            needs: format!("the library {}", name.to_string_lossy()),
            how: "apt-get install libibverbs1 ibverbs-providers librdmacm1".to_owned(),
        });
    }
    Ok(())
}

/// An opened device, and the port that is used of it.
pub(super) struct Device {
    // Given up before the context: fields are dropped in this order.
    pub(super) domain: Arc<ProtectionDomain>,
    context: Arc<DeviceContext>,
    pub(super) port: Port,
    pub(super) gid: Gid,
    /// Most bytes of a packet.
    pub(super) mtu: u32,
    /// Frequency of its clock in kHz, 0 where it has none; bits that its stamps have.
    clock: (u64, u64),
    firmware: String,
    most_requests: u32,
}

impl Device {
    /// The device of this end: that of the settings, or the one in software that was made for the run.
    ///
    /// # Errors
    /// [`OpenError::Unmet`] where a port lacks something.
    pub(super) fn open(config: &Config, link: &Link, role: Role, port: Port) -> Result<Self, OpenError> {
        libraries()?;
        port.check(Path::new("/"))?;
        let own = match role {
            Role::Exchange => link.orders,
            Role::Trader => link.trader,
        };
        let gid = port.gid(config.gid_index, *own.ip())?;
        let context = open_by_name(port.device())?;
        let failed = |what: &str, e: &dyn std::fmt::Display| {
            OpenError::Io(std::io::Error::other(format!("{what} of {}: {e}", port.device())))
        };
        let attributes = context.query_device().map_err(|e| failed("the attributes", &e))?;
        let active = context.query_port(port.number()).map_err(|e| failed("the port", &e))?.active_mtu() as u32;
        let active = mtu_bytes(active);
        let mtu = config.mtu.unwrap_or(active);
        if mtu > active {
            let interface = port.interface().unwrap_or_default();
            return Err(refusal::mtu(port.device(), active, mtu, &interface).into());
        }
        let domain = context.alloc_pd().map_err(|e| failed("a protection domain", &e))?;
        let clock = if config.completion_stamps { clock_of(&attributes) } else { (0, 0) };
        let most_requests = u32::try_from(attributes.max_qp_wr()).unwrap_or_default();
        let firmware = attributes.firmware_version();
        Ok(Self { domain, context, port, gid, mtu, clock, firmware, most_requests })
    }

    /// As verbs want it.
    pub(super) fn domain_ptr(&self) -> *mut ibv_pd {
        // SAFETY: used while this lives only, by the queue pairs of it.
        unsafe { self.domain.pd() }.as_ptr()
    }

    /// As many requests of a queue as are wanted, if the device has them.
    pub(super) fn requests(&self, wanted: u32) -> u32 {
        wanted.min(1 << self.most_requests.max(1).ilog2())
    }

    /// A completion queue of so many entries; with stamps, where that is wanted and the device has them.
    ///
    /// # Errors
    /// When there can be no more.
    pub(super) fn completions(&self, entries: u32, stamped: bool) -> Result<Completions, OpenError> {
        let mut builder = CompletionQueueBuilder::new(&self.context);
        builder.setup_cqe(entries);
        if stamped && self.clock.1 != 0 {
            let base = Flags::ByteLength | Flags::ImmediateData;
            let readings = [
                (Flags::CompletionTimestampWallclock, Reading::Wallclock),
                (Flags::CompletionTimestamp, Reading::Counter { kilohertz: self.clock.0 }),
            ];
            for (flag, reading) in readings {
                // A counter whose frequency is unknown says nothing.
                if matches!(reading, Reading::Counter { kilohertz: 0 }) {
                    continue;
                }
                if let Ok(queue) = builder.setup_wc_flags(base | flag).build_ex() {
                    return Ok(Completions::stamped(queue, reading));
                }
            }
        }
        let queue =
            builder.build().map_err(|_| refusal::step("with a completion queue", &std::io::Error::last_os_error()))?;
        Ok(Completions::plain(queue))
    }

    pub(super) fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        let address =
            self.gid.ipv4().map_or_else(|| std::net::Ipv6Addr::from(self.gid.bytes).to_string(), |ip| ip.to_string());
        note(
            "rdma_device",
            format!("{} port {}, firmware {}", self.port.device(), self.port.number(), or_none(&self.firmware)),
        );
        note("rdma_gid", format!("index {}, {address}", self.gid.index));
        note("rdma_mtu", self.mtu.to_string());
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

fn clock_of(attributes: &DeviceAttr) -> (u64, u64) {
    (attributes.hca_core_clock(), attributes.completion_timestamp_mask())
}

fn open_by_name(name: &str) -> Result<Arc<DeviceContext>, OpenError> {
    let missing = |what: String| {
        OpenError::Unmet(Unmet {
            needs: format!("the RDMA device {name}, opened by libibverbs ({what})"),
            how: "apt-get install ibverbs-providers; modprobe ib_uverbs; /dev/infiniband/uverbs* must be readable and writable".to_owned(),
        })
    };
    let list = DeviceList::new().map_err(|e| missing(e.to_string()))?;
    let device =
        list.iter().find(|device| device.name() == name).ok_or_else(|| missing("it is not in its list".to_owned()))?;
    device.open().map_err(|e| missing(e.to_string()))
}
