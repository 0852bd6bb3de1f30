//! The lanes: each way across from exchange to trader and back, behind one small set of traits ([`api`]).
//!
//! A transport is added by one folder here and one line in `transports!` below; each of its variants is a lane.

pub mod api;
pub mod spare;
pub mod stamping;
pub mod wrap;

mod generic_netlink;
mod interface;
mod kernel;
mod lane;
mod netlink;
mod raw;
mod values;

use api::{Job, Transport, Variant};
pub use lane::{Lane, SettingsError, read_settings};

/// Declares the transports: their modules, their list, and the dispatch, the only choice made at run time.
macro_rules! transports {
    ($($module:ident => $transport:ident),+ $(,)?) => {
        $(pub mod $module;)+

        /// The transports that this build knows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Kind {
            $($transport,)+
        }

        impl Kind {
            /// Every transport, in the order of the list.
            pub(crate) const ALL: &[Self] = &[$(Self::$transport),+];

            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$transport => <$module::$transport as Transport>::NAME,)+
                }
            }

            pub(crate) const fn variants(self) -> &'static [Variant] {
                match self {
                    $(Self::$transport => <$module::$transport as Transport>::VARIANTS,)+
                }
            }

            pub(crate) fn dispatch<J: Job>(self, job: J) -> J::Out {
                match self {
                    $(Self::$transport => job.run::<$module::$transport>(),)+
                }
            }
        }
    };
}

transports! {
    kernel_udp => KernelUdp,
    kernel_tcp => KernelTcp,
    io_uring => IoUring,
    shm => Shm,
    afxdp => AfXdp,
    dpdk => Dpdk,
    rdma => Rdma,
}

/// Runs `job`, compiled for the transport of the lane chosen.
pub fn dispatch<J: Job>(lane: Lane, job: J) -> J::Out {
    lane.kind().dispatch(job)
}
