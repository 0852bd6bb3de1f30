//! The endpoints' samples on their way to the parent: raw clock ticks in files of the run's own folder. Storage is
//! allocated and touched before the timed loop, and written after it.

use std::{
    fs,
    io::{self, BufWriter, Read, Write},
    path::Path,
};

use tickcert_results::time::Ticks;
use tickcert_scenarios::trader::Stage;

use super::records::Records;

/// Bytes of an order that are kept; a longer one is kept short, with its true length, and so never matches.
pub const ORDER_ROOM: usize = 72;

/// An order as it arrived: when, how long, and its bytes.
#[derive(Clone, Copy)]
pub struct Arrival {
    at: u64,
    len: u32,
    bytes: [u8; ORDER_ROOM],
}

impl Arrival {
    const EMPTY: Self = Self { at: 0, len: 0, bytes: [0; ORDER_ROOM] };

    /// When it arrived.
    #[must_use]
    pub const fn at(&self) -> Option<Ticks> {
        Ticks::new(self.at)
    }

    /// Its bytes, as far as they were kept; `None` if it was longer than any order of ours.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        self.bytes.get(..self.len as usize)
    }
}

/// Orders in order of arrival. Recording one copies a cache line or two and nothing else.
pub struct ArrivalLog {
    records: Vec<Arrival>,
    used: usize,
    overflowed: u64,
}

impl ArrivalLog {
    /// Room for so many, touched.
    #[must_use]
    pub fn with_room(orders: usize) -> Self {
        Self { records: vec![Arrival { at: 1, ..Arrival::EMPTY }; orders], used: 0, overflowed: 0 }
    }

    /// Keeps one.
    #[inline]
    pub fn push(&mut self, at: Ticks, order: &[u8]) {
        let Some(record) = self.records.get_mut(self.used) else {
            self.overflowed += 1;
            return;
        };
        record.at = at.raw();
        record.len = u32::try_from(order.len()).unwrap_or(u32::MAX);
        let kept = order.len().min(ORDER_ROOM);
        record.bytes[..kept].copy_from_slice(&order[..kept]);
        self.used += 1;
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.used
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// How many found no room.
    #[must_use]
    pub const fn overflowed(&self) -> u64 {
        self.overflowed
    }
}

/// The exchange's samples: when each packet left (0: it did not), and every arrival. The arrivals stay in the file and
/// are read block by block: there may be many millions of them.
pub struct ExchangeSamples {
    /// The clock at the start of the schedule.
    pub base: u64,
    /// By packet, through all passes.
    pub sent: Vec<u64>,
    arrivals: Records<{ 12 + ORDER_ROOM }>,
}

impl ExchangeSamples {
    /// Writes them.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write(path: &Path, base: Ticks, sent: &[u64], log: &ArrivalLog) -> io::Result<()> {
        let mut out = BufWriter::new(fs::File::create(path)?);
        for n in [base.raw(), sent.len() as u64, log.used as u64] {
            out.write_all(&n.to_le_bytes())?;
        }
        for stamp in sent {
            out.write_all(&stamp.to_le_bytes())?;
        }
        for record in &log.records[..log.used] {
            out.write_all(&record.at.to_le_bytes())?;
            out.write_all(&record.len.to_le_bytes())?;
            out.write_all(&record.bytes)?;
        }
        out.flush()
    }

    /// Reads all but the arrivals, which must be there.
    ///
    /// # Errors
    /// When the file can't be read or is cut short.
    pub fn read(path: &Path) -> io::Result<Self> {
        let mut file = fs::File::open(path)?;
        let mut header = [0; 24];
        file.read_exact(&mut header)?;
        let [base, packets, orders] = [0, 8, 16].map(|at| word(&header, at));
        let (mut sent, stamps) = (Vec::new(), Records::<8>::new(path, 24, packets)?);
        stamps.each(|stamp| sent.push(u64::from_le_bytes(*stamp)))?;
        Ok(Self { base, sent, arrivals: Records::new(path, 24 + packets * 8, orders)? })
    }

    /// How many arrivals there are.
    #[must_use]
    pub const fn arrivals(&self) -> u64 {
        self.arrivals.len()
    }

    /// Hands over every arrival, in order.
    ///
    /// # Errors
    /// When the file can't be read any more.
    pub fn each_arrival(&self, mut of: impl FnMut(&Arrival)) -> io::Result<()> {
        self.arrivals.each(|record| {
            let mut arrival = Arrival { at: word(record, 0), ..Arrival::EMPTY };
            let (len, bytes) = (&record[8..12], &record[12..]);
            arrival.len = len.try_into().map_or(u32::MAX, u32::from_le_bytes);
            arrival.bytes.copy_from_slice(bytes);
            of(&arrival);
        })
    }
}

/// Stamps of one order in the trader, in the order of the stages; 0 where one was not stamped.
pub const STAMPS: usize = Stage::ALL.len();

/// An order as the trader saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Departure {
    /// By stage: when it ended. The first is the tick's arrival, the last the order's departure.
    pub stamps: [u64; STAMPS],
}

impl Departure {
    /// Place of the tick's arrival.
    pub const ARRIVAL: usize = Stage::Rx as usize;
    /// Place of the order's departure.
    pub const DEPARTURE: usize = Stage::Tx as usize;

    /// A stamp, if it was taken.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<Ticks> {
        self.stamps.get(place).copied().and_then(Ticks::new)
    }
}

/// Orders in the order in which they left.
pub struct DepartureLog {
    records: Vec<Departure>,
    used: usize,
}

impl DepartureLog {
    /// Room for so many, touched.
    #[must_use]
    pub fn with_room(orders: usize) -> Self {
        Self { records: vec![Departure { stamps: [1; STAMPS] }; orders], used: 0 }
    }

    /// Keeps one; without room it is only counted.
    #[inline]
    pub fn push(&mut self, departure: Departure) {
        if let Some(record) = self.records.get_mut(self.used) {
            *record = departure;
        }
        self.used += 1;
    }

    /// How many there were.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.used
    }

    /// Whether there was none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Writes them.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(fs::File::create(path)?);
        let kept = self.records.get(..self.used).unwrap_or(&self.records);
        for stamp in kept.iter().flat_map(|d| d.stamps) {
            out.write_all(&stamp.to_le_bytes())?;
        }
        out.flush()
    }
}

/// What [`DepartureLog::write`] wrote; it stays in the file and is read block by block.
pub struct TraderSamples(Records<{ 8 * STAMPS }>);

impl TraderSamples {
    /// Looks how many there are.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn read(path: &Path) -> io::Result<Self> {
        Records::new(path, 0, fs::metadata(path)?.len() / (8 * STAMPS as u64)).map(Self)
    }

    /// Hands over every departure, in order.
    ///
    /// # Errors
    /// When the file can't be read any more.
    pub fn each(&self, mut of: impl FnMut(&Departure)) -> io::Result<()> {
        self.0.each(|record| of(&Departure { stamps: std::array::from_fn(|n| word(record, 8 * n)) }))
    }
}

/// The eight bytes at `at`, which the record holds.
fn word(record: &[u8], at: usize) -> u64 {
    record.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |w| u64::from_le_bytes(*w))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_exchange_wrote_is_what_the_parent_reads() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let mut log = ArrivalLog::with_room(1);
        log.push(Ticks::new(7).unwrap(), &[1, 2, 3]);
        log.push(Ticks::new(8).unwrap(), &[4]);
        assert_eq!((log.len(), log.overflowed()), (1, 1));
        ExchangeSamples::write(&path, Ticks::new(5).unwrap(), &[6, 0], &log).unwrap();
        let back = ExchangeSamples::read(&path).unwrap();
        assert_eq!((back.base, &back.sent, back.arrivals()), (5, &vec![6, 0], 1));
        let mut arrivals = Vec::new();
        back.each_arrival(|a| arrivals.push((a.at(), a.bytes().map(<[u8]>::to_vec)))).unwrap();
        assert_eq!(arrivals, [(Ticks::new(7), Some(vec![1, 2, 3]))]);
    }

    #[test]
    fn an_order_longer_than_any_of_ours_is_kept_as_such() {
        let mut log = ArrivalLog::with_room(1);
        log.push(Ticks::new(7).unwrap(), &[9; 500]);
        assert_eq!(log.records[0].bytes(), None);
    }

    #[test]
    fn what_the_trader_wrote_is_what_the_parent_reads() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let mut log = DepartureLog::with_room(2);
        log.push(Departure { stamps: [1, 2, 3, 4, 5, 6, 7, 8, 9] });
        log.write(&path).unwrap();
        let mut back = Vec::new();
        TraderSamples::read(&path).unwrap().each(|d| back.push(*d)).unwrap();
        assert_eq!(back, [Departure { stamps: [1, 2, 3, 4, 5, 6, 7, 8, 9] }]);
    }

    #[test]
    fn samples_cut_short_are_an_error() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let mut log = ArrivalLog::with_room(1);
        log.push(Ticks::new(7).unwrap(), &[1, 2, 3]);
        ExchangeSamples::write(&path, Ticks::new(5).unwrap(), &[6, 0], &log).unwrap();
        let whole = fs::read(&path).unwrap();
        for len in [0, 23, 24, 39, 40, whole.len() - 1] {
            fs::write(&path, &whole[..len]).unwrap();
            assert_eq!(ExchangeSamples::read(&path).err().unwrap().kind(), io::ErrorKind::UnexpectedEof, "{len}");
        }
        fs::write(&path, [0xff; 30]).unwrap();
        assert_eq!(ExchangeSamples::read(&path).err().unwrap().kind(), io::ErrorKind::UnexpectedEof);
    }
}
