//! The closed loop: the exchange sends one frame and waits for it to come back. What it measures is service time, and
//! says nothing about load.

use anyhow::{Context, Result};
use tickcert_probes::clocks::tsc;
use tickcert_results::{
    hist::Histogram,
    time::{Nanos, TickScale},
};
use tickcert_transports::api::{Flow, Interest, Role, Rx, Transport, Tx, TxError};

use super::{
    Cue,
    control::{PingPongReport, PingPongSpec},
    process::{self, UsageMeter},
};

/// A frame that is not back by then is lost, and the next is sent.
const PATIENCE: Nanos = Nanos::SECOND;
/// Looks in vain between two at the clock: one each time would delay the look that finds something.
const LOOKS: u32 = 1024;
/// A frame of this content says that it is over.
const LAST: u8 = 0xff;

/// Plays this end's part.
pub(super) fn run<T: Transport>(
    spec: &PingPongSpec,
    ends: (T::Rx, T::Tx),
    cue: &mut Cue<'_>,
) -> Result<PingPongReport> {
    let (mut rx, mut tx) = ends;
    let mut rtt = Histogram::new()?;
    cue.running()?;
    let usage = UsageMeter::start();
    let mut report = match spec.role {
        Role::Exchange => initiate(spec, &mut rx, &mut tx, &mut rtt)?,
        Role::Trader => echo(spec, &mut rx, &mut tx)?,
    };
    report.usage = usage.stop();
    report.facts = process::facts(&rx, &tx);
    if spec.role == Role::Exchange {
        report.rtt = rtt.to_base64()?;
    }
    Ok(report)
}

fn initiate(spec: &PingPongSpec, rx: &mut impl Rx, tx: &mut impl Tx, rtt: &mut Histogram) -> Result<PingPongReport> {
    let frame = spec.frame_bytes as usize;
    let mut report = PingPongReport::default();
    let measure_from = tsc::now().raw() + spec.scale.ticks(spec.warm_up);
    let stop = measure_from + spec.scale.ticks(spec.duration);
    let patience = spec.scale.ticks(PATIENCE);
    loop {
        let sent = tsc::now();
        if sent.raw() >= stop {
            break;
        }
        send(tx, Flow::Ticks, frame, |out| out.fill(0)).context("while sending")?;
        let (mut back, mut now, mut idle) = (0, sent, 0);
        while back < frame {
            rx.poll(Interest::Orders, 1, |f| {
                now = tsc::arrival();
                back += f.bytes.len();
            })
            .context("while waiting for the echo")?;
            if back == 0 {
                rx.rest();
                if is_many(&mut idle) && tsc::now().raw() > sent.raw() + patience {
                    report.lost += 1;
                    break;
                }
            }
        }
        report.round_trips += u64::from(back >= frame);
        if back >= frame && sent.raw() >= measure_from {
            rtt.record(spec.scale.ns(now.since(sent)).unwrap_or_default())?;
        }
    }
    for _ in 0..3 {
        send(tx, Flow::Ticks, frame, |out| out.fill(LAST))?;
    }
    Ok(report)
}

fn echo(spec: &PingPongSpec, rx: &mut impl Rx, tx: &mut impl Tx) -> Result<PingPongReport> {
    let deadline = silence_limit(spec.scale, spec.duration + spec.warm_up + PATIENCE * 5);
    let mut report = PingPongReport::default();
    let (mut over, mut idle) = (false, 0);
    while !over {
        let mut outcome = Ok(());
        let frames = rx.poll(Interest::Ticks, 1, |frame| {
            over = frame.bytes.first() == Some(&LAST);
            if !over {
                outcome = send(tx, Flow::Orders, frame.bytes.len(), |out| out.copy_from_slice(frame.bytes));
            }
        })?;
        outcome.context("while echoing")?;
        if frames > 0 {
            idle = 0;
            continue;
        }
        rx.rest();
        if is_many(&mut idle) && tsc::now().raw() > deadline {
            report.broken = Some("the initiating end never said that it was over".to_owned());
            break;
        }
    }
    Ok(report)
}

/// Counts a look in vain; whether there were [`LOOKS`], after which it begins again.
#[inline]
fn is_many(idle: &mut u32) -> bool {
    *idle += 1;
    if *idle < LOOKS {
        return false;
    }
    *idle = 0;
    true
}

fn silence_limit(scale: TickScale, from_now: Nanos) -> u64 {
    tsc::now().raw() + scale.ticks(from_now)
}

/// Sends, trying again while there is no room: in a closed loop there is nothing else to do.
#[inline]
fn send(tx: &mut impl Tx, flow: Flow, len: usize, fill: impl Fn(&mut [u8])) -> Result<(), TxError> {
    while let Err(e) = tx.send(flow, len, &fill) {
        if !matches!(e, TxError::Full) {
            return Err(e);
        }
    }
    loop {
        match tx.flush() {
            Err(TxError::Full) => {}
            other => return other,
        }
    }
}
