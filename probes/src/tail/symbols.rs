//! Where functions of the kernel lie that run softirqs, so that a program sees by the stack whose a softirq is.

use std::{fs, path::Path};

/// The function of the threads that are there for softirqs, and the entries of x86 for interrupts of whose end a tracepoint tells
/// (`arch/x86/include/asm/idtentry.h`, `arch/x86/kernel/irq.c`, `kernel/softirq.c`).
pub(super) const FUNCTIONS: [&str; 16] = [
    "run_ksoftirqd",
    "common_interrupt",
    "sysvec_apic_timer_interrupt",
    "sysvec_call_function",
    "sysvec_call_function_single",
    "sysvec_irq_work",
    "sysvec_reschedule_ipi",
    "sysvec_thermal",
    "sysvec_xen_hvm_callback",
    "sysvec_error_interrupt",
    // Of processors with FRED.
    "fred_sysvec_apic_timer_interrupt",
    "fred_sysvec_call_function",
    "fred_sysvec_call_function_single",
    "fred_sysvec_irq_work",
    "fred_sysvec_reschedule_ipi",
    "fred_sysvec_thermal",
];

/// A function's first address, and how many bytes there are until the next one; nothing is at 0, and 0 long.
pub(super) type Place = [u64; 2];

/// Where they are, in the order of [`FUNCTIONS`]; none where the kernel hides addresses from this process.
pub(super) fn places(root: &Path) -> Option<[Place; FUNCTIONS.len()]> {
    of_text(&fs::read_to_string(root.join("proc/kallsyms")).ok()?)
}

fn of_text(text: &str) -> Option<[Place; FUNCTIONS.len()]> {
    let mut code: Vec<(u64, &str)> = text.lines().filter_map(function).collect();
    code.sort_unstable();
    let mut places = [[0; 2]; FUNCTIONS.len()];
    for (place, name) in places.iter_mut().zip(FUNCTIONS) {
        // Not each kernel has each.
        let Some(&(from, _)) = code.iter().find(|(_, found)| *found == name) else { continue };
        let next = code.get(code.partition_point(|(address, _)| *address <= from));
        *place = next.map_or([0; 2], |(next, _)| [from, next - from]);
    }
    // Without its interrupts a kernel would have nothing but what runs in calls.
    places.iter().any(|[from, _]| *from > 0).then_some(places)
}

/// A line of the kernel's own code: `ffffffff81362bb0 t run_ksoftirqd`.
fn function(line: &str) -> Option<(u64, &str)> {
    let mut words = line.split_ascii_whitespace();
    let (address, kind, name) = (words.next()?, words.next()?, words.next()?);
    let address = u64::from_str_radix(address, 16).ok().filter(|address| *address > 0)?;
    (words.next().is_none() && matches!(kind, "t" | "T" | "w" | "W")).then_some((address, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_reaches_as_far_as_the_next_one_wherever_that_stands() {
        let text = "ffffffff81000100 T sysvec_irq_work\nffffffff81000140 D data\nffffffff81000300 t later\n\
                    ffffffff81000080 t run_ksoftirqd\nffffffff810001c0 t next\nffffffffc0000000 t run_ksoftirqd\t[module]\n";
        let places = of_text(text).unwrap();
        assert_eq!(places[0], [0xffff_ffff_8100_0080, 0x80]);
        assert_eq!(places[5], [0xffff_ffff_8100_0100, 0xc0]);
        assert_eq!(places[1], [0, 0], "that this kernel doesn't have");
    }

    #[test]
    fn a_kernel_that_hides_its_addresses_has_no_places() {
        assert_eq!(of_text("0000000000000000 t run_ksoftirqd\n0000000000000000 t next\n"), None);
        assert_eq!(of_text("no such\nlines"), None);
    }
}
