//! Raw samples, from the endpoints' files to the Parquet file, read back.

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::RowAccessor,
    };
    use tickcert::{
        endpoint::samples::{ArrivalLog, Departure, DepartureLog, ExchangeSamples, STAMPS, TraderSamples},
        run::{
            join::{Joined, Sources, join},
            plan::Slot,
            repetition::{Attempt, Kept},
            sample_file::SampleFile,
            trial::Finished,
        },
    };
    use tickcert_results::{
        certificate::Purpose,
        evidence::Evidence,
        time::{Nanos, PerSecond, TickScale, Ticks},
    };
    use tickcert_scenarios::{
        generator::{self, GeneratorConfig},
        load::{Arrival, Schedule, TapeTimes},
        tape::{self, Tape},
        trader::{Strategy, TraderConfig},
    };

    const BASE: u64 = 1_000_000;

    /// Of a load under which every order came 5 us after its tick was due.
    fn joined(tape: &Tape, schedule: &Schedule, folder: &Path) -> Joined {
        let expected = tape.expected(schedule.due().len());
        let sent: Vec<u64> = schedule.due().iter().map(|d| BASE + d.get()).collect();
        let (mut arrivals, mut departures) =
            (ArrivalLog::with_room(expected.len()), DepartureLog::with_room(expected.len()));
        let mut order = Vec::new();
        for n in 0..expected.len() {
            expected.write(n, &mut order);
            let left = sent[expected.packet(n).unwrap()];
            arrivals.push(Ticks::new(left + 5_000).unwrap(), &order);
            let mut stamps = [0; STAMPS];
            (stamps[Departure::ARRIVAL], stamps[Departure::DEPARTURE]) = (left + 1_000, left + 3_000);
            departures.push(Departure { stamps });
        }
        let (at_exchange, at_trader) = (folder.join("exchange.samples"), folder.join("trader.samples"));
        ExchangeSamples::write(&at_exchange, Ticks::new(BASE).unwrap(), &sent, &arrivals).unwrap();
        departures.write(&at_trader).unwrap();
        let (exchange, trader) =
            (ExchangeSamples::read(&at_exchange).unwrap(), TraderSamples::read(&at_trader).unwrap());
        join(Sources {
            tape,
            schedule,
            exchange: &exchange,
            trader: &trader,
            scale: TickScale { ns_per_tick: 1.0 },
            trader_scale: None,
            threads: false,
            late_after: Nanos::SECOND,
            stamps: None,
        })
        .unwrap()
    }

    #[test]
    fn orders_that_a_cold_load_does_not_measure_are_marked_neither_as_measured_nor_as_warm_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape");
        let ticks = generator::generate(&GeneratorConfig { messages: 2_000, ..GeneratorConfig::default() }).unwrap();
        tape::build(&path, &ticks, TraderConfig::new(Strategy::first_byte())).unwrap();
        let tape = Tape::open(&path).unwrap();
        // Every packet causes an order; a silence comes before every second one only.
        let load = Arrival::Cold { gap: Nanos::MILLI, rate: PerSecond(100_000.0) };
        let cold: Vec<u32> = (1..u32::try_from(tape.packets()).unwrap()).step_by(2).collect();
        let schedule = Schedule::new(&load, TapeTimes { at: tape.times().at, triggers: &cold }, 2, 1).unwrap();
        let joined = joined(&tape, &schedule, folder.path());
        let orders = joined.orders.len();
        let finished = Finished::from(joined);
        let slot = Slot { cell: 0, repetition: 1, purpose: Purpose::Latency };
        let attempt = Attempt { slot, number: 1, position: 1, started_at: String::new() };
        let (lane, evidence) = ("kernel-udp", Evidence::Emulated);
        let file = SampleFile { folder: folder.path(), name: "1.parquet".into(), lane, evidence };
        let Kept { record, distributions, unwritten } = attempt.keep(&finished, &tape, &schedule, file).unwrap();
        assert_eq!(unwritten, None);

        let file = fs::File::open(folder.path().join(record.samples)).unwrap();
        let rows = SerializedFileReader::new(file).unwrap();
        let rows: Vec<_> = rows.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        let (mut measured, mut neither, mut first) = (0, 0, None);
        for (n, row) in rows.iter().enumerate() {
            let (warm_up, counts) = (row.get_bool(9).unwrap(), row.get_bool(10).unwrap());
            first = first.or(counts.then_some(n));
            assert_eq!(warm_up, first.is_none(), "row {n}");
            assert_eq!(counts, !warm_up && row.get_uint(2).unwrap() % 2 == 1, "row {n}");
            measured += u64::from(counts);
            neither += u64::from(!counts && !warm_up);
        }
        assert_eq!((rows.len(), measured), (orders, distributions.t2t_due.len()));
        assert!(record.warm_up.orders > 0 && measured > 100 && neither > 100, "{measured} and {neither} of {orders}");
    }
}
