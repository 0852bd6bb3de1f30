//! Binding the memory of this process to a node: two system calls that no safe wrapper has.
#![allow(unsafe_code, reason = "set_mempolicy and migrate_pages by number")]

use std::{io, path::Path};

/// Words of the node masks below: 1,024 nodes, the kernel's own limit (`CONFIG_NODES_SHIFT` is at most 10).
const WORDS: usize = 16;
const BITS: u32 = u64::BITS;
/// Highest node number and one; the kernel reads one bit fewer than it is told (set_mempolicy(2), "maxnode").
const MOST: u32 = 64 * 16;

/// Why memory was not bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// There is no such node, it has no memory, or the cgroup's cpuset forbids it.
    #[error(
        "memory can't be bound to node {node}: there is no such node with memory, or this process may not use it \
         (`numactl --hardware` lists them; a container's --cpuset-mems, a systemd AllowedMemoryNodes=)"
    )]
    NoSuchNode {
        /// Asked for.
        node: u32,
    },
    /// Any other refusal.
    #[error("binding memory to node {node} was refused by the kernel")]
    Refused {
        /// Asked for.
        node: u32,
        /// What the kernel said.
        source: io::Error,
    },
}

/// All memory that the calling thread (and those that it starts) touches from now on comes from `node` or not at all.
///
/// # Errors
/// [`BindError`], with the remedy; nothing has changed then.
pub fn bind_thread(node: u32) -> Result<(), BindError> {
    let mask = mask(node).ok_or(BindError::NoSuchNode { node })?;
    // SAFETY: the kernel reads MOST bits of a mask that has as many.
    let done = unsafe {
        libc::syscall(libc::SYS_set_mempolicy, libc::MPOL_BIND, mask.as_ptr(), libc::c_ulong::from(MOST) + 1)
    };
    if done == 0 {
        return Ok(());
    }
    let source = io::Error::last_os_error();
    Err(match source.raw_os_error() {
        Some(libc::EINVAL) => BindError::NoSuchNode { node },
        _ => BindError::Refused { node, source },
    })
}

/// As [`bind_thread`], and what this process has already is moved there, as far as the kernel can. Where it lies in the end
/// [`super::memory_by_node`] says.
///
/// # Errors
/// [`BindError`], with the remedy; nothing has changed then.
pub fn bind_memory(node: u32) -> Result<(), BindError> {
    bind_thread(node)?;
    let mask = mask(node).ok_or(BindError::NoSuchNode { node })?;
    let mut others = [0; WORDS];
    for other in super::nodes(Path::new("/")).iter().map(|n| n.number).filter(|n| *n != node).filter_map(self::mask) {
        others.iter_mut().zip(other).for_each(|(all, one)| *all |= one);
    }
    // SAFETY: both masks have MOST bits; 0 is this process. How many pages stayed is looked at afterwards, whatever it says.
    unsafe { libc::syscall(libc::SYS_migrate_pages, 0, libc::c_ulong::from(MOST) + 1, others.as_ptr(), mask.as_ptr()) };
    Ok(())
}

fn mask(node: u32) -> Option<[u64; WORDS]> {
    let mut mask = [0; WORDS];
    *mask.get_mut(usize::try_from(node / BITS).ok()?)? = 1 << (node % BITS);
    Some(mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numa::{memory_by_node, nodes};

    #[test]
    fn memory_bound_to_a_node_lies_there() {
        let all = nodes(std::path::Path::new("/"));
        let Some(last) = all.last() else {
            println!("SKIPPED: binding memory: needs a kernel that knows of memory nodes (CONFIG_NUMA)");
            return;
        };
        let node = last.number;
        // In a thread of its own: the policy is a thread's.
        std::thread::spawn(move || {
            bind_memory(node).unwrap();
            let memory = vec![1_u8; 8 << 20];
            let by_node = memory_by_node().unwrap();
            assert!(by_node.0.get(&node).is_some_and(|bytes| *bytes >= memory.len() as u64), "{by_node}");
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_node_that_is_not_there_is_named_with_the_remedy() {
        for node in [1_000, MOST, u32::MAX] {
            let e = bind_memory(node).unwrap_err();
            assert!(matches!(e, BindError::NoSuchNode { node: n } if n == node), "{e}");
            assert!(e.to_string().contains("numactl --hardware"));
        }
    }
}
