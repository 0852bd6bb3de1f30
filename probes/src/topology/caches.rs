//! Which cores share a last-level cache. On processors of several complexes that is fewer than a socket's.

use std::{collections::BTreeSet, path::Path};

use super::{Core, SharedCache, cpu_file, cpu_list};
use crate::sysfs;

/// Each core's largest unified cache by level, each once, in the order of the cores.
pub(super) fn last_level(root: &Path, cores: &[Core]) -> Vec<SharedCache> {
    let found: BTreeSet<SharedCache> =
        cores.iter().filter(|core| core.online).filter_map(|core| of_core(root, core.number)).collect();
    found.into_iter().collect()
}

fn of_core(root: &Path, core: u32) -> Option<SharedCache> {
    caches(root, core).into_iter().max_by_key(|cache| cache.level)
}

/// Caches of a core that hold data.
fn caches(root: &Path, core: u32) -> Vec<SharedCache> {
    sysfs::names(root, &cpu_file(core, "cache"))
        .iter()
        .filter(|name| name.starts_with("index"))
        .filter_map(|name| {
            let file = |file: &str| format!("cache/{name}/{file}");
            if sysfs::read(root, &cpu_file(core, &file("type")))? == "Instruction" {
                return None;
            }
            Some(SharedCache {
                cores: cpu_list(root, core, &file("shared_cpu_list")),
                level: sysfs::read_number(root, &cpu_file(core, &file("level")))?,
                kib: sysfs::read(root, &cpu_file(core, &file("size"))).and_then(|text| kib(&text)),
            })
        })
        .collect()
}

/// `32768K`, as the kernel writes it; it has no other unit.
fn kib(text: &str) -> Option<u64> {
    text.strip_suffix('K')?.parse().ok()
}

/// Size of the largest cache of a core in KiB: what memory must exceed to be memory.
#[must_use]
pub fn largest_cache_kib(root: &Path, core: u32) -> Option<u64> {
    caches(root, core).into_iter().filter_map(|cache| cache.kib).max()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_size_is_in_kib_and_anything_else_is_none() {
        assert_eq!(kib("32768K"), Some(32_768));
        for text in ["", "K", "32M", "-1K", "32768"] {
            assert_eq!(kib(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_size_is_read_without_a_panic(text: String) {
            let _ = kib(&text);
        }
    }
}
