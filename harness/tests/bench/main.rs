//! The bench on the kernel that the tests run on: in namespaces of the tests' own, so that the host isn't touched.
#![cfg(test)]

mod certify;
mod common;
mod deferral;
mod interfaces;
mod journal;
mod killed;
mod veth;
