//! What DPDK is started with, built from the lane's settings.

use std::path::Path;

use super::{
    config::{Config, Device},
    sizes::Sizes,
};
use crate::api::{Link, Role};

/// Drivers that receive with vector instructions round a burst down to four or eight frames: a shorter one gives none at
/// all, ever. They leave those instructions alone where DPDK is told to.
const VECTOR: u32 = 8;

/// Arguments of DPDK's environment (EAL), the program's name first. `core` is where the caller runs already, `node` the
/// memory node that it is at.
///
/// `--in-memory`: no file and no folder is made that could outlast the process, and no mounted hugetlbfs is needed.
pub(super) fn eal(config: &Config, role: Role, core: u32, node: Option<u32>) -> Vec<String> {
    let mut arguments: Vec<String> =
        ["tickcert", "--in-memory", "--no-telemetry", "--log-level=warning"].map(str::to_owned).into();
    arguments.push(format!("--lcores=0@{core}"));
    // By itself DPDK takes it where the host's first core is, wherever its own one is.
    let nodes_before = node.unwrap_or_default() as usize;
    arguments.push(format!("--socket-mem={}{}", "0,".repeat(nodes_before), config.memory_mib));
    match (config.device, config.pci(role)) {
        // Only this one: DPDK would take every other that is bound for it.
        (Device::Pci, Some(address)) => {
            arguments.extend(["-a".to_owned(), with_arguments(&address.to_string(), config)]);
        }
        _ => arguments.push("--no-pci".to_owned()),
    }
    if config.burst < VECTOR {
        arguments.push("--force-max-simd-bitwidth=64".to_owned());
    }
    arguments.extend(config.eal_arguments.iter().cloned());
    arguments
}

/// A device as DPDK is asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DeviceName {
    /// On which of DPDK's buses.
    pub(super) bus: &'static str,
    /// Its name there.
    pub(super) name: String,
    /// What its driver is told.
    pub(super) arguments: String,
}

impl DeviceName {
    pub(super) fn is_memif(&self) -> bool {
        self.name.starts_with("net_memif")
    }
}

/// The device of one end; `number` sets those of one process apart.
///
/// # Errors
/// With what is missing, when it is to be a NIC and none is named.
pub(super) fn device(config: &Config, link: &Link, role: Role, number: u32) -> Result<DeviceName, &'static str> {
    Ok(match config.device {
        Device::Memif => DeviceName {
            bus: "vdev",
            name: format!("net_memif{number}"),
            arguments: with_arguments(
                &format!(
                    "role={},id=0,socket={},socket-abstract=no,rsize={}",
                    match role {
                        Role::Exchange => "server",
                        Role::Trader => "client",
                    },
                    socket(&link.meeting, role).display(),
                    Sizes::new(config, link).rx_descriptors.ilog2()
                ),
                config,
            ),
        },
        Device::Afxdp => {
            let interface = interface(link, role);
            DeviceName {
                bus: "vdev",
                name: format!("net_af_xdp{number}"),
                arguments: with_arguments(&format!("iface={interface},start_queue=0,queue_count=1"), config),
            }
        }
        Device::Pci => {
            let address = config.pci(role).ok_or("the address of this end's NIC")?;
            DeviceName { bus: "pci", name: address.to_string(), arguments: config.device_arguments.clone() }
        }
    })
}

/// The bench's interface of one end.
pub(super) fn interface(link: &Link, role: Role) -> &str {
    match role {
        Role::Exchange => &link.exchange_interface,
        Role::Trader => &link.trader_interface,
    }
}

/// The socket that the exchange's end of memif listens on, in the folder where both meet.
pub(super) const LISTENS: &str = "memif-exchange.sock";

/// The socket on which the two ends of memif meet, as each of them names it: the trader's is a link to the exchange's.
pub(super) fn socket(meeting: &Path, role: Role) -> std::path::PathBuf {
    meeting.join(match role {
        Role::Exchange => LISTENS,
        Role::Trader => "memif.sock",
    })
}

fn with_arguments(what: &str, config: &Config) -> String {
    if config.device_arguments.is_empty() { what.to_owned() } else { format!("{what},{}", config.device_arguments) }
}

#[cfg(test)]
mod tests {
    use tickcert_results::time::Nanos;

    use super::*;
    use crate::api::SoftRdma;

    fn link() -> Link {
        Link {
            exchange_interface: "tc-ex".to_owned(),
            trader_interface: "tc-tr".to_owned(),
            ticks: "239.1.1.1:26400".parse().unwrap(),
            orders: "10.0.0.1:26401".parse().unwrap(),
            trader: "10.0.0.2:26402".parse().unwrap(),
            is_virtual: true,
            exchange_mac: [0; 6],
            trader_mac: [0; 6],
            meeting: "/run/x".into(),
            same_host: true,
            packets_in_a_stall: 0,
            connect_timeout: Nanos::SECOND,
            stamping: None,
            soft_rdma: SoftRdma::NotMade,
        }
    }

    fn config(json: &str) -> Config {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_environment_stays_on_the_core_it_is_on_leaves_no_file_and_looks_at_no_nic() {
        assert_eq!(
            eal(&Config::default(), Role::Trader, 3, None).join(" "),
            "tickcert --in-memory --no-telemetry --log-level=warning --lcores=0@3 --socket-mem=64 --no-pci"
        );
    }

    #[test]
    fn memory_is_taken_at_the_cores_own_node() {
        for (node, said) in [(0, "--socket-mem=64"), (1, "--socket-mem=0,64"), (3, "--socket-mem=0,0,0,64")] {
            let arguments = eal(&Config::default(), Role::Trader, 3, Some(node));
            assert!(arguments.iter().any(|a| a == said), "{arguments:?}");
        }
    }

    #[test]
    fn a_short_burst_keeps_drivers_from_vector_instructions() {
        for (burst, short) in [(1, true), (7, true), (8, false), (32, false)] {
            let arguments = eal(&config(&format!(r#"{{"burst": {burst}}}"#)), Role::Trader, 1, None);
            assert_eq!(arguments.iter().any(|a| a == "--force-max-simd-bitwidth=64"), short, "{burst}");
        }
    }

    #[test]
    fn a_nic_is_the_only_one_looked_at_and_extra_arguments_come_last() {
        let config = config(
            r#"{"device": "pci", "exchange_pci": "0000:03:00.0", "trader_pci": "0000:03:00.1",
                "device_arguments": "mprq_en=0", "eal_arguments": ["--iova-mode=pa"]}"#,
        );
        let arguments = eal(&config, Role::Trader, 1, None).join(" ");
        assert!(arguments.ends_with("-a 0000:03:00.1,mprq_en=0 --iova-mode=pa"), "{arguments}");
        let exchange = device(&config, &link(), Role::Exchange, 0).unwrap();
        assert_eq!((exchange.bus, exchange.name.as_str()), ("pci", "0000:03:00.0"));
    }

    #[test]
    fn the_ends_of_memif_differ_in_their_role_and_meet_in_the_runs_folder() {
        let config = config(r#"{"descriptors": 256}"#);
        let of = |role| device(&config, &link(), role, 7).unwrap();
        assert_eq!(of(Role::Exchange).name, "net_memif7");
        assert_eq!(
            of(Role::Exchange).arguments,
            "role=server,id=0,socket=/run/x/memif-exchange.sock,socket-abstract=no,rsize=8"
        );
        assert_eq!(of(Role::Trader).arguments, "role=client,id=0,socket=/run/x/memif.sock,socket-abstract=no,rsize=8");
    }

    #[test]
    fn each_end_of_afxdp_has_the_interface_of_its_side() {
        let config = config(r#"{"device": "afxdp", "device_arguments": "force_copy=1"}"#);
        let of = |role| device(&config, &link(), role, 0).unwrap().arguments;
        assert_eq!(of(Role::Exchange), "iface=tc-ex,start_queue=0,queue_count=1,force_copy=1");
        assert_eq!(of(Role::Trader), "iface=tc-tr,start_queue=0,queue_count=1,force_copy=1");
    }

    #[test]
    fn a_nic_that_nobody_named_is_missing() {
        assert!(device(&config(r#"{"device": "pci"}"#), &link(), Role::Trader, 0).is_err());
    }
}
