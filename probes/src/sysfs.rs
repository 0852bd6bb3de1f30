//! Small readers of procfs and sysfs below a root of the caller's choice.
//!
//! A file that isn't there is `None`, not an error: which of them exist depends on the kernel's configuration, and a
//! missing one is a finding of its own.

use std::{collections::BTreeSet, fs, path::Path};

/// Contents of `root/relative` without the blanks around them; `None` where it can't be read.
#[must_use]
pub fn read(root: &Path, relative: &str) -> Option<String> {
    fs::read(root.join(relative)).ok().map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// As [`read`], parsed.
#[must_use]
pub fn read_number<T: std::str::FromStr>(root: &Path, relative: &str) -> Option<T> {
    read(root, relative)?.parse().ok()
}

/// Names in a folder, sorted; none where it can't be read.
#[must_use]
pub fn names(root: &Path, relative: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root.join(relative)) else { return Vec::new() };
    let mut names: Vec<String> = entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Last part of what a symbolic link points to: how sysfs names a device's driver and address.
#[must_use]
pub fn link_name(root: &Path, relative: &str) -> Option<String> {
    let target = fs::read_link(root.join(relative)).ok()?;
    Some(target.file_name()?.to_string_lossy().into_owned())
}

/// Of a choice as sysfs shows it, `always [madvise] never`, the word in brackets; without brackets, all of it.
#[must_use]
pub fn chosen(text: &str) -> &str {
    text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or(text, |(word, _)| word)
}

/// Largest core number that a list may name; far above any kernel's `NR_CPUS` (8192), and a bound on what a
/// malformed list can make us allocate.
const CORE_LIMIT: u32 = 1 << 16;

/// A list of cores as the kernel writes it (`0-3,8`); an empty list, `(null)` or anything malformed is empty.
#[must_use]
pub fn core_list(text: &str) -> BTreeSet<u32> {
    let mut cores = BTreeSet::new();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.trim().parse::<u32>(), last.trim().parse::<u32>())
            && last < CORE_LIMIT
        {
            cores.extend(first..=last);
        }
    }
    cores
}

pub use tickcert_results::core_list::write as write_core_list;

#[cfg(test)]
pub(crate) mod fixture {
    //! Trees of files that stand for a host.

    use std::{fs, os::unix::fs::symlink, path::Path};

    use tempfile::TempDir;

    /// A tree below a temporary folder that goes when it is dropped.
    pub(crate) struct Tree(TempDir);

    impl Tree {
        pub(crate) fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        /// With a file; folders come by themselves.
        pub(crate) fn file(self, relative: &str, text: &str) -> Self {
            let path = self.0.path().join(relative);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            self
        }

        /// With a symbolic link.
        pub(crate) fn link(self, relative: &str, target: &str) -> Self {
            let path = self.0.path().join(relative);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            symlink(target, path).unwrap();
            self
        }

        pub(crate) fn root(&self) -> &Path {
            self.0.path()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_kernel_list_of_ranges_and_singles_is_read_as_written() {
        assert_eq!(core_list("0-2,8\n"), BTreeSet::from([0, 1, 2, 8]));
        assert_eq!(core_list(" (null)"), BTreeSet::new());
        assert_eq!(core_list(""), BTreeSet::new());
    }

    #[test]
    fn of_a_choice_the_word_in_brackets_is_taken() {
        assert_eq!(chosen("always [madvise] never"), "madvise");
        assert_eq!((chosen("tsc"), chosen("[half")), ("tsc", "[half"));
    }

    #[test]
    fn a_list_that_would_fill_memory_is_not_taken() {
        assert_eq!(core_list("0-4294967295"), BTreeSet::new());
    }

    #[test]
    fn no_cores_are_written_as_none() {
        assert_eq!(write_core_list([]), "none");
    }

    proptest! {
        #[test]
        fn a_list_that_was_written_reads_back_the_same(cores: BTreeSet<u16>) {
            let cores: BTreeSet<u32> = cores.into_iter().map(u32::from).collect();
            prop_assert_eq!(core_list(&write_core_list(&cores)), cores);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = core_list(&text);
        }
    }
}
