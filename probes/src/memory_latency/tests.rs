use super::*;
use crate::sysfs::fixture::Tree;

const NODE: &str = "sys/devices/system/node";

fn two_nodes() -> Tree {
    Tree::new()
        .file(&format!("{NODE}/node0/cpulist"), "0-1")
        .file(&format!("{NODE}/node1/cpulist"), "2-3")
        .file(&format!("{NODE}/node2/cpulist"), "4-5")
        .file(&format!("{NODE}/node2/meminfo"), "Node 2 MemTotal:       0 kB\nNode 2 MemFree:        0 kB\n")
        .file(&format!("{NODE}/node1/meminfo"), "Node 1 MemTotal:       65536 kB\n")
}

#[test]
fn every_node_with_a_core_looks_at_every_node_with_memory_in_both_kinds_of_pages() {
    let found = wants(two_nodes().root(), &[3, 1, 5]);
    let pairs: Vec<_> =
        found.iter().filter(|w| w.pages == Pages::Small).map(|w| (w.core, w.core_node, w.memory_node)).collect();
    // Each with its own memory first, and both in the order of the cores.
    let of = |core, node, memory| (core, Some(node), Some(memory));
    assert_eq!(pairs, [of(3, 1, 1), of(1, 0, 0), of(3, 1, 0), of(1, 0, 1), of(5, 2, 0), of(5, 2, 1)]);
    assert_eq!(found.len(), 2 * pairs.len());
}

#[test]
fn a_kernel_without_nodes_is_looked_at_from_one_core() {
    let found = wants(Tree::new().root(), &[3, 4]);
    assert_eq!(found.iter().map(|w| (w.core, w.core_node, w.memory_node)).collect::<Vec<_>>(), [(3, None, None); 2]);
    assert_eq!(wants(Tree::new().root(), &[]), []);
}

#[test]
fn the_largest_working_set_exceeds_the_caches_and_leaves_most_of_the_memory() {
    let host = |cache: &str, available_kib: u64| {
        let dir = "sys/devices/system/cpu/cpu0/cache/index3";
        let tree = Tree::new()
            .file(&format!("{dir}/type"), "Unified")
            .file(&format!("{dir}/level"), "3")
            .file(&format!("{dir}/size"), cache)
            .file("proc/meminfo", &format!("MemTotal: 99 kB\nMemAvailable:   {available_kib} kB\n"));
        largest_bytes(tree.root(), 0) >> 20
    };
    assert_eq!(host("32768K", 32 << 20), 128);
    assert_eq!(host("1024K", 32 << 20), 64);
    assert_eq!(host("393216K", 32 << 20), 512);
    assert_eq!(host("393216K", 100 << 10), 24);
    assert_eq!(host("393216K", 0), 2);
}

#[test]
fn when_the_time_is_used_up_the_rest_is_not_begun_and_says_so() {
    let want = Want { core: 0, core_node: None, memory_node: None, pages: Pages::Small };
    let start = Ticks::MIN;
    let e = one(want, start, Nanos::MILLI, TickScale::from_hz(1e9)).unwrap_err();
    assert!(matches!(e, MemoryLatencyError::Time { .. }) && e.remedy().contains("--cores"), "{e}");
}

#[test]
fn memory_of_this_host_takes_time_in_every_working_set_and_can_be_read() {
    let core = *affinity::allowed().unwrap().first().unwrap();
    let wants = wants(Path::new("/"), &[core]);
    let (views, failed) = measure(&wants, Nanos::SECOND * 60, TickScale::from_hz(2.5e9));
    assert_eq!(views.len() + failed.len(), wants.len());
    for (want, e) in &failed {
        println!("SKIPPED: memory in pages of {}: needs {e}", want.pages.name());
    }
    let small = views.iter().find(|view| view.pages == Pages::Small).expect("memory in small pages");
    assert_eq!((small.core, small.memory_node), (core, wants[0].memory_node));
    assert!(small.loads.windows(2).all(|pair| pair[0].bytes < pair[1].bytes));
    assert!(small.loads.iter().all(|point| point.load_ns > 0.0) && small.read_bytes_per_second > 0.0);
}

#[test]
fn memory_that_the_account_does_not_show_is_not_taken_to_be_where_it_was_bound_to() {
    let account = |pairs: &[(u32, u64)]| Ok(MemoryByNode::from(pairs.to_vec()));
    assert!(lies_on(1, 1000, account(&[(1, 1000)])).is_ok());
    assert!(lies_on(1, 1000, account(&[(0, 5), (1, 995)])).is_ok());
    let elsewhere = lies_on(1, 1000, account(&[(0, 500), (1, 500)])).unwrap_err();
    assert!(matches!(elsewhere, MemoryLatencyError::Elsewhere { node: 1, elsewhere: 500 }), "{elsewhere}");
    for untold in [account(&[]), account(&[(1, 400)]), Err(io::Error::from(io::ErrorKind::NotFound))] {
        let e = lies_on(1, 1000, untold).unwrap_err();
        assert!(matches!(e, MemoryLatencyError::Untold { node: 1, .. }) && e.remedy().contains("numa_maps"), "{e}");
    }
}
