//! The lanes: each way across from exchange to trader and back, behind one small set of traits ([`api`]).
//!
//! A lane is added by one folder here and one line in `transports!` below.

pub mod api;
pub mod wrap;

#[cfg(test)]
mod conformance;
mod kernel;

use api::{Job, Transport};

/// Declares the lanes: their modules, the [`Lane`] enum, its list, and [`dispatch`], the only choice made at run time.
macro_rules! transports {
    ($($module:ident => $lane:ident),+ $(,)?) => {
        $(pub mod $module;)+

        /// The lanes that this build knows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Lane {
            $(
                #[doc = concat!("[`", stringify!($module), "`]")]
                $lane,
            )+
        }

        impl Lane {
            /// Every lane, in the order of the list.
            pub const ALL: &[Self] = &[$(Self::$lane),+];

            /// Its name, as in `--lanes`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$lane => <$module::$lane as Transport>::NAME,)+
                }
            }

            /// What it is, in a line.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self {
                    $(Self::$lane => <$module::$lane as Transport>::SUMMARY,)+
                }
            }
        }

        /// Runs `job`, compiled for the lane chosen.
        pub fn dispatch<J: Job>(lane: Lane, job: J) -> J::Out {
            match lane {
                $(Lane::$lane => job.run::<$module::$lane>(),)+
            }
        }

        /// What every lane must do, whichever it is.
        #[cfg(test)]
        mod lanes_conform {
            $(crate::conformance::suite!($module, crate::$module::$lane);)+
        }
    };
}

transports! {
    kernel_udp => KernelUdp,
    kernel_tcp => KernelTcp,
}

impl Lane {
    /// The lane of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|lane| lane.name() == name)
    }

    /// The names of all lanes.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|lane| lane.name()).collect()
    }
}
