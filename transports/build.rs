//! Compiles the XDP program, where the feature that needs it is on.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

const SOURCE: &str = "src/afxdp/steer.bpf.c";

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-env-changed=CLANG");
    if env::var_os("CARGO_FEATURE_BPF").is_none() {
        return Ok(());
    }
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
