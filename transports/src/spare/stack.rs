//! Interfaces that lie on others, as sysfs tells: `upper_NAME` for each, `master` for the one that this is a part of.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn folder(root: &Path, interface: &str) -> PathBuf {
    root.join("sys/class/net").join(interface)
}

/// The bond, bridge or the like that this interface is a part of.
pub(super) fn master(root: &Path, interface: &str) -> Option<String> {
    let link = fs::read_link(folder(root, interface).join("master")).ok()?;
    Some(link.file_name()?.to_string_lossy().into_owned())
}

/// All interfaces that lie on this one, those on these among them.
pub(super) fn above(root: &Path, interface: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut to_look_at = vec![interface.to_owned()];
    while let Some(name) = to_look_at.pop() {
        for entry in fs::read_dir(folder(root, &name)).into_iter().flatten().flatten() {
            let file = entry.file_name().to_string_lossy().into_owned();
            let Some(upper) = file.strip_prefix("upper_") else { continue };
            if found.insert(upper.to_owned()) {
                to_look_at.push(upper.to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
pub(crate) mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A sysfs of interfaces.
    pub(crate) struct Tree(tempfile::TempDir);

    impl Tree {
        pub(crate) fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        pub(crate) fn root(&self) -> &Path {
            self.0.path()
        }

        pub(crate) fn lies_on(&self, upper: &str, lower: &str) {
            for name in [upper, lower] {
                fs::create_dir_all(folder(self.root(), name)).unwrap();
            }
            symlink(format!("../{upper}"), folder(self.root(), lower).join(format!("upper_{upper}"))).unwrap();
        }

        pub(crate) fn enslaved(&self, part: &str, master: &str) {
            self.lies_on(master, part);
            symlink(format!("../{master}"), folder(self.root(), part).join("master")).unwrap();
        }
    }

    #[test]
    fn interfaces_that_lie_on_each_other_in_a_ring_are_followed_once() {
        let tree = Tree::new();
        tree.lies_on("a", "b");
        tree.lies_on("b", "a");
        assert_eq!(above(tree.root(), "a"), BTreeSet::from(["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn an_interface_that_is_not_there_has_none_on_it() {
        let tree = Tree::new();
        assert_eq!((master(tree.root(), "eth9"), above(tree.root(), "eth9").len()), (None, 0));
    }
}
