//! Programs that keep clocks: found by their names, with the hardware clocks that they hold open and the sockets that they
//! can be asked by.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::sysfs;

/// A program that is running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its process.
    pub pid: u32,
    /// `ptp4l`, `phc2sys`, …
    pub name: String,
    /// Its command line, words apart.
    pub arguments: Vec<String>,
    /// Numbers of the hardware clocks that it has open.
    pub clocks: BTreeSet<u32>,
    /// Files of its sockets of datagrams.
    pub sockets: Vec<PathBuf>,
}

/// Those that set clocks of PTP, or the system's.
const KEEPERS: [&str; 7] = ["ptp4l", "phc2sys", "ts2phc", "chronyd", "sfptpd", "ntpd", "systemd-timesyn"];

/// All of them, by the processes below `root`.
#[must_use]
pub fn find(root: &Path) -> Vec<Program> {
    let processes = sysfs::names(root, "proc").into_iter().filter_map(|name| name.parse().ok());
    processes.filter_map(|pid| program(root, pid)).collect()
}

fn program(root: &Path, pid: u32) -> Option<Program> {
    let dir = format!("proc/{pid}");
    let name = sysfs::read(root, &format!("{dir}/comm"))?;
    if !KEEPERS.contains(&name.as_str()) {
        return None;
    }
    let line = sysfs::read(root, &format!("{dir}/cmdline")).unwrap_or_default();
    let arguments = line.split('\0').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let open: Vec<String> = sysfs::names(root, &format!("{dir}/fd"))
        .iter()
        .filter_map(|fd| fs::read_link(root.join(&dir).join("fd").join(fd)).ok())
        .map(|target| target.to_string_lossy().into_owned())
        .collect();
    let clocks = open.iter().filter_map(|target| clock(target)).collect();
    let unix = sysfs::read(root, &format!("{dir}/net/unix")).unwrap_or_default();
    let sockets = sockets(&unix, &open);
    Some(Program { pid, name, arguments, clocks, sockets })
}

/// `/dev/ptp3`
fn clock(path: &str) -> Option<u32> {
    path.strip_prefix("/dev/ptp")?.parse().ok()
}

/// Of the table of the process's network namespace (proc(5): `Num RefCount Protocol Flags Type St Inode Path`), those of
/// datagrams (type 2) that are open and have a file.
fn sockets(table: &str, open: &[String]) -> Vec<PathBuf> {
    let own = |line: &str| {
        let mut fields = line.split_whitespace();
        let (kind, inode) = (fields.nth(4)?, fields.nth(1)?);
        let path = fields.next().filter(|path| path.starts_with('/'))?;
        (kind == "0002" && open.contains(&format!("socket:[{inode}]"))).then(|| PathBuf::from(path))
    };
    table.lines().filter_map(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::fixture::Tree;

    const UNIX: &str = "Num               RefCount Protocol Flags    Type St Inode Path\n\
        0000000000000000: 00000002 00000000 00000000 0002 01   501 /var/run/ptp4l\n\
        0000000000000000: 00000002 00000000 00000000 0002 01   502 /var/run/ptp4lro\n\
        0000000000000000: 00000003 00000000 00000000 0001 03   503 /run/other\n\
        0000000000000000: 00000002 00000000 00000000 0002 01   504\n";

    #[test]
    fn a_keeper_is_found_with_its_clocks_and_sockets_and_no_other_program() {
        let tree = Tree::new()
            .file("proc/700/comm", "ptp4l\n")
            .file("proc/700/cmdline", "ptp4l\0-i\0eth2\0-m\0")
            .file("proc/700/net/unix", UNIX)
            .link("proc/700/fd/3", "/dev/ptp1")
            .link("proc/700/fd/4", "socket:[502]")
            .link("proc/700/fd/5", "socket:[501]")
            .link("proc/700/fd/6", "socket:[503]")
            .file("proc/800/comm", "bash\n")
            .file("proc/uptime", "1 1\n");
        let [found] = find(tree.root()).try_into().unwrap();
        assert_eq!((found.pid, found.name.as_str()), (700, "ptp4l"));
        assert_eq!(found.arguments, ["ptp4l", "-i", "eth2", "-m"]);
        assert_eq!(found.clocks, BTreeSet::from([1]));
        assert_eq!(found.sockets, [PathBuf::from("/var/run/ptp4l"), PathBuf::from("/var/run/ptp4lro")]);
    }

    #[test]
    fn this_host_can_be_looked_through() {
        let _ = find(Path::new("/"));
    }
}
