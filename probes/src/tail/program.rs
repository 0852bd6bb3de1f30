//! The BPF programs, through libbpf. They hang on links that this process holds, so that they are gone when it is.

use std::{cell::RefCell, ffi::OsStr, io, iter, path::Path};

use libbpf_rs::{
    ErrorKind, Link, MapCore, MapFlags, Object, ObjectBuilder, OpenObject, PrintLevel, RingBufferBuilder,
    btf::{Btf, types::Typedef},
};
use tickcert_results::{certificate::Side, time::Nanos};

use crate::sysfs;

use super::{
    History, Lost, Unmet, Watched,
    anchors::monotonic,
    faults, in_first_pid_namespace,
    record::Record,
    symbols::{self, Place},
};

/// Compiled by build.rs from `tail.bpf.c`.
static PROGRAMS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tail.bpf.o"));

/// The rings, in the order of [`Side::BOTH`].
const RINGS: [&str; 2] = ["of_exchange", "of_trader"];
/// Bytes of `struct side`: two words of what was lost, one of [`OWN`], three of who has the core and what was disturbed, one of what
/// happened last, four of what has begun, and by vector and call.
const SIDE: usize = 8 * (2 + 1 + 3 + 1 + 4 + 8 + 512);
/// Which word of it has the softirqs that the timed thread ran in its own calls.
const OWN: usize = 2;
/// …says whether another thread has the core.
const OTHER: usize = 3;
/// …and the next one say of softirqs, by kind in a byte each, whether they may be another's.
const DISTURBED: usize = 4;
/// The program that wants to know where functions of the kernel are.
const SOFTIRQS: &str = "softirq_exit";
/// Events without which too little is seen to say anything.
const ESSENTIAL: &str = "sched_switch";
/// Programs of the kernel's counters of faults, that of major ones last.
const FAULTS: [&str; 2] = ["fault_minor", "fault_major"];

/// The programs at work; they are taken off when this is dropped.
pub struct Tracer {
    /// Before the object whose programs they hold.
    _links: Vec<Link>,
    object: Object,
    absent: Vec<String>,
    /// Cores whose page faults are counted, and the links of that.
    faults: ([u32; 2], Vec<Link>),
    timed: [u32; 2],
    cores: [u32; 2],
    /// Functions that run softirqs.
    places: Vec<Place>,
}

impl Tracer {
    /// Loads the programs and puts them on their tracepoints; they do nothing yet.
    ///
    /// # Errors
    /// [`Unmet`], with what the kernel or the user lacks.
    pub fn attach(watched: Watched) -> Result<Self, Unmet> {
        // libbpf would write to standard error, which is the harness's.
        libbpf_rs::set_print(Some((PrintLevel::Warn, |_, _| ())));
        if !in_first_pid_namespace() {
            return Err(Unmet::new(
                "the host's own PID namespace: the kernel's events name threads by numbers that are not known in this one",
                "run on the host, or in a container with its PID namespace (--pid=host)",
            ));
        }
        let kernel = Btf::from_vmlinux().map_err(|e| {
            Unmet::new(
                format!("the kernel's type information, /sys/kernel/btf/vmlinux ({e})"),
                "a kernel with CONFIG_DEBUG_INFO_BTF (those of the large distributions have it), and /sys mounted",
            )
        })?;
        let mut open = ObjectBuilder::default().open_memory(PROGRAMS).map_err(|e| refused(&e))?;
        let mut absent = leave_out(&mut open, &kernel, watched.calls);
        if absent.iter().any(|name| name == ESSENTIAL) {
            return Err(Unmet::new("the tracepoint sched_switch", "a kernel with CONFIG_TRACEPOINTS and BTF of them"));
        }
        let places = symbols::places(Path::new("/"));
        if places.is_none() {
            open.progs_mut().filter(|p| p.name() == SOFTIRQS).for_each(|mut p| p.set_autoload(false));
            absent.push(
                "softirqs (the kernel hides its addresses: kernel.kptr_restrict below 2, and CAP_SYSLOG)".to_owned(),
            );
        }
        size_rings(&mut open, watched.room).map_err(|e| refused(&e))?;
        let object = open.load().map_err(|e| refused(&e))?;
        let places = places.map(Vec::from).unwrap_or_default();
        Self::on_tracepoints(object, absent, watched.cores, places)
    }

    fn on_tracepoints(
        object: Object,
        mut absent: Vec<String>,
        cores: [u32; 2],
        places: Vec<Place>,
    ) -> Result<Self, Unmet> {
        let mut links = Vec::new();
        for program in object.progs_mut() {
            if !program.autoload() {
                continue;
            }
            let name = program.name().to_string_lossy().into_owned();
            if FAULTS.contains(&name.as_str()) {
                continue;
            }
            match program.attach() {
                Ok(link) => links.push(link),
                Err(e) if name == ESSENTIAL => return Err(Unmet::new(format!("the tracepoint {name}: {e}"), AS_ROOT)),
                Err(_) => absent.push(name),
            }
        }
        let faults = ([0; 2], Vec::new());
        let mut tracer = Self { _links: links, object, absent, faults, timed: [0; 2], cores, places };
        if tracer.count_faults(cores).is_err() {
            tracer.absent.extend(FAULTS.map(str::to_owned));
        }
        Ok(tracer)
    }

    /// Events that this kernel doesn't have, and which are therefore not seen.
    #[must_use]
    pub fn absent(&self) -> &[String] {
        &self.absent
    }

    /// Has the faults on these cores counted.
    fn count_faults(&mut self, cores: [u32; 2]) -> Result<(), String> {
        let mut links = Vec::new();
        for program in self.object.progs_mut().filter(|p| FAULTS.iter().any(|name| p.name() == *name)) {
            links.extend(faults::attach(&program, program.name() == FAULTS[1], cores)?);
        }
        self.faults = (cores, links);
        Ok(())
    }

    /// Watches from now on; `timed` are the threads whose ticks are measured, of exchange and trader, and `cores` where they are.
    ///
    /// # Errors
    /// When the kernel doesn't take it.
    pub fn start(&mut self, timed: [u32; 2], cores: [u32; 2]) -> io::Result<()> {
        (self.timed, self.cores) = (timed, cores);
        let counted = !self.absent.iter().any(|name| FAULTS.contains(&name.as_str()));
        if counted && self.faults.0 != cores {
            self.count_faults(cores).map_err(|e| io::Error::other(format!("page faults on other cores: {e}")))?;
        }
        // Nothing is to be written for cores and threads of which only some are set yet.
        self.switch(false)?;
        self.set(".bss", &Side::BOTH.map(|_| at_first()).concat())?;
        self.switch(true)
    }

    /// Watches no more, and tells what was seen.
    ///
    /// # Errors
    /// When what was seen can't be read.
    pub fn stop(&mut self) -> io::Result<History> {
        self.switch(false)?;
        let until = monotonic()?;
        let records = self.records()?;
        let state =
            self.map(".bss")?.lookup(&0_u32.to_ne_bytes(), MapFlags::ANY).map_err(|e| failed(&e))?.unwrap_or_default();
        let sides = Side::BOTH.map(|side| state.get(side.index() * SIDE..).unwrap_or_default());
        let untimed = sides.iter().filter_map(|side| word(side, OWN)).sum();
        let timed = Side::BOTH.map(|side| [self.timed[side.index()], self.cores[side.index()]]);
        Ok(History::of_records(&records, timed, until, sides.map(|side| lost(side, until)), untimed))
    }

    fn records(&self) -> io::Result<Vec<Record>> {
        let records = RefCell::new(Vec::new());
        let maps = RINGS.map(|ring| self.map(ring));
        let mut rings = RingBufferBuilder::new();
        for map in &maps {
            let map = map.as_ref().map_err(|e| io::Error::other(e.to_string()))?;
            let take = |bytes: &[u8]| {
                records.borrow_mut().extend(Record::read(bytes));
                0
            };
            rings.add(map, take).map_err(|e| failed(&e))?;
        }
        let rings = rings.build().map_err(|e| failed(&e))?;
        rings.consume().map_err(|e| failed(&e))?;
        drop(rings);
        Ok(records.into_inner())
    }

    fn switch(&self, on: bool) -> io::Result<()> {
        let ([exchange, trader], [its, traders]) = (self.timed, self.cores);
        let words = [u32::from(on), exchange, trader, its, traders, 0];
        let mut control = words.map(u32::to_ne_bytes).concat();
        let places = self.places.iter().copied().chain(iter::repeat([0; 2])).take(symbols::FUNCTIONS.len());
        control.extend(places.flatten().flat_map(u64::to_ne_bytes));
        self.set(".data.control", &control)
    }

    fn set(&self, map: &str, value: &[u8]) -> io::Result<()> {
        self.map(map)?.update(&0_u32.to_ne_bytes(), value, MapFlags::ANY).map_err(|e| failed(&e))
    }

    fn map(&self, name: &str) -> io::Result<libbpf_rs::Map<'_>> {
        let is = |found: &OsStr| found.to_string_lossy().ends_with(name);
        self.object.maps().find(|map| is(map.name())).ok_or_else(|| {
            io::Error::other(format!("the BPF programs in this binary have no {name}; build it again from scratch"))
        })
    }
}

const AS_ROOT: &str = "run as root on the host (CAP_BPF and CAP_PERFMON): a user namespace is not enough";

/// Locked down so far that programs may not read the kernel's memory; it calls that an invalid argument.
fn is_confidential(root: &Path) -> bool {
    sysfs::read(root, "sys/kernel/security/lockdown").is_some_and(|text| sysfs::chosen(&text) == "confidentiality")
}

fn failed(e: &libbpf_rs::Error) -> io::Error {
    io::Error::other(format!("while watching the kernel: {e}"))
}

/// The state of a side: who has its core is not known until a thread comes to it, nor whose a softirq is.
fn at_first() -> Vec<u8> {
    let mut words = vec![0_u64; SIDE / 8];
    words[OTHER] = 1;
    words[DISTURBED..DISTURBED + 2].fill(u64::MAX);
    words.into_iter().flat_map(u64::to_ne_bytes).collect()
}

fn word(side: &[u8], n: usize) -> Option<u64> {
    side.get(8 * n..)?.first_chunk().map(|b| u64::from_ne_bytes(*b))
}

fn lost(side: &[u8], until: Nanos) -> Option<Lost> {
    let events = word(side, 0).filter(|n| *n > 0)?;
    Some(Lost { events, first: Nanos(word(side, 1)?), until })
}

/// Leaves out the programs whose tracepoint the kernel doesn't have, and tells which; and those of calls, where nobody wants
/// them.
fn leave_out(open: &mut OpenObject, kernel: &Btf<'_>, calls: bool) -> Vec<String> {
    let mut absent = Vec::new();
    for mut program in open.progs_mut() {
        let section = program.section().to_string_lossy().into_owned();
        let Some(name) = section.strip_prefix("tp_btf/") else { continue };
        if !calls && name.starts_with("sys_") {
            program.set_autoload(false);
        } else if kernel.type_by_name::<Typedef<'_>>(&format!("btf_trace_{name}")).is_none() {
            program.set_autoload(false);
            absent.push(name.to_owned());
        }
    }
    absent
}

fn size_rings(open: &mut OpenObject, room: u32) -> libbpf_rs::Result<()> {
    for mut map in open.maps_mut() {
        if RINGS.iter().any(|ring| map.name() == *ring) {
            map.set_max_entries(room)?;
        }
    }
    Ok(())
}

fn refused(e: &libbpf_rs::Error) -> Unmet {
    if is_confidential(Path::new("/")) {
        return Unmet::new(
            "a kernel that lets itself be looked into: it is locked down, /sys/kernel/security/lockdown has [confidentiality]",
            "start it with no more than lockdown=integrity; what is written to that file can't be taken back",
        );
    }
    if e.kind() == ErrorKind::PermissionDenied {
        return Unmet::new(
            "the right to load BPF programs that look into the kernel",
            format!(
                "{AS_ROOT}; in a kernel that is locked down (/sys/kernel/security/lockdown) no more than `integrity`"
            ),
        );
    }
    Unmet::new(
        format!("a kernel that loads BPF programs on its tracepoints (it says: {e})"),
        "Linux 5.8 or later with CONFIG_BPF_SYSCALL and CONFIG_BPF_EVENTS",
    )
}
