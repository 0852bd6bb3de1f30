//! Memory in pages of the kind asked for, touched, and looked at whether it is.

use std::{fs, io, path::Path};

use memmap2::{Advice, MmapMut, MmapOptions};
use tickcert_results::certificate::Pages;
use zerocopy::FromBytes;

use crate::{memory, numa};

/// Why there is no such memory.
#[derive(Debug, thiserror::Error)]
pub enum PagesError {
    /// None at all.
    #[error("{bytes} bytes of memory, and they can't be had")]
    Memory {
        /// How many.
        bytes: u64,
        /// Why.
        source: io::Error,
    },
    /// Neither transparent nor set aside.
    #[error("{pages} free huge pages of 2 MiB{}", node.map(|n| format!(" on node {n}")).unwrap_or_default())]
    NoHugePages {
        /// How many it takes.
        pages: u64,
        /// On which node.
        node: Option<u32>,
    },
}

impl PagesError {
    /// What can be done about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Memory { .. } => "free memory, or raise the container's limit".into(),
            Self::NoHugePages { pages, node } => {
                let file = match node {
                    Some(node) => {
                        format!("/sys/devices/system/node/node{node}/hugepages/hugepages-2048kB/nr_hugepages")
                    }
                    None => "/proc/sys/vm/nr_hugepages".into(),
                };
                format!(
                    "as root: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled, or echo {pages} > {file} \
                     (until the next boot; `hugepages={pages}` on the kernel's command line lasts)"
                )
            }
        }
    }
}

/// Memory that can be written to.
pub(super) struct Buffer(MmapMut);

const HUGE_BYTES: u64 = 2 << 20;
/// 2^21, as mmap(2) wants it.
const HUGE_BITS: u8 = 21;

impl Buffer {
    /// So many bytes (whole huge pages), on the nodes that the calling thread's memory is bound to: `node`, if any.
    pub(super) fn new(bytes: u64, pages: Pages, node: Option<u32>) -> Result<Self, PagesError> {
        match pages {
            Pages::Small => Self::mapped(bytes, Advice::NoHugePage),
            Pages::Huge => {
                // Transparent ones first: they need nobody to have set them aside, and those who set some aside need them.
                let transparent = Self::mapped(bytes, Advice::HugePage)?;
                let huge = transparent_bytes(
                    &fs::read_to_string("/proc/self/smaps").unwrap_or_default(),
                    transparent.address(),
                );
                if huge >= bytes / 10 * 9 {
                    return Ok(transparent);
                }
                drop(transparent);
                Self::set_aside(bytes, node)
            }
        }
    }

    fn mapped(bytes: u64, advice: Advice) -> Result<Self, PagesError> {
        let failed = |source| PagesError::Memory { bytes, source };
        let map = length(bytes).and_then(|len| MmapOptions::new().len(len).map_anon()).map_err(failed)?;
        // A kernel without transparent huge pages refuses the advice, and has small pages.
        let _ = map.advise(advice);
        Ok(Self(map).touched())
    }

    fn set_aside(bytes: u64, node: Option<u32>) -> Result<Self, PagesError> {
        let pages = bytes / HUGE_BYTES;
        let none = || PagesError::NoHugePages { pages, node };
        // The kernel promises pages of any node, and kills who touches one that the node hasn't got.
        let free: u64 = numa::nodes(Path::new("/"))
            .iter()
            .filter(|n| node.is_none_or(|node| n.number == node))
            .flat_map(|n| &n.huge_pages)
            .filter(|pool| pool.kib == HUGE_BYTES / 1024)
            .map(|pool| pool.free)
            .sum();
        if free < pages {
            return Err(none());
        }
        let map = length(bytes).and_then(|len| MmapOptions::new().len(len).huge(Some(HUGE_BITS)).map_anon());
        map.map(|map| Self(map).touched()).map_err(|_| none())
    }

    fn touched(mut self) -> Self {
        memory::prefault(&mut self.0[..]);
        self
    }

    /// Where it begins.
    pub(super) fn address(&self) -> usize {
        self.0.as_ptr().addr()
    }

    /// All of it, as words.
    pub(super) fn words(&mut self) -> &mut [usize] {
        // A mapping is aligned to pages and its length here to huge ones, so that there is no case of none.
        <[usize]>::mut_from_bytes(&mut self.0[..]).unwrap_or_default()
    }
}

fn length(bytes: u64) -> io::Result<usize> {
    usize::try_from(bytes).map_err(io::Error::other)
}

/// Bytes in transparent huge pages of the mapping that holds `address`, by `/proc/<pid>/smaps`.
fn transparent_bytes(smaps: &str, address: usize) -> u64 {
    let mut inside = false;
    for line in smaps.lines() {
        if let Some((first, last)) = range(line) {
            inside = (first..last).contains(&address);
        } else if inside && let Some(rest) = line.strip_prefix("AnonHugePages:") {
            let kib: u64 = rest.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
            return kib.saturating_mul(1024);
        }
    }
    0
}

/// `7f00-7f80 rw-p …`, the head of a mapping.
fn range(line: &str) -> Option<(usize, usize)> {
    let (first, last) = line.split_whitespace().next()?.split_once('-')?;
    Some((usize::from_str_radix(first, 16).ok()?, usize::from_str_radix(last, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMAPS: &str = "\
7f0000000000-7f0000200000 rw-p 00000000 00:00 0
Size:               2048 kB
AnonHugePages:         0 kB
7f0000200000-7f0008200000 rw-p 00000000 00:00 0
Size:             131072 kB
AnonHugePages:    129024 kB
VmFlags: rd wr
";

    #[test]
    fn huge_pages_are_those_of_the_mapping_that_holds_the_address() {
        assert_eq!(transparent_bytes(SMAPS, 0x7f00_0030_0000), 129_024 << 10);
        assert_eq!(transparent_bytes(SMAPS, 0x7f00_0010_0000), 0);
        assert_eq!(transparent_bytes(SMAPS, 0x7f00_0820_0000), 0);
    }

    #[test]
    fn pages_that_are_not_there_are_told_with_both_ways_to_have_them() {
        let e = PagesError::NoHugePages { pages: 64, node: Some(1) };
        assert_eq!(e.to_string(), "64 free huge pages of 2 MiB on node 1");
        assert!(e.remedy().contains("transparent_hugepage/enabled") && e.remedy().contains("node1/hugepages"));
    }

    #[test]
    fn memory_of_small_pages_has_no_huge_ones_and_can_be_written() {
        let mut buffer = Buffer::new(4 << 20, Pages::Small, None).unwrap();
        let smaps = fs::read_to_string("/proc/self/smaps").unwrap();
        assert_eq!(transparent_bytes(&smaps, buffer.address()), 0);
        let words = buffer.words();
        assert_eq!(words.len(), (4 << 20) / size_of::<usize>());
        words.fill(1);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String, address: usize) {
            let _ = transparent_bytes(&text, address);
        }
    }
}
