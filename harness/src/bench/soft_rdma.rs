//! RDMA in software for the lanes that want it: soft-RoCE over an interface that leads nowhere, both made for the run, in the
//! namespace that it was started in. Every step is in the journal before it is taken.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use tickcert_transports::{
    api::{SoftRdma, Unmet},
    rdma::{links, soft},
};

use super::{
    journal::{Change, Journal, JournalError},
    netlink::{Address, Connection, NetlinkError},
    user_namespace::{self, Privilege},
};

/// For packets of 4096 bytes, the largest, with what RoCE v2 has around them.
const MTU: u32 = 4200;
/// Between two looks whether the device is ready.
const LOOK: Duration = Duration::from_millis(5);

/// Makes it; or says why not.
pub(super) fn make(journal: &mut Journal, at_most: Duration) -> SoftRdma {
    // In a user namespace nothing of the host can be changed, and so nothing may be written down that would be undone.
    if user_namespace::present() != Some(Privilege::Host) {
        return SoftRdma::Refused(needs_root("the bench is in a user namespace"));
    }
    try_make(journal, at_most).map_or_else(SoftRdma::Refused, SoftRdma::Over)
}

/// The interface that the device is over.
fn try_make(journal: &mut Journal, at_most: Duration) -> Result<String, Unmet> {
    let root = Path::new("/");
    soft::check(root)?;
    for module in soft::MODULES.into_iter().filter(|module| !soft::is_loaded(root, module)) {
        journal.record(Change::ModuleLoaded { module: module.to_owned() }).map_err(|e| unwritten(&e))?;
        load(module)?;
    }
    let name = unique_name();
    journal.record(Change::InterfaceMade { interface: name.clone() }).map_err(|e| unwritten(&e))?;
    make_interface(&name).map_err(|e| Unmet {
        needs: format!("an interface for soft-RoCE: {e}"),
        how: "run as root; `modprobe dummy` where the kernel has that as a module".to_owned(),
    })?;
    journal.record(Change::RdmaDeviceMade { device: name.clone() }).map_err(|e| unwritten(&e))?;
    links::make(&name, &name).map_err(|e| match e.raw_os_error() {
        Some(libc::EPERM) => needs_root(&e.to_string()),
        _ => Unmet {
            needs: format!("a soft-RoCE device over {name}: {e}"),
            how: format!("`rdma link add {name} type rxe netdev {name}` and the kernel's log (dmesg) say more"),
        },
    })?;
    let until = Instant::now() + at_most;
    while !soft::is_ready(root, &name) {
        if Instant::now() >= until {
            return Err(Unmet {
                needs: format!("a soft-RoCE device over {name} that has its link and an address within {at_most:?}"),
                how: "`rdma link` and /sys/class/infiniband show it; try again where the host is less busy".to_owned(),
            });
        }
        thread::sleep(LOOK);
    }
    Ok(name)
}

fn needs_root(why: &str) -> Unmet {
    Unmet {
        needs: format!("root on the host, to make a soft-RoCE device ({why})"),
        how: "run as root, or name RDMA NICs under [transport.rdma] (exchange_device, trader_device)".to_owned(),
    }
}

fn unwritten(e: &JournalError) -> Unmet {
    Unmet { needs: format!("an undo journal: {e}"), how: "make room, or see who may write to /run/tickcert".to_owned() }
}

/// By `modprobe`, which knows what else a module needs.
fn load(module: &str) -> Result<(), Unmet> {
    let refused = |why: String| Unmet {
        needs: format!("the module {module}, which can't be loaded ({why})"),
        how: format!(
            "modprobe {module} (as root; the kernel's log (dmesg) says more. With Secure Boot the module must be signed)"
        ),
    };
    let output = Command::new("modprobe").arg(module).output();
    let output = output.map_err(|e| refused(format!("modprobe: {e}; apt-get install kmod")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(refused(if said.is_empty() { output.status.to_string() } else { said }))
}

fn make_interface(name: &str) -> Result<(), NetlinkError> {
    let mut connection = Connection::open()?;
    connection.create_dummy(name, MTU)?;
    let interface = connection.interface(name)?;
    let ip = IpAddr::V4(address_of(interface.index));
    connection.add_address(&interface, Address { ip, prefix_length: 32 })?;
    connection.set_up(&interface, true)
}

/// An address for measurements (RFC 2544, section C.2.2), another for each interface.
fn address_of(index: u32) -> Ipv4Addr {
    let [.., high, low] = index.to_be_bytes();
    Ipv4Addr::new(198, 19, high, low)
}

/// As those of the bench's other interfaces, of process and serial number; RDMA devices have names of their own.
fn unique_name() -> String {
    static SERIAL: AtomicU32 = AtomicU32::new(0);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed) & 0xffff;
    format!("tc{:x}-{serial:x}r", std::process::id() & 0x3f_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_fit_the_kernels_fifteen_bytes() {
        let (one, other) = (unique_name(), unique_name());
        assert!(one != other && one.len() <= 15 && other.len() <= 15, "{one} {other}");
    }

    #[test]
    fn addresses_are_of_the_network_for_measurements() {
        assert_eq!(address_of(0x1_0203), Ipv4Addr::new(198, 19, 2, 3));
    }

    #[test]
    fn where_the_kernel_has_no_soft_roce_nothing_is_written_down_and_the_need_is_told() {
        if soft::check(Path::new("/")).is_ok() {
            return println!("SKIPPED: a kernel without soft-RoCE: this one has it");
        }
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::new(&dir.path().join("run"));
        let SoftRdma::Refused(unmet) = make(&mut journal, Duration::ZERO) else { panic!("made without the module") };
        assert!(unmet.needs.contains("rdma_rxe") || unmet.needs.contains("root"), "{unmet}");
        assert!(journal.is_empty());
    }
}
