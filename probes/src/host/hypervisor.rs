//! Which hypervisor the host runs under, if any.

use std::{arch::x86_64::__cpuid, path::Path};

use super::{cpu, is_live};
use crate::sysfs;

/// Name of the hypervisor, `unknown` when there is one that doesn't say its name, `none` on bare metal.
///
/// Asked in turn: `/sys/hypervisor/type` (Xen), the `hypervisor` flag of `/proc/cpuinfo`, and for the name CPUID leaf
/// 4000_0000h (on the running host) or the vendor in the DMI tables.
#[must_use]
pub fn hypervisor(root: &Path) -> String {
    if let Some(kind) = sysfs::read(root, "sys/hypervisor/type").filter(|kind| !kind.is_empty()) {
        return kind;
    }
    let cpuinfo = sysfs::read(root, "proc/cpuinfo").unwrap_or_default();
    let flags = cpu::field(&cpuinfo, "flags").unwrap_or_default();
    if !flags.split_whitespace().any(|flag| flag == "hypervisor") {
        return "none".into();
    }
    let by_cpuid = if is_live(root) { signature().and_then(name_of_signature) } else { None };
    by_cpuid.or_else(|| name_of_dmi(root)).unwrap_or("unknown").to_owned()
}

/// The twelve bytes in EBX, ECX, EDX of leaf 4000_0000h.
fn signature() -> Option<[u8; 12]> {
    const HYPERVISOR_PRESENT: u32 = 1 << 31;
    if __cpuid(1).ecx & HYPERVISOR_PRESENT == 0 {
        return None;
    }
    let leaf = __cpuid(0x4000_0000);
    let mut bytes = [0; 12];
    for (to, register) in bytes.chunks_exact_mut(4).zip([leaf.ebx, leaf.ecx, leaf.edx]) {
        to.copy_from_slice(&register.to_le_bytes());
    }
    Some(bytes)
}

fn name_of_signature(signature: [u8; 12]) -> Option<&'static str> {
    Some(match &signature {
        b"KVMKVMKVM\0\0\0" => "kvm",
        b"Microsoft Hv" => "hyper-v",
        b"VMwareVMware" => "vmware",
        b"XenVMMXenVMM" => "xen",
        b"VBoxVBoxVBox" => "virtualbox",
        b"bhyve bhyve " => "bhyve",
        b"TCGTCGTCGTCG" => "qemu-tcg",
        b"ACRNACRNACRN" => "acrn",
        _ => return None,
    })
}

fn name_of_dmi(root: &Path) -> Option<&'static str> {
    let vendor = sysfs::read(root, "sys/class/dmi/id/sys_vendor")?;
    let known = [
        ("QEMU", "kvm"),
        ("Amazon EC2", "kvm"),
        ("Google", "kvm"),
        ("Microsoft", "hyper-v"),
        ("VMware", "vmware"),
        ("innotek", "virtualbox"),
        ("Xen", "xen"),
    ];
    known.iter().find(|(prefix, _)| vendor.starts_with(prefix)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::fixture::Tree;

    #[test]
    fn a_processor_without_the_flag_is_bare_metal_whatever_the_board_says() {
        let tree = Tree::new().file("proc/cpuinfo", "flags : fpu").file("sys/class/dmi/id/sys_vendor", "QEMU");
        assert_eq!(hypervisor(tree.root()), "none");
    }

    #[test]
    fn a_recorded_guest_is_named_by_its_board() {
        let tree =
            Tree::new().file("proc/cpuinfo", "flags\t: fpu hypervisor").file("sys/class/dmi/id/sys_vendor", "QEMU");
        assert_eq!(hypervisor(tree.root()), "kvm");
        assert_eq!(hypervisor(Tree::new().file("proc/cpuinfo", "flags: hypervisor").root()), "unknown");
    }

    #[test]
    fn xen_says_so_itself() {
        assert_eq!(hypervisor(Tree::new().file("sys/hypervisor/type", "xen\n").root()), "xen");
    }

    #[test]
    fn the_signature_of_kvm_is_known_and_a_stranger_is_not() {
        assert_eq!(name_of_signature(*b"KVMKVMKVM\0\0\0"), Some("kvm"));
        assert_eq!(name_of_signature(*b"abcdefghijkl"), None);
    }
}
