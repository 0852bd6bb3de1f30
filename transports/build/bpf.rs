//! Compiles the XDP program of the lanes over AF_XDP.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

const SOURCE: &str = "src/afxdp/steer.bpf.c";

/// Both forms of the program, into the folder that the crate includes them from.
pub(crate) fn build() -> Result<(), String> {
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-env-changed=CLANG");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo has set no OUT_DIR")?);
    compile(&out.join("steer.bpf.o"), &[])?;
    compile(&out.join("steer-stamps.bpf.o"), &["-DSTAMPS"])
}

fn compile(to: &Path, further: &[&str]) -> Result<(), String> {
    let clang = env::var("CLANG").unwrap_or_else(|_| "clang".to_owned());
    let remedy = "run ci/setup, which installs it, or build without the feature `bpf`";
    let status = Command::new(&clang)
        .args(["-O2", "-g", "-Wall", "-Wextra", "-Werror", "-target", "bpf", "-c", SOURCE, "-o"])
        .arg(to)
        .args(further)
        .status()
        .map_err(|e| format!("{clang} can't be run to compile {SOURCE}: {e}; {remedy}"))?;
    if status.success() { Ok(()) } else { Err(format!("{clang} did not compile {SOURCE} ({status}); {remedy}")) }
}
