//! Compiles the programs on the kernel's tracepoints.

use std::{env, path::PathBuf, process::Command};

const SOURCE: &str = "src/tail/tail.bpf.c";

/// Into the folder that the crate includes them from.
pub(crate) fn build() -> Result<(), String> {
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-env-changed=CLANG");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo has set no OUT_DIR")?);
    let clang = env::var("CLANG").unwrap_or_else(|_| "clang".to_owned());
    let remedy = "run ci/setup, which installs it, or build without the feature `bpf`";
    let status = Command::new(&clang)
        .args([
            "-O2",
            "-g",
            "-Wall",
            "-Wextra",
            "-Wno-unused-parameter",
            "-Werror",
            "-target",
            "bpf",
            "-c",
            SOURCE,
            "-o",
        ])
        .arg(out.join("tail.bpf.o"))
        .status()
        .map_err(|e| format!("{clang} can't be run to compile {SOURCE}: {e}; {remedy}"))?;
    if status.success() { Ok(()) } else { Err(format!("{clang} did not compile {SOURCE} ({status}); {remedy}")) }
}
