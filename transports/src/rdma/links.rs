//! RDMA devices in software, made and removed by netlink (`linux/include/uapi/rdma/rdma_netlink.h`).

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use netlink_packet_core::{DefaultNla, NLM_F_DUMP};
use netlink_sys::protocols::NETLINK_RDMA;

use crate::netlink::{Message, ask};

/// The part of RDMA's netlink that is about devices, and what it can be asked.
const DEVICES: u16 = 5 << 10;
const GET: u16 = DEVICES + 1;
const NEW_LINK: u16 = DEVICES + 3;
const DELETE_LINK: u16 = DEVICES + 4;
/// Attributes.
const INDEX: u16 = 1;
const NAME: u16 = 2;
const INTERFACE: u16 = 51;
const LINK_KIND: u16 = 65;
/// Soft-RoCE's name as a kind of link.
const RXE: &str = "rxe";

/// Makes a soft-RoCE device of that name over an interface.
///
/// # Errors
/// The kernel's, with its number: `EPERM` without CAP_NET_ADMIN, `EEXIST` for a name or an interface that has one,
/// `EOPNOTSUPP` or `EINVAL` where the module is missing.
pub fn make(device: &str, interface: &str) -> io::Result<()> {
    ask(NETLINK_RDMA, question(NEW_LINK, vec![text(NAME, device), text(LINK_KIND, RXE), text(INTERFACE, interface)]), 0)
        .map(drop)
}

/// Removes the device of that name.
///
/// # Errors
/// The kernel's, with its number: `ENODEV` where there is none.
pub fn remove(device: &str) -> io::Result<()> {
    let index = index_of(&ask(NETLINK_RDMA, question(GET, Vec::new()), NLM_F_DUMP)?, device);
    let index = index.ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
    ask(NETLINK_RDMA, question(DELETE_LINK, vec![DefaultNla::new(INDEX, index)]), 0).map(drop)
}

/// Processes that have the device open, as far as they can be seen (below `root`). Until they close it, removing waits in the kernel,
/// and can't be interrupted.
#[must_use]
pub fn holders(root: &Path, device: &str) -> Vec<u32> {
    let folders = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten();
    let is_of = |node: &PathBuf| fs::read_to_string(node.join("ibdev")).is_ok_and(|name| name.trim() == device);
    let Some(node) = folders(root.join("sys/class/infiniband_verbs")).map(|entry| entry.path()).find(is_of) else {
        return Vec::new();
    };
    let node = Path::new("/dev/infiniband").join(node.file_name().unwrap_or_default());
    let has_it = |process: &u32| {
        let mut open = folders(root.join("proc").join(process.to_string()).join("fd"));
        open.any(|entry| fs::read_link(entry.path()).is_ok_and(|path| path == node))
    };
    folders(root.join("proc")).filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(has_it).collect()
}

/// The number of a device among those that the kernel told of.
fn index_of(devices: &[Message<0>], name: &str) -> Option<Vec<u8>> {
    let found = devices.iter().find(|device| device.value(NAME).is_some_and(|value| value == terminated(name)))?;
    found.value(INDEX)
}

fn question(kind: u16, attributes: Vec<DefaultNla>) -> Message<0> {
    Message { kind, header: [], attributes }
}

fn text(kind: u16, value: &str) -> DefaultNla {
    DefaultNla::new(kind, terminated(value))
}

fn terminated(value: &str) -> Vec<u8> {
    [value.as_bytes(), &[0]].concat()
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::NetlinkSerializable;

    use super::*;

    #[test]
    fn the_question_for_a_new_device_is_what_rdma_link_add_asks() {
        let question = question(NEW_LINK, vec![text(NAME, "rxe0"), text(LINK_KIND, RXE), text(INTERFACE, "v0")]);
        let mut bytes = vec![0; question.buffer_len()];
        question.serialize(&mut bytes);
        assert_eq!(question.message_type(), 0x1403);
        // Lengths and types, each attribute on a boundary of four bytes.
        let wanted = [&[9, 0, 2, 0][..], b"rxe0\0\0\0\0", &[8, 0, 65, 0], b"rxe\0", &[7, 0, 51, 0], b"v0\0\0"];
        assert_eq!(bytes, wanted.concat());
    }

    #[test]
    fn a_device_is_found_by_its_whole_name() {
        let device = |name, index| question(GET, vec![DefaultNla::new(INDEX, vec![index, 0, 0, 0]), text(NAME, name)]);
        let devices = [device("rxe01", 1), device("rxe0", 2)];
        assert_eq!(index_of(&devices, "rxe0"), Some(vec![2, 0, 0, 0]));
        assert_eq!(index_of(&devices, "rxe"), None);
    }

    #[test]
    fn who_has_a_device_open_is_found_and_who_has_another_is_not() {
        let root = tempfile::tempdir().unwrap();
        for (node, device) in [("uverbs0", "mlx5_0"), ("uverbs1", "rxe0")] {
            let folder = root.path().join("sys/class/infiniband_verbs").join(node);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("ibdev"), format!("{device}\n")).unwrap();
        }
        for (process, node) in [("7", "uverbs1"), ("8", "uverbs0"), ("self", "uverbs1")] {
            let folder = root.path().join("proc").join(process).join("fd");
            fs::create_dir_all(&folder).unwrap();
            std::os::unix::fs::symlink(format!("/dev/infiniband/{node}"), folder.join("3")).unwrap();
        }
        assert_eq!(holders(root.path(), "rxe0"), [7]);
        assert!(holders(root.path(), "rxe1").is_empty());
    }

    #[test]
    fn on_a_kernel_without_rdma_or_without_the_device_removing_is_an_error_with_its_number() {
        assert!(remove("tickcert-none").unwrap_err().raw_os_error().is_some());
    }
}
