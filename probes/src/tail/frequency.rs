//! Changes of a core's frequency of which the kernel knows nothing.

use std::path::Path;

use crate::sysfs;

/// Drivers that leave the frequency to the processor: `intel_pstate` in its active mode, and `amd-pstate` in its own, which is named
/// so (`Documentation/admin-guide/pm/{intel_pstate,amd-pstate}.rst`). The passive modes have names of their own.
const LEAVE_IT: [&str; 2] = ["intel_pstate", "amd-pstate-epp"];

/// The driver of the first of these cores whose changes of frequency are the processor's own.
#[must_use]
pub fn untold(root: &Path, cores: [u32; 2]) -> Option<&'static str> {
    cores.into_iter().find_map(|core| {
        let driver = sysfs::read(root, &format!("sys/devices/system/cpu/cpu{core}/cpufreq/scaling_driver"))?;
        LEAVE_IT.into_iter().find(|name| *name == driver)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::fixture::Tree;

    #[test]
    fn only_drivers_that_leave_the_frequency_to_the_processor_tell_nothing_of_it() {
        let of = |driver: &str| {
            let tree = Tree::new().file("sys/devices/system/cpu/cpu3/cpufreq/scaling_driver", driver);
            untold(tree.root(), [1, 3])
        };
        assert_eq!(of("intel_pstate"), Some("intel_pstate"));
        assert_eq!(of("amd-pstate-epp"), Some("amd-pstate-epp"));
        for told in ["intel_cpufreq", "amd-pstate", "acpi-cpufreq", ""] {
            assert_eq!(of(told), None, "{told}");
        }
    }
}
