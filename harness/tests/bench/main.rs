//! The bench on the kernel that the tests run on: in namespaces of the tests' own, so that the host isn't touched.

#[cfg(test)]
mod certify;
#[cfg(test)]
mod common;
#[cfg(test)]
mod interfaces;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod veth;
