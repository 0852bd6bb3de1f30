//! Compiles what isn't Rust, where the feature that needs it is on.

#[cfg(feature = "bpf")]
#[path = "build/bpf.rs"]
mod bpf;

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "bpf")]
    {
        println!("cargo::rerun-if-changed=build/bpf.rs");
        bpf::build()?;
    }
    Ok(())
}
