//! Compiles DPDK's shim into a shared object, which the program carries along and opens at run time.

use std::{env, path::PathBuf, process::Command};

const SOURCES: [&str; 2] = ["src/dpdk/shim.c", "src/dpdk/shim_interrupts.c"];
/// What the shim, and the program through it, calls; drivers are found by DPDK itself.
const LIBRARIES: [&str; 4] = ["-lrte_eal", "-lrte_ethdev", "-lrte_mbuf", "-lrte_mempool"];
const REMEDY: &str = "apt-get install libdpdk-dev pkg-config gcc, or build without the feature `dpdk`";

pub(crate) fn build() -> Result<(), String> {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    println!("cargo::rerun-if-env-changed=CC");
    println!("cargo::rerun-if-env-changed=PKG_CONFIG_PATH");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo has set no OUT_DIR")?);
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let status = Command::new(&compiler)
        .args(["-O3", "-std=gnu11", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fvisibility=hidden", "-fPIC"])
        .args(pkg_config("--cflags")?)
        .arg("-shared")
        .args(SOURCES)
        .arg("-o")
        .arg(out.join("dpdk_shim.so"))
        .args(pkg_config("--libs-only-L")?)
        // Those too that only the program calls.
        .arg("-Wl,--no-as-needed")
        .args(LIBRARIES)
        .status()
        .map_err(|e| format!("{compiler} can't be run to compile DPDK's shim: {e}; {REMEDY}"))?;
    if status.success() { Ok(()) } else { Err(format!("{compiler} did not compile DPDK's shim ({status}); {REMEDY}")) }
}

/// DPDK's own answer to how it wants to be compiled against.
fn pkg_config(question: &str) -> Result<Vec<String>, String> {
    let answer = Command::new("pkg-config")
        .args([question, "libdpdk >= 22.11"])
        .output()
        .map_err(|e| format!("pkg-config can't be run: {e}; {REMEDY}"))?;
    if !answer.status.success() {
        return Err(format!("{}; {REMEDY}", String::from_utf8_lossy(&answer.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&answer.stdout).split_whitespace().map(str::to_owned).collect())
}
