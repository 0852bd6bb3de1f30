//! How good a lane's evidence can be, on the ground that it stands on.

use tickcert_results::evidence::Evidence;
use tickcert_transports::api::Caps;

/// Why wire or host give emulated evidence only, if so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    wire: Option<String>,
    host: Option<String>,
}

impl Limits {
    /// Of a wire that may be virtual, on a host under this hypervisor (or `none`).
    pub(crate) fn new(virtual_wire: Option<String>, hypervisor: &str) -> Self {
        let host = (hypervisor != "none").then(|| format!("the host is a virtual machine ({hypervisor})"));
        Self { wire: virtual_wire, host }
    }

    /// Whether the wire is virtual.
    pub(crate) const fn is_wire_virtual(&self) -> bool {
        self.wire.is_some()
    }

    /// No lane gives better evidence than the ground that it stands on, and the certificate says which ground that is.
    pub(crate) fn capped(&self, caps: Caps) -> Caps {
        match (&self.wire, &self.host) {
            (Some(why), _) if caps.own_wire.is_none() && caps.evidence >= Evidence::Emulated => {
                Caps { evidence: Evidence::Emulated, evidence_why: why.clone(), ..caps }
            }
            // Whatever the wire, a virtual machine's clock and cores are not the hardware's own.
            (_, Some(why)) if caps.evidence > Evidence::Emulated => {
                Caps { evidence: Evidence::Emulated, evidence_why: why.clone(), ..caps }
            }
            _ => caps,
        }
    }
}

#[cfg(test)]
mod tests {
    use tickcert_results::certificate::OrderChannel;

    use super::*;

    fn capped(wire: Option<&str>, hypervisor: &str, evidence: Evidence) -> (Evidence, String) {
        let caps = Limits::new(wire.map(str::to_owned), hypervisor).capped(Caps {
            orders: OrderChannel::Tcp,
            evidence,
            evidence_why: "the lane's own".to_owned(),
            own_wire: None,
        });
        (caps.evidence, caps.evidence_why)
    }

    #[test]
    fn evidence_is_that_of_the_lane_on_real_devices_and_bare_metal_only() {
        let own = |evidence| (evidence, "the lane's own".to_owned());
        let emulated = |why: &str| (Evidence::Emulated, why.to_owned());
        let machine = "the host is a virtual machine (kvm)";
        assert_eq!(capped(None, "none", Evidence::Software), own(Evidence::Software));
        assert_eq!(capped(Some("a veth"), "none", Evidence::Software), emulated("a veth"));
        assert_eq!(capped(None, "kvm", Evidence::Wire), emulated(machine));
        assert_eq!(capped(Some("a veth"), "kvm", Evidence::Emulated), emulated("a veth"));
        assert_eq!(capped(Some("a veth"), "kvm", Evidence::Simulated), own(Evidence::Simulated));
    }
}
