//! Bad input and trouble: a clear error, nothing lost, nothing left behind.

#[cfg(test)]
mod at_once;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod input;
#[cfg(test)]
mod interrupted;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod permission;
#[cfg(test)]
mod ports;
#[cfg(test)]
mod store;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
