//! A bench without root: in a user namespace of one's own, where the kernel lets one.

use std::{fs, io, path::Path};

use nix::{
    errno::Errno,
    sched::{CloneFlags, unshare},
    unistd::{getegid, geteuid},
};
use tickcert_probes::{
    privilege::{self, Capability},
    sysfs,
};
use tickcert_transports::api::Unmet;

/// What the process may do about networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// It has the capabilities on the host, so real interfaces may be used too.
    Host,
    /// It has them in a user namespace only: veth benches, and the limits of an ordinary user.
    UserNamespace,
}

/// Which privilege the process has already; none where it would need [`enter`].
#[must_use]
pub fn present() -> Option<Privilege> {
    if !privilege::has(Capability::SysAdmin) || !privilege::has(Capability::NetAdmin) {
        return None;
    }
    Some(if privilege::in_initial_user_namespace() { Privilege::Host } else { Privilege::UserNamespace })
}

/// Whether a user namespace could be made, from the kernel's settings below `root`; touches nothing.
///
/// # Errors
/// [`Unmet`], naming the setting that forbids it.
pub fn preflight(root: &Path) -> Result<(), Unmet> {
    let forbids = |setting: &str, forbidding: &str| {
        (sysfs::read(root, &format!("proc/sys/{}", setting.replace('.', "/"))).as_deref() == Some(forbidding))
            .then(|| (setting.to_owned(), forbidding.to_owned()))
    };
    let checks = [
        ("user.max_user_namespaces", "0", "15000"),
        ("user.max_net_namespaces", "0", "15000"),
        ("kernel.unprivileged_userns_clone", "0", "1"),
        ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
    ];
    for (setting, forbidding, allowing) in checks {
        if let Some((setting, value)) = forbids(setting, forbidding) {
            return Err(Unmet {
                needs: format!("root, or user namespaces, which {setting} = {value} forbids"),
                how: format!("run as root, or `sysctl -w {setting}={allowing}`"),
            });
        }
    }
    if !root.join("proc/self/ns/user").exists() {
        return Err(Unmet {
            needs: "root, or user namespaces, which this kernel is built without".into(),
            how: "run as root, or use a kernel with CONFIG_USER_NS".into(),
        });
    }
    Ok(())
}

/// Makes sure that the process may make network namespaces and interfaces: as it is, or in a new user namespace in which
/// it is root. To be called at the start of `main`, before any thread is started; processes started later inherit it.
///
/// # Errors
/// [`Unmet`], with the reason and the remedy.
pub fn enter() -> Result<Privilege, Unmet> {
    if let Some(privilege) = present() {
        return Ok(privilege);
    }
    preflight(Path::new("/"))?;
    let (uid, gid) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER).map_err(refused)?;
    // Groups can't be dropped any more from here on, without which an unprivileged process may not set the group map.
    write("setgroups", "deny")?;
    write("uid_map", &format!("0 {uid} 1"))?;
    write("gid_map", &format!("0 {gid} 1"))?;
    present().ok_or_else(|| Unmet {
        needs: "root, or a user namespace with capabilities (one was made, but a security module took them away)"
            .into(),
        how: "run as root, or allow it in AppArmor or SELinux for this program".into(),
    })
}

fn refused(errno: Errno) -> Unmet {
    let needs = match errno {
        Errno::EINVAL => "to make its user namespace before any thread is started (a mistake of the program)".into(),
        Errno::EPERM => "root, or user namespaces, which a container's seccomp filter or a chroot forbids here".into(),
        Errno::ENOSPC | Errno::EUSERS => "root, or one more user namespace than the limit allows".into(),
        errno => format!("root, or user namespaces, which the kernel refuses here: {errno}"),
    };
    Unmet {
        needs,
        how: "run as root (in a container: --privileged, or --cap-add SYS_ADMIN --cap-add NET_ADMIN)".into(),
    }
}

fn write(file: &str, text: &str) -> Result<(), Unmet> {
    match fs::write(format!("/proc/self/{file}"), text) {
        // Kernels before 3.19 have no setgroups file, and need none.
        Err(e) if e.kind() == io::ErrorKind::NotFound && file == "setgroups" => Ok(()),
        written => written.map_err(|e| Unmet {
            needs: format!("root, or a user namespace of its own, of which /proc/self/{file} can't be written: {e}"),
            how: "run as root".into(),
        }),
    }
}

/// Whether a socket buffer may be larger than [`receive_buffer_limit`] (`SO_RCVBUFFORCE`, which counts only with the
/// capability on the host itself).
#[must_use]
pub fn can_force_buffers() -> bool {
    present() == Some(Privilege::Host)
}

/// Largest receive buffer that an unprivileged socket gets, in bytes (`net.core.rmem_max`); none where it can't be read.
#[must_use]
pub fn receive_buffer_limit(root: &Path) -> Option<usize> {
    sysfs::read_number(root, "proc/sys/net/core/rmem_max")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel that allows everything, but for one setting.
    fn kernel_with(setting: &str, value: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in ["proc/self/ns/user".to_owned(), format!("proc/sys/{}", setting.replace('.', "/"))] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, value).unwrap();
        }
        root
    }

    #[test]
    fn each_setting_that_forbids_user_namespaces_is_named_with_the_command_that_allows_them() {
        for (setting, value) in [
            ("user.max_user_namespaces", "0\n"),
            ("user.max_net_namespaces", "0\n"),
            ("kernel.unprivileged_userns_clone", "0\n"),
            ("kernel.apparmor_restrict_unprivileged_userns", "1\n"),
        ] {
            let unmet = preflight(kernel_with(setting, value).path()).unwrap_err();
            assert!(unmet.needs.contains(setting) && unmet.how.contains(&format!("sysctl -w {setting}=")), "{unmet}");
        }
    }

    #[test]
    fn a_kernel_that_allows_them_has_no_unmet_need() {
        preflight(kernel_with("kernel.unprivileged_userns_clone", "1\n").path()).unwrap();
    }

    #[test]
    fn a_kernel_without_user_namespaces_is_named_as_such() {
        let unmet = preflight(tempfile::tempdir().unwrap().path()).unwrap_err();
        assert!(unmet.how.contains("CONFIG_USER_NS"), "{unmet}");
    }

    #[test]
    fn the_limit_of_receive_buffers_is_read() {
        assert_eq!(receive_buffer_limit(kernel_with("net.core.rmem_max", "212992\n").path()), Some(212_992));
    }
}
