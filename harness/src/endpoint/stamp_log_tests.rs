use super::*;

fn at(raw: u64, clock: StampClock, lock: Lock) -> Stamp {
    Stamp { at: Ticks::new(raw).unwrap(), clock, lock }
}

#[test]
fn what_an_end_wrote_is_what_the_parent_reads() {
    let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    let mut log = StampLog::with_room(1, 2);
    let hw = at(u64::MAX, StampClock::Phc(7), Lock::Locked);
    let kernel = at(5, StampClock::Kernel, Lock::Unknown);
    let received = Received { hw: Some(at(9, StampClock::Device, Lock::Unlocked)), kernel: Some(kernel) };
    log.sent(3, TxToken(11));
    log.received(1, received);
    log.received(2, received);
    log.came(Came { token: TxToken(11), stamp: hw, seen: 8 });
    assert_eq!((log.frames(), log.stamps(), log.outstanding(), log.overflowed()), (1, 1, 0, 0));
    log.write(&path).unwrap();
    let back = StampSamples::read(&path).unwrap();
    assert_eq!(back.sent().unwrap(), [Sent { frame: 3, token: TxToken(11) }]);
    assert_eq!(back.received().unwrap(), [Received::default(), received]);
    assert_eq!(back.came().unwrap(), [Came { token: TxToken(11), stamp: hw, seen: 8 }]);
    let whole = fs::read(&path).unwrap();
    for len in [0, 23, 24, whole.len() - 1] {
        fs::write(&path, &whole[..len]).unwrap();
        assert_eq!(StampSamples::read(&path).err().unwrap().kind(), io::ErrorKind::UnexpectedEof, "{len}");
    }
    fs::write(&path, [0xff; 64]).unwrap();
    assert!(StampSamples::read(&path).is_err());
}

#[test]
fn a_stamp_that_comes_twice_is_none_for_another_frame() {
    let mut log = StampLog::with_room(2, 0);
    let stamp = at(5, StampClock::Device, Lock::Unknown);
    log.sent(0, TxToken(1));
    log.sent(1, TxToken(2));
    let room = log.stamped.capacity();
    for (name, outstanding) in [(1, 1), (1, 1), (2, 0), (2, 0)] {
        log.came(Came { token: TxToken(name), stamp, seen: 8 });
        assert_eq!((log.outstanding(), log.stamped.capacity()), (outstanding, room));
    }
}

#[test]
fn the_stamp_of_a_frame_that_nobody_asked_about_is_none_for_another() {
    let mut log = StampLog::with_room(2, 0);
    let stamp = at(5, StampClock::Phc(0), Lock::Unknown);
    log.sent(0, TxToken(40));
    log.came(Came { token: TxToken(20), stamp, seen: 8 });
    assert_eq!(log.outstanding(), 1, "a login's, of which nobody has asked");
    log.came(Came { token: TxToken(40), stamp, seen: 8 });
    assert_eq!(log.outstanding(), 0);
}

#[test]
fn what_finds_no_room_is_counted_and_asks_for_none() {
    let mut log = StampLog::with_room(1, 0);
    let stamp = at(5, StampClock::Kernel, Lock::Unknown);
    for n in 0..3 {
        log.sent(n, TxToken(1));
    }
    for _ in 0..PER_FRAME {
        log.came(Came { token: TxToken(1), stamp, seen: 8 });
    }
    assert_eq!((log.overflowed(), log.outstanding()), (2, 1), "the kernel's stamps are not the hardware's");
    log.came(Came { token: TxToken(1), stamp, seen: 8 });
    assert_eq!((log.overflowed(), log.sent.capacity()), (3, 1));
}
