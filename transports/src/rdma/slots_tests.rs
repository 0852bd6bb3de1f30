use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..=LONGEST)
}

fn built(bytes: &[u8], number: u32) -> ([u8; SLOT], usize) {
    let mut slot = [0x55; SLOT];
    let start = build(&mut slot, bytes.len(), number, |frame| frame.copy_from_slice(bytes));
    (slot, start)
}

proptest! {
    #[test]
    fn what_is_built_is_read_and_its_last_bytes_are_the_number(bytes in payload(), n in any::<u64>()) {
        let number = number(n);
        let (slot, start) = built(&bytes, number);
        prop_assert_eq!(SLOT - start, written(bytes.len()));
        prop_assert_eq!(&slot[SLOT - 4..], &number.to_ne_bytes()[..]);
        prop_assert_eq!(read(&slot, number), Some(&bytes[..]));
    }

    #[test]
    fn a_frame_of_which_any_word_is_still_that_of_before_is_not_read(
        old in payload(), new in payload(), n in 0_u64..1 << 40, word in 0..SLOT / 8 - 1,
    ) {
        let (before, _) = built(&old, number(n));
        let (after, start) = built(&new, number(n + 1));
        // All has come but one word; the number, which is in the last, has.
        let mut torn = after;
        let at = word * 8;
        torn[at..at + 8].copy_from_slice(&before[at..at + 8]);
        let whole = torn[start..] == after[start..];
        prop_assert_eq!(read(&torn, number(n + 1)).is_some(), whole);
    }

    #[test]
    fn arbitrary_memory_causes_no_panic(bytes in prop::collection::vec(any::<u8>(), SLOT), n in any::<u64>()) {
        let _ = read(<&[u8; SLOT]>::try_from(&bytes[..]).unwrap(), number(n));
    }
}

#[test]
fn a_number_is_never_that_of_the_slot_before_nor_of_fresh_memory() {
    for slots in [64, 8_192, 65_536] {
        for n in [0, 1, (1 << 31) - 1, 1 << 31, (1_u64 << 32) - 1, 1 << 32, u64::MAX - slots] {
            assert_ne!(number(n), number(n + slots), "{n} and {slots} later");
            assert_ne!(number(n), 0);
        }
    }
}

/// What may happen next between a writer and a reader of few slots.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The writer has another frame of so many bytes, and writes it if there is room.
    Write(usize),
    /// One of the words of the oldest write that is under way comes to the reader's memory: any of them, since none must come first.
    Place(usize),
    /// The reader looks.
    Look,
    /// It tells how many frames it has read.
    Tell,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0_usize..64).prop_map(Step::Write),
        12 => any::<usize>().prop_map(Step::Place),
        3 => Just(Step::Look),
        1 => Just(Step::Tell),
    ]
}

const FEW: u64 = 4;

/// Where in its slot, and what.
type Word = (usize, [u8; 8]);

/// A writer, a reader, and what is under way between them: writes come one after the other, their words as they like.
struct Model {
    memory: Vec<[u8; SLOT]>,
    under_way: VecDeque<(usize, Vec<Word>)>,
    sent: Vec<Vec<u8>>,
    read: u64,
    told: u64,
}

impl Model {
    fn new() -> Self {
        let memory = vec![[0; SLOT]; usize::try_from(FEW).unwrap()];
        Self { memory, under_way: VecDeque::new(), sent: Vec::new(), read: 0, told: 0 }
    }

    fn write(&mut self, len: usize) {
        let n = self.sent.len() as u64;
        if n - self.told >= FEW {
            return;
        }
        let bytes = vec![u8::try_from(n % 251).unwrap(); len];
        let mut slot = [0x77; SLOT];
        let start = build(&mut slot, len, number(n), |frame| frame.copy_from_slice(&bytes));
        let words = (start..SLOT).step_by(8).map(|at| (at, *slot[at..].first_chunk().unwrap())).collect();
        self.under_way.push_back((usize::try_from(n % FEW).unwrap(), words));
        self.sent.push(bytes);
    }

    fn place(&mut self, which: usize) {
        let Some((slot, words)) = self.under_way.front_mut() else { return };
        let (at, word) = words.swap_remove(which % words.len());
        self.memory[*slot][at..at + 8].copy_from_slice(&word);
        if words.is_empty() {
            self.under_way.pop_front();
        }
    }

    /// Whatever is read is the next frame, and whole.
    fn look(&mut self) {
        let slot = &self.memory[usize::try_from(self.read % FEW).unwrap()];
        let number = number(self.read);
        if slot[SLOT - 4..] == number.to_ne_bytes()
            && let Some(frame) = read(slot, number)
        {
            assert_eq!(frame, &self.sent[usize::try_from(self.read).unwrap()][..], "frame {}", self.read);
            self.read += 1;
        }
    }
}

proptest! {
    #[test]
    fn frames_come_whole_and_in_order_whichever_words_of_a_write_come_first(steps in prop::collection::vec(step(), 0..400)) {
        let mut model = Model::new();
        for step in steps {
            match step {
                Step::Write(len) => model.write(len),
                Step::Place(which) => model.place(which),
                Step::Look => model.look(),
                Step::Tell => model.told = model.read,
            }
        }
        // And when all has come, all is read.
        while !model.under_way.is_empty() {
            model.place(0);
        }
        while model.read < model.sent.len() as u64 {
            let before = model.read;
            model.look();
            prop_assert!(model.read > before, "a frame that is whole is not read");
        }
    }

    /// Writes with immediate value, by the rules of a reliable connection: in order; one that finds no receive is written all
    /// the same, perhaps, and asked for again, and nothing after it is.
    #[test]
    fn one_slot_more_than_receives_is_enough_that_no_frame_is_overwritten(steps in prop::collection::vec(0_u8..3, 0..400), receives in 1_u64..5) {
        let slots = receives + 1;
        // The frame in each slot; those that have used up a receive, those handed over, those whose receive is posted again.
        let mut memory = vec![None; usize::try_from(slots).unwrap()];
        let (mut came, mut taken, mut posted_again) = (0_u64, 0_u64, 0_u64);
        let at = |n: u64| usize::try_from(n % slots).unwrap();
        for step in steps {
            match step {
                0 => {
                    memory[at(came)] = Some(came);
                    if came < receives + posted_again {
                        came += 1;
                    }
                }
                1 if taken < came => {
                    prop_assert_eq!(memory[at(taken)], Some(taken), "overwritten before it was handed over");
                    taken += 1;
                }
                2 => posted_again = taken,
                _ => {}
            }
        }
    }
}

#[test]
fn places_are_used_in_turn_as_a_division_would_find_them() {
    for places in [1, 2, 7, 256] {
        let mut turn = Turn::of(places);
        for n in 0..3 * places {
            assert_eq!(turn.place() as u64, n % places, "of {places} places, at the {n}th");
            turn.step();
        }
    }
}
