//! On which nodes the memory of this process lies, by the kernel's account of every mapping (`numa_maps(5)`).

use std::{collections::BTreeMap, fmt, fs, io};

use serde::{Deserialize, Serialize};

/// Bytes of memory by the number of the node that they lie on. Serialised as pairs: numbers as the keys of an object can't be
/// read back inside an internally tagged enum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(u32, u64)>", into = "Vec<(u32, u64)>")]
pub struct MemoryByNode(pub BTreeMap<u32, u64>);

impl From<Vec<(u32, u64)>> for MemoryByNode {
    fn from(pairs: Vec<(u32, u64)>) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl From<MemoryByNode> for Vec<(u32, u64)> {
    fn from(memory: MemoryByNode) -> Self {
        memory.0.into_iter().collect()
    }
}

impl MemoryByNode {
    /// Bytes that lie elsewhere than on `node`.
    #[must_use]
    pub fn elsewhere(&self, node: u32) -> u64 {
        self.0.iter().filter(|(n, _)| **n != node).map(|(_, bytes)| bytes).sum()
    }
}

/// `node 0: 1024 KiB, node 1: 8 KiB`.
impl fmt::Display for MemoryByNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (n, (node, bytes)) in self.0.iter().enumerate() {
            write!(f, "{}node {node}: {} KiB", if n > 0 { ", " } else { "" }, bytes / 1024)?;
        }
        Ok(())
    }
}

/// The memory of this process that is its own: what is anonymous, and huge pages. Files (the program, a tape) are shared
/// with others and lie where the first of them put them.
///
/// # Errors
/// Where the kernel has no such account (it is built without CONFIG_NUMA).
pub fn memory_by_node() -> io::Result<MemoryByNode> {
    Ok(by_node(&fs::read_to_string("/proc/self/numa_maps")?))
}

/// The memory of this process's mapping that holds `address`. A neighbour of the same kind may count along: the kernel joins
/// mappings that touch.
///
/// # Errors
/// As of [`memory_by_node`].
pub fn memory_of_mapping(address: usize) -> io::Result<MemoryByNode> {
    Ok(of_mapping(&fs::read_to_string("/proc/self/numa_maps")?, address))
}

/// Lines are in the order of addresses, each with the first of its mapping.
fn of_mapping(maps: &str, address: usize) -> MemoryByNode {
    let start = |line: &str| usize::from_str_radix(line.split_whitespace().next()?, 16).ok();
    let mut sum = BTreeMap::new();
    if let Some(line) = maps.lines().take_while(|line| start(line).is_none_or(|start| start <= address)).last() {
        add(&mut sum, &words(line));
    }
    MemoryByNode(sum)
}

fn by_node(maps: &str) -> MemoryByNode {
    let mut sum = BTreeMap::new();
    for line in maps.lines() {
        let words = words(line);
        let own =
            value(&words, "huge").is_some() || (value(&words, "anon").is_some() && value(&words, "file").is_none());
        if own {
            add(&mut sum, &words);
        }
    }
    MemoryByNode(sum)
}

/// Address and policy come first, then words, some of them with a value.
fn words(line: &str) -> Vec<(&str, &str)> {
    line.split_whitespace().skip(2).map(|word| word.split_once('=').unwrap_or((word, ""))).collect()
}

fn value<'a>(words: &[(&str, &'a str)], key: &str) -> Option<&'a str> {
    words.iter().find(|(k, _)| *k == key).map(|(_, v)| *v)
}

fn add(sum: &mut BTreeMap<u32, u64>, words: &[(&str, &str)]) {
    let page_kib: u64 = value(words, "kernelpagesize_kB").and_then(|v| v.parse().ok()).unwrap_or(4);
    for (key, pages) in words {
        let node = key.strip_prefix('N').and_then(|n| n.parse::<u32>().ok());
        if let (Some(node), Ok(pages)) = (node, pages.parse::<u64>()) {
            let bytes = pages.saturating_mul(page_kib).saturating_mul(1024);
            let all: &mut u64 = sum.entry(node).or_default();
            *all = all.saturating_add(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
559f2000 bind:1 file=/usr/bin/tickcert mapped=40 N0=40 kernelpagesize_kB=4
559fa000 bind:1 heap anon=10 dirty=10 N0=2 N1=8 kernelpagesize_kB=4
7f000000 bind:1 anon=3 dirty=3 active=0 N1=3 kernelpagesize_kB=4
7f200000 bind:1 file=/dev/hugepages/rte huge dirty=2 N1=2 kernelpagesize_kB=2048
7f300000 bind:1 file=/lib/libc.so anon=1 mapped=4 N0=4 kernelpagesize_kB=4
7ffc0000 bind:1 stack anon=2 dirty=2 N1=2 kernelpagesize_kB=4
7ffd0000 default
";

    #[test]
    fn own_memory_is_counted_by_node_and_files_are_not() {
        let memory = by_node(MAPS);
        assert_eq!(memory.0, BTreeMap::from([(0, 2 * 4096), (1, 13 * 4096 + 2 * (2 << 20))]));
        assert_eq!((memory.elsewhere(1), memory.elsewhere(7)), (8192, memory.0.values().sum()));
        assert_eq!(memory.to_string(), "node 0: 8 KiB, node 1: 4148 KiB");
    }

    #[test]
    fn a_mapping_is_found_by_any_address_in_it() {
        let of = |address| of_mapping(MAPS, address).0;
        assert_eq!(of(0x7f20_0000), BTreeMap::from([(1, 2 * (2 << 20))]));
        assert_eq!(of(0x7f2f_ffff), of(0x7f20_0000));
        assert_eq!(of(0x7f00_0000), BTreeMap::from([(1, 3 * 4096)]));
        assert_eq!(of(1), BTreeMap::new());
    }

    #[test]
    fn lines_that_make_no_sense_count_for_nothing() {
        assert_eq!(by_node("x\n\n1 2 N=3 Nx=1 anon=1 N0=x N1=99999999999999999999\n"), MemoryByNode::default());
        assert_eq!(MemoryByNode::default().to_string(), "none");
    }

    #[test]
    fn this_process_has_memory_somewhere() {
        match memory_by_node() {
            Ok(memory) => assert!(memory.0.values().sum::<u64>() > 0),
            Err(e) => println!("SKIPPED: memory by node: needs a kernel with CONFIG_NUMA ({e})"),
        }
    }
}
