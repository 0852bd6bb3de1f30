//! Whether this kernel can do RDMA in software: soft-RoCE, the module `rdma_rxe`.

use std::{fs, net::Ipv4Addr, path::Path};

use nix::sys::utsname::uname;

use super::ports::{self, Port};
use crate::api::Unmet;

/// What must be loaded: what programs reach devices by, what connections are made by (`rdma_cm`), and the driver; in an order in
/// which each can be unloaded after those behind it.
pub const MODULES: [&str; 3] = ["ib_uverbs", "rdma_ucm", "rdma_rxe"];

/// Whether the kernel has the modules, loaded or not (looked at below `root`).
///
/// # Errors
/// [`Unmet`], for the first that it hasn't.
pub fn check(root: &Path) -> Result<(), Unmet> {
    let release = uname().map(|name| name.release().to_string_lossy().into_owned()).unwrap_or_default();
    check_release(root, &release)
}

fn check_release(root: &Path, release: &str) -> Result<(), Unmet> {
    match MODULES.into_iter().rev().find(|module| !is_loaded(root, module) && !can_be_loaded(root, release, module)) {
        None => Ok(()),
        Some(module) => Err(Unmet {
            needs: format!("soft-RoCE: the module {module}, which the kernel {release} has not"),
            how: "a kernel with it (Debian: apt-get install linux-image-amd64; those for clouds have none), or an RDMA NIC in each of two hosts, named under [transport.rdma]: exchange_device = \"mlx5_0\", trader_device = \"mlx5_0\"".to_owned(),
        }),
    }
}

/// Whether the device over that interface is ready: its link up, with an address (GID) that lanes can use.
#[must_use]
pub fn is_ready(root: &Path, interface: &str) -> bool {
    ports::over_interface(root, interface).is_some_and(|(device, number)| {
        let port = Port::new(root, &device, number);
        port.check(root).is_ok() && port.gid(None, Ipv4Addr::UNSPECIFIED).is_ok()
    })
}

/// Whether there is any RDMA device that is no hardware.
#[must_use]
pub fn is_in_use(root: &Path) -> bool {
    ports::devices(root).iter().any(|device| ports::is_software(root, device))
}

/// Whether a module is loaded, or part of the kernel.
#[must_use]
pub fn is_loaded(root: &Path, module: &str) -> bool {
    root.join("sys/module").join(module).is_dir()
}

fn can_be_loaded(root: &Path, release: &str, module: &str) -> bool {
    let folder = root.join("lib/modules").join(release);
    let listed = |list: &str| {
        fs::read_to_string(folder.join(list)).unwrap_or_default().lines().any(|line| name_of(line) == Some(module))
    };
    listed("modules.dep") || listed("modules.builtin")
}

/// The module that a line of `modules.dep` (`kernel/drivers/…/rdma_rxe.ko.xz: …`) or `modules.builtin` is of; file names have a
/// hyphen where some modules' names have an underscore.
fn name_of(line: &str) -> Option<&str> {
    let path = line.split(':').next()?;
    let file = path.rsplit('/').next()?;
    file.split_once(".ko").map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel(modules: &str, builtin: &str, loaded: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("lib/modules/6.12.1");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("modules.dep"), modules).unwrap();
        fs::write(folder.join("modules.builtin"), builtin).unwrap();
        for module in loaded {
            fs::create_dir_all(root.path().join("sys/module").join(module)).unwrap();
        }
        root
    }

    const DEP: &str = "kernel/drivers/infiniband/sw/rxe/rdma_rxe.ko.xz: kernel/net/ipv4/udp_tunnel.ko.xz\nkernel/drivers/infiniband/core/ib_uverbs.ko.xz:\n";

    #[test]
    fn modules_that_are_listed_built_in_or_loaded_are_there() {
        let ucm = "kernel/drivers/infiniband/core/rdma_ucm.ko";
        let check = |root: &tempfile::TempDir| check_release(root.path(), "6.12.1");
        assert_eq!(check(&kernel(&format!("{DEP}{ucm}.zst:\n"), "", &[])), Ok(()));
        assert_eq!(check(&kernel(DEP, ucm, &[])), Ok(()));
        assert_eq!(check(&kernel("", "", &MODULES)), Ok(()));
        let unmet = check(&kernel(DEP, "", &[])).unwrap_err();
        assert!(unmet.needs.contains("rdma_ucm") && unmet.needs.contains("6.12.1"), "{unmet}");
    }

    #[test]
    fn a_kernel_without_modules_says_which_and_what_else_would_do() {
        let unmet = check_release(Path::new("/nowhere"), "6.18.0").unwrap_err();
        assert!(unmet.needs.contains("rdma_rxe") && unmet.how.contains("exchange_device"), "{unmet}");
    }
}
