//! Runs over two hosts: two network namespaces with a cable between them, and ssh, or what stands for it, from one to the other.
#![cfg(test)]

mod hosts;
mod refusals;
mod runs;
mod sshd;
#[path = "../support/mod.rs"]
mod support;
mod trouble;
