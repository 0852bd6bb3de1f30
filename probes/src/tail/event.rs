//! What an event of the kernel is, and when it was.

use std::fmt;

use tickcert_results::{
    certificate::{Side, TailKind},
    time::Nanos,
};

/// A name as the kernel keeps it: at most 15 characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Comm(pub [u8; 16]);

impl fmt::Display for Comm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.split(|b| *b == 0).next().unwrap_or_default();
        f.write_str(String::from_utf8_lossy(text).trim())
    }
}

impl fmt::Debug for Comm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl From<&str> for Comm {
    fn from(name: &str) -> Self {
        let mut comm = Self::default();
        comm.0.iter_mut().take(15).zip(name.bytes()).for_each(|(to, from)| *to = from);
        comm
    }
}

/// Interrupts that are no device's, by the names of their tracepoints (arch/x86/include/asm/trace/irq_vectors.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vector {
    /// The core's own timer.
    LocalTimer,
    /// Another core wants this one to choose its thread anew.
    Reschedule,
    /// Another core wants a function called.
    CallFunction,
    /// The same, of this core only.
    CallFunctionSingle,
    /// Work that was put off by what may not be interrupted.
    IrqWork,
    /// An interrupt of nobody.
    Spurious,
    /// The interrupt controller found an error.
    Error,
    /// The core is too hot.
    Thermal,
    /// One that can't be masked: a watchdog's, a profiler's, an error of the hardware; its time is that of one handler.
    Nmi,
}

impl Vector {
    /// In the order of `enum vector` in tail.bpf.c.
    pub const ALL: [Self; 9] = [
        Self::LocalTimer,
        Self::Reschedule,
        Self::CallFunction,
        Self::CallFunctionSingle,
        Self::IrqWork,
        Self::Spurious,
        Self::Error,
        Self::Thermal,
        Self::Nmi,
    ];

    /// As the tracepoint is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LocalTimer => "local_timer",
            Self::Reschedule => "reschedule",
            Self::CallFunction => "call_function",
            Self::CallFunctionSingle => "call_function_single",
            Self::IrqWork => "irq_work",
            Self::Spurious => "spurious_apic",
            Self::Error => "error_apic",
            Self::Thermal => "thermal_apic",
            Self::Nmi => "nmi",
        }
    }
}

/// Names of the softirqs, by number (include/linux/interrupt.h).
const SOFTIRQS: [&str; 10] =
    ["HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"];

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// Another thread had the core.
    Thread(Comm),
    /// No thread had the core: the timed one waited for something.
    Idle,
    /// A device's interrupt: number and name.
    Interrupt(u32, Comm),
    /// By number.
    Softirq(u32),
    /// By its vector.
    Vector(Vector),
    /// A page fault of the timed thread.
    Fault {
        /// Whether it had to read from somewhere.
        major: bool,
        /// Whether its end is known; if not, the event is a point in time.
        ended: bool,
    },
    /// A system call of the timed thread, by number.
    Call(u32),
    /// The timed thread was moved to this core, and is away until it is back.
    Migration(u32),
    /// The core was set to so many kHz: a point in time.
    Frequency(u32),
}

impl What {
    /// Its kind in certificates.
    #[must_use]
    pub const fn kind(self) -> TailKind {
        match self {
            Self::Thread(_) | Self::Idle => TailKind::Thread,
            Self::Interrupt(..) => TailKind::Interrupt,
            Self::Softirq(_) => TailKind::Softirq,
            Self::Vector(_) => TailKind::Vector,
            Self::Fault { .. } => TailKind::PageFault,
            Self::Call(_) => TailKind::SystemCall,
            Self::Migration(_) => TailKind::Migration,
            Self::Frequency(_) => TailKind::Frequency,
        }
    }

    /// Its name in certificates.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Thread(name) => name.to_string(),
            Self::Idle => "idle: the timed thread waited".to_owned(),
            Self::Interrupt(number, name) => format!("{number} {name}"),
            Self::Softirq(number) => {
                let known = usize::try_from(number).ok().and_then(|n| SOFTIRQS.get(n));
                known.map_or_else(|| number.to_string(), |name| (*name).to_owned())
            }
            Self::Vector(vector) => vector.name().to_owned(),
            Self::Fault { major, ended } => {
                let size = if major { "major" } else { "minor" };
                if ended { size.to_owned() } else { "of unknown length".to_owned() }
            }
            Self::Call(number) => format!("number {number}"),
            Self::Migration(core) => format!("to core {core}"),
            Self::Frequency(khz) => format!("{khz} kHz"),
        }
    }
}

/// Something that the kernel did on a measured core. Times are of `CLOCK_MONOTONIC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose core.
    pub side: Side,
    /// What.
    pub what: What,
    /// When it began…
    pub begin: Nanos,
    /// …and ended.
    pub end: Nanos,
    /// Of another thread, or none: the timed one had let go of the core by itself, as one does that waits.
    pub waited: bool,
}
