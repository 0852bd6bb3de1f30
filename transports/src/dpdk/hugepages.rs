//! The memory that DPDK wants: pages of 2 MiB or 1 GiB that the kernel has set aside.

use std::{fs, path::Path};

use crate::api::Unmet;

const POOLS: &str = "sys/kernel/mm/hugepages";

/// Whether `mib` are free in huge pages of any size (sysfs is looked at below `root`).
///
/// # Errors
/// [`Unmet`], with the command that reserves what is missing for both ends.
pub(super) fn check(root: &Path, mib: u32) -> Result<(), Unmet> {
    let read = |size: &str, file: &str| -> Option<u64> {
        let path = root.join(POOLS).join(format!("hugepages-{size}kB")).join(file);
        fs::read_to_string(path).ok()?.trim().parse().ok()
    };
    let free = |size: &str| read(size, "free_hugepages").unwrap_or_default();
    if free("2048") * 2 + free("1048576") * 1024 >= u64::from(mib) {
        return Ok(());
    }
    let Some(reserved) = read("2048", "nr_hugepages") else {
        return Err(Unmet {
            needs: "huge pages of 2 MiB, which this kernel does not have".to_owned(),
            how: "a kernel with CONFIG_HUGETLBFS, on x86-64 or arm64".to_owned(),
        });
    };
    let each = u64::from(mib.div_ceil(2));
    Err(Unmet {
        needs: format!("{each} free huge pages of 2 MiB for each end; there are {} for both", free("2048")),
        how: format!("echo {} > /proc/sys/vm/nr_hugepages (as root; right after a restart memory is least fragmented)", reserved - free("2048") + 2 * each),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(reserved: u64, free: u64) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let pool = root.path().join(POOLS).join("hugepages-2048kB");
        fs::create_dir_all(&pool).unwrap();
        fs::write(pool.join("nr_hugepages"), format!("{reserved}\n")).unwrap();
        fs::write(pool.join("free_hugepages"), format!("{free}\n")).unwrap();
        root
    }

    #[test]
    fn enough_free_pages_are_enough() {
        assert_eq!(check(host(32, 32).path(), 64), Ok(()));
    }

    #[test]
    fn pages_that_are_missing_come_with_the_command_that_reserves_them_beside_those_in_use() {
        let unmet = check(host(20, 5).path(), 64).unwrap_err();
        assert!(unmet.needs.starts_with("32 free huge pages") && unmet.needs.contains("are 5"), "{unmet}");
        assert!(unmet.how.starts_with("echo 79 > "), "{unmet}");
    }

    #[test]
    fn a_page_of_1_gib_serves_too() {
        let root = host(0, 0);
        let pool = root.path().join(POOLS).join("hugepages-1048576kB");
        fs::create_dir_all(&pool).unwrap();
        fs::write(pool.join("free_hugepages"), "1\n").unwrap();
        assert_eq!(check(root.path(), 64), Ok(()));
    }

    #[test]
    fn a_kernel_without_huge_pages_is_told_apart() {
        let unmet = check(tempfile::tempdir().unwrap().path(), 64).unwrap_err();
        assert!(unmet.how.contains("CONFIG_HUGETLBFS"), "{unmet}");
    }
}
