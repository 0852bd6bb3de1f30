//! Which of its queues what an interface receives goes to: the table of receive side scaling, through ethtool's ioctl, which drivers
//! of every age have (`ETHTOOL_GRXRINGS`, `ETHTOOL_GRXCLSRLCNT`, `ETHTOOL_GRXFHINDIR` and `ETHTOOL_SRXFHINDIR` in `linux/ethtool.h`).
#![expect(unsafe_code, reason = "SIOCETHTOOL passes a pointer inside a struct")]

use std::io;

use super::ioctl_ffi::call;

const ETHTOOL_GRXRINGS: u32 = 0x2d;
const ETHTOOL_GRXCLSRLCNT: u32 = 0x2e;
const ETHTOOL_GRXFHINDIR: u32 = 0x38;
const ETHTOOL_SRXFHINDIR: u32 = 0x39;

/// Entries of the largest table that is read; drivers have 16 to 2,048.
const MOST: usize = 8192;

/// `struct ethtool_rxnfc`, of which these questions use `cmd`, `data` and `rule_cnt` only.
#[repr(C)]
#[derive(Default)]
struct Rings {
    cmd: u32,
    flow_type: u32,
    data: u64,
    fs: [u64; 21],
    rule_cnt: u32,
    padding: u32,
}

/// `struct ethtool_rxfh_indir`, with room for the entries behind it.
#[repr(C)]
struct Table {
    cmd: u32,
    size: u32,
    queues: [u32; MOST],
}

const _: () = assert!(size_of::<Rings>() == 192, "the kernel writes this many bytes");
const _: () = assert!(size_of::<Table>() == 8 + 4 * MOST, "entries follow the head");

/// How many queues it receives on.
pub(super) fn queues(interface: &str) -> io::Result<u32> {
    let mut rings = Rings { cmd: ETHTOOL_GRXRINGS, ..Rings::default() };
    // SAFETY: this command reads and writes a `Rings`, whose size is asserted above.
    unsafe { call(interface, &mut rings) }?;
    Ok(u32::try_from(rings.data).unwrap_or(u32::MAX))
}

/// How many rules send some of it to a queue by themselves, whatever the table says; none where its driver knows no rules.
pub(super) fn rules(interface: &str) -> u32 {
    let mut rings = Rings { cmd: ETHTOOL_GRXCLSRLCNT, ..Rings::default() };
    // SAFETY: this command reads and writes a `Rings`, whose size is asserted above.
    unsafe { call(interface, &mut rings) }.map_or(0, |()| rings.rule_cnt)
}

/// Its table.
pub(super) fn read(interface: &str) -> io::Result<Vec<u32>> {
    let size = u32::try_from(MOST).unwrap_or_default();
    let mut table = Box::new(Table { cmd: ETHTOOL_GRXFHINDIR, size, queues: [0; MOST] });
    // SAFETY: this command writes the head and at most as many entries as `size` says that there is room for.
    unsafe { call(interface, &mut *table) }?;
    Ok(table.queues.iter().take(table.size as usize).copied().collect())
}

/// Sets it, to as many entries as it has; to none: as the driver has it by default.
pub(super) fn set(interface: &str, queues: &[u32]) -> io::Result<()> {
    let too_long = || io::Error::other(format!("a table of {} entries", queues.len()));
    let size = u32::try_from(queues.len()).ok().filter(|size| *size as usize <= MOST).ok_or_else(too_long)?;
    let mut table = Box::new(Table { cmd: ETHTOOL_SRXFHINDIR, size, queues: [0; MOST] });
    table.queues.iter_mut().zip(queues).for_each(|(entry, queue)| *entry = *queue);
    // SAFETY: this command reads the head and as many entries as `size` says, which lie behind it.
    unsafe { call(interface, &mut *table) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_is_not_there_and_one_without_a_table_say_so() {
        assert_eq!(queues("nosuchinterface").unwrap_err().raw_os_error(), Some(libc::ENODEV));
        assert_eq!(queues("a-name-that-is-longer-than-any").unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert!(read("lo").is_err() && set("lo", &[]).is_err());
        assert_eq!((rules("lo"), rules("nosuchinterface")), (0, 0));
        assert_eq!(set("lo", &[0; MOST + 1]).unwrap_err().to_string(), "a table of 8193 entries");
    }
}
