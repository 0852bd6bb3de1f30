//! What a program may leave on an interface when it is killed: promiscuous mode, and an XDP program that hangs on no BPF
//! link (DPDK's driver for AF_XDP puts its own there so).

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    error::BenchError,
    netlink::{Connection, Interface, NetlinkError},
    netns::Namespace,
};

/// Of one interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fitting {
    /// It takes frames whatever address they are for, because somebody has asked for that by its flag.
    pub promiscuous: bool,
    /// The kernel's number of the XDP program on it.
    pub xdp_program: Option<u32>,
}

impl Fitting {
    /// As it is now.
    #[must_use]
    pub fn of(interface: &Interface) -> Self {
        Self { promiscuous: interface.promiscuous, xdp_program: interface.xdp.map(|xdp| xdp.program) }
    }

    /// Brings an interface back to it: a program that was not on it goes. One that hangs on a BPF link goes with whoever
    /// holds the link, and one that was taken off can't be put back.
    ///
    /// # Errors
    /// [`NetlinkError`] of the first step that failed.
    pub fn restore(self, connection: &mut Connection, name: &str) -> Result<(), NetlinkError> {
        let interface = connection.interface(name)?;
        if let Some(xdp) = interface.xdp.filter(|xdp| Some(xdp.program) != self.xdp_program) {
            connection.take_off(&interface, xdp).or_else(ignore_link)?;
        }
        if interface.promiscuous != self.promiscuous {
            connection.set_promiscuous(&interface, self.promiscuous)?;
        }
        Ok(())
    }
}

fn ignore_link(e: NetlinkError) -> Result<(), NetlinkError> {
    if e.errno() == Some(libc::EBUSY) || e.is_already_so() { Ok(()) } else { Err(e) }
}

/// Of the wire's two interfaces, each in its namespace, from before a trial.
#[derive(Debug)]
pub struct Fittings<'a>(Vec<(&'a Path, &'a str, Fitting)>);

impl<'a> Fittings<'a> {
    /// As they are now; an end without a namespace of its own has no interface that is the bench's.
    ///
    /// # Errors
    /// [`BenchError`].
    pub fn read(ends: [(Option<&'a Path>, &'a str); 2]) -> Result<Self, BenchError> {
        let mut found = Vec::new();
        for (path, interface) in ends {
            let Some(path) = path else { continue };
            let fitting = Namespace::open(path)?
                .run(|| Ok::<_, NetlinkError>(Fitting::of(&Connection::open()?.interface(interface)?)))??;
            found.push((path, interface, fitting));
        }
        Ok(Self(found))
    }

    /// Brings both back to it, when whoever used them has ended.
    ///
    /// # Errors
    /// [`BenchError`] of the first that can't be.
    pub fn restore(self) -> Result<(), BenchError> {
        for (path, interface, fitting) in self.0 {
            Namespace::open(path)?.run(|| fitting.restore(&mut Connection::open()?, interface))??;
        }
        Ok(())
    }
}
