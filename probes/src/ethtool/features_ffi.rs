//! Features of an interface that have a name and no command of their own (`linux/ethtool.h`): the kernel numbers them as it
//! likes, and says the names in the same order.
#![expect(unsafe_code, reason = "ioctls whose answers are as long as the kernel has features")]

use super::{
    Feature,
    ioctl_ffi::{ask, text},
};

const ETHTOOL_GSTRINGS: u32 = 0x1b;
const ETHTOOL_GSSET_INFO: u32 = 0x37;
const ETHTOOL_GFEATURES: u32 = 0x3a;
/// Which list of names.
const ETH_SS_FEATURES: u32 = 4;
const NAME_LENGTH: usize = 32;
/// Linux 6.18 has 64; a kernel with more than there is room for isn't asked.
const ROOM: usize = 256;
const BLOCKS: usize = ROOM / 32;

/// `struct ethtool_sset_info` with one list.
#[repr(C)]
struct SetInfo {
    cmd: u32,
    reserved: u32,
    mask: u64,
    count: u32,
}

/// `struct ethtool_gstrings`.
#[repr(C)]
struct Names {
    cmd: u32,
    set: u32,
    count: u32,
    names: [[u8; NAME_LENGTH]; ROOM],
}

/// `struct ethtool_get_features_block`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Block {
    available: u32,
    requested: u32,
    active: u32,
    never_changed: u32,
}

/// `struct ethtool_gfeatures`.
#[repr(C)]
struct Features {
    cmd: u32,
    blocks: u32,
    features: [Block; BLOCKS],
}

const _: () = assert!(size_of::<SetInfo>() == 24, "the kernel writes 20 bytes");
const _: () = assert!(size_of::<Names>() == 12 + NAME_LENGTH * ROOM, "the kernel writes this many bytes at most");
const _: () = assert!(size_of::<Features>() == 8 + 16 * BLOCKS, "the kernel writes this many bytes at most");

/// Features by their names; `None` where the kernel has none of that name, or doesn't answer.
pub(super) fn of<const N: usize>(interface: &str, features: [&str; N]) -> [Option<Feature>; N] {
    let answered = names(interface).zip(state(interface));
    features.map(|feature| {
        let (names, blocks) = answered.as_ref()?;
        let number = names.iter().position(|name| name == feature)?;
        let (block, bit) = (blocks.get(number / 32)?, 1 << (number % 32));
        // As ethtool(8) has it: fixed is what isn't among those that can be changed, or never can.
        let fixed = block.available & bit == 0 || block.never_changed & bit != 0;
        Some(Feature { on: block.active & bit != 0, fixed })
    })
}

fn state(interface: &str) -> Option<[Block; BLOCKS]> {
    let mut answer =
        Features { cmd: ETHTOOL_GFEATURES, blocks: u32::try_from(BLOCKS).ok()?, features: [Block::default(); BLOCKS] };
    // SAFETY: this command writes as many blocks as `blocks` says at most, which `features` has.
    unsafe { ask(interface, &mut answer) }?;
    Some(answer.features)
}

fn names(interface: &str) -> Option<Vec<String>> {
    let mut info = SetInfo { cmd: ETHTOOL_GSSET_INFO, reserved: 0, mask: 1 << ETH_SS_FEATURES, count: 0 };
    // SAFETY: with one bit in `mask` this command writes one count behind it, which `info` has.
    unsafe { ask(interface, &mut info) }?;
    let count = usize::try_from(info.count).ok().filter(|count| info.mask != 0 && *count <= ROOM)?;
    let mut answer = Box::new(Names {
        cmd: ETHTOOL_GSTRINGS,
        set: ETH_SS_FEATURES,
        count: info.count,
        names: [[0; NAME_LENGTH]; ROOM],
    });
    // SAFETY: this command writes as many names as the kernel has features, which is `count`, and `names` has room for; the
    // number is the running kernel's own and doesn't change.
    unsafe { ask(interface, &mut *answer) }?;
    Some(answer.names.iter().take(count).map(|name| text(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ethtool::ioctl_ffi;

    #[test]
    fn a_feature_by_its_name_is_what_the_command_of_its_own_says() {
        let [gro, lro] = ioctl_ffi::receive_offloads("lo").unwrap().unwrap();
        let found = of("lo", ["rx-gro", "rx-lro"]);
        assert_eq!(found.map(|feature| feature.map(|f| f.on)), [Some(gro), Some(lro)]);
    }

    #[test]
    fn a_feature_or_an_interface_that_there_is_not_is_none() {
        assert_eq!(of("lo", ["rx-no-such-feature"]), [None]);
        assert_eq!(of("nosuchinterface", ["rx-gro"]), [None]);
    }

    #[test]
    fn a_feature_that_the_loopback_never_changes_is_fixed_and_one_that_it_does_is_not() {
        let found = of("lo", ["loopback", "rx-gro"]).map(|feature| feature.map(|f| f.fixed));
        assert_eq!(found, [Some(true), Some(false)]);
    }
}
