//! The pages: a file without a name, of a size that nobody can change afterwards.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
};

use memmap2::{Advice, MmapOptions, MmapRaw};
use nix::{
    fcntl::{FcntlArg, SealFlag, fcntl},
    sys::memfd::{MFdFlags, memfd_create},
};

use super::geometry::Geometry;

/// Without these a peer could cut the file short, and the next access beyond its end would kill this process.
const SEALS: SealFlag = SealFlag::F_SEAL_SHRINK.union(SealFlag::F_SEAL_GROW).union(SealFlag::F_SEAL_SEAL);

/// Memory of both ends, mapped here.
pub(super) struct Shared {
    pub(super) geometry: Geometry,
    pub(super) map: MmapRaw,
    pub(super) file: File,
}

/// Makes it, all zero.
pub(super) fn create(geometry: Geometry) -> io::Result<Shared> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let file = File::from(memfd_create(c"tickcert-shm", flags)?);
    file.set_len(geometry.bytes() as u64)?;
    fcntl(file.as_fd(), FcntlArg::F_ADD_SEALS(SEALS))?;
    map(file, geometry)
}

/// Maps what the other end has made, if it is what it should be.
pub(super) fn adopt(fd: OwnedFd, geometry: Geometry) -> io::Result<Shared> {
    let file = File::from(fd);
    let refuse = |why| io::Error::new(io::ErrorKind::InvalidData, format!("the other end's shared memory {why}"));
    // Seals first: without them its size is true only until it is changed.
    let seals = fcntl(file.as_fd(), FcntlArg::F_GET_SEALS).map_err(|_| refuse("is no sealed memory file"))?;
    if !SealFlag::from_bits_truncate(seals).contains(SEALS) {
        return Err(refuse("is not sealed"));
    }
    if file.metadata()?.len() != geometry.bytes() as u64 {
        return Err(refuse("has another size than it says"));
    }
    map(file, geometry)
}

fn map(file: File, geometry: Geometry) -> io::Result<Shared> {
    let map = MmapOptions::new().len(geometry.bytes()).map_raw(&file)?;
    // No page fault in the timed loop. Kernels before 5.14 don't know it: there the first lap of a ring has the faults.
    let _ = map.advise(Advice::PopulateWrite);
    Ok(Shared { geometry, map, file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_adopted_by_a_second_mapping_of_it() {
        let shared = create(Geometry::new(0)).unwrap();
        let other = adopt(shared.file.try_clone().unwrap().into(), shared.geometry).unwrap();
        assert_eq!(other.map.len(), shared.map.len());
    }

    #[test]
    fn nobody_can_change_its_size() {
        let shared = create(Geometry::new(0)).unwrap();
        assert!(shared.file.set_len(4096).is_err());
        assert!(shared.file.set_len(1 << 30).is_err());
    }

    #[test]
    fn a_file_that_is_not_sealed_or_has_another_size_is_refused() {
        let geometry = Geometry::new(0);
        let plain = tempfile::tempfile().unwrap();
        plain.set_len(geometry.bytes() as u64).unwrap();
        let said = adopt(plain.into(), geometry).map(drop).unwrap_err().to_string();
        // A file on a tmpfs can say that it is not sealed; one on a disk has no seals to ask for.
        assert!(said.contains("no sealed memory file") || said.contains("not sealed"), "{said}");
        let open = File::from(memfd_create(c"test", MFdFlags::MFD_ALLOW_SEALING).unwrap());
        assert!(adopt(open.into(), geometry).map(drop).unwrap_err().to_string().contains("not sealed"));
        let sealed = create(geometry).unwrap();
        let said = adopt(sealed.file.into(), Geometry::new(1 << 20)).map(drop).unwrap_err().to_string();
        assert!(said.contains("another size"), "{said}");
    }
}
