//! Sorts frames into flows of ticks and everything else, and picks the flow.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use super::super::error::{Located, Place, Problem};
use super::super::mold::MoldPacket;
use super::super::read::ReadLimits;
use super::super::stream::TickStream;
use super::flow::{Flow, FlowKey, NotATick, check};
use super::frames::Frame;
use super::link::{Carried, open};

/// All that a capture holds.
pub(super) struct Sifting {
    limits: ReadLimits,
    /// Bytes of memory that the flows take.
    held: usize,
    flows: Vec<Flow>,
    index: HashMap<FlowKey, usize>,
    /// The first datagram to each group and port that is not a tick.
    strays: HashMap<(IpAddr, u16), Located>,
    /// How many frames of each other sort, by their description.
    others: BTreeMap<String, u64>,
}

/// More sorts than this are counted together, so that a scan over all ports does not fill the memory or the screen.
const MOST_SORTS: usize = 64;
/// Groups and ports whose first stray is kept; a flow is judged by its own, so this is generous.
const MOST_STRAYS: usize = 65_536;

impl Sifting {
    pub(super) fn new(limits: ReadLimits) -> Self {
        Self {
            limits,
            held: 0,
            flows: Vec::new(),
            index: HashMap::new(),
            strays: HashMap::new(),
            others: BTreeMap::new(),
        }
    }

    pub(super) fn frame(&mut self, frame: Frame<'_>) -> Result<(), Located> {
        let sort = match open(frame.link, frame.bytes) {
            Carried::Udp { group, port, payload } => match self.datagram(&frame, group, port, payload)? {
                None => return Ok(()),
                Some(sort) => sort,
            },
            Carried::Tcp { source, destination, payload } => {
                let what = if looks_like_soup(payload) { " that looks like SoupBinTCP" } else { "" };
                // The port of the service is the lower one, as a rule.
                format!("TCP of port {}{what}", source.min(destination))
            }
            Carried::Fragment => "fragments of IP packets, which are not put together".into(),
            Carried::Other => "frames without UDP or TCP".into(),
            Carried::UnknownLink(link) => {
                format!("frames of link type {link}, which is not known here")
            }
        };
        self.count(sort);
        Ok(())
    }

    fn count(&mut self, sort: String) {
        let full = self.others.len() >= MOST_SORTS && !self.others.contains_key(&sort);
        let sort = if full { "other traffic".into() } else { sort };
        *self.others.entry(sort).or_insert(0) += 1;
    }

    /// Takes a datagram into its flow, or says what it is instead.
    fn datagram(
        &mut self,
        frame: &Frame<'_>,
        group: IpAddr,
        port: u16,
        payload: &[u8],
    ) -> Result<Option<String>, Located> {
        let packet = match MoldPacket::parse(payload) {
            Ok(packet) => check(&packet).map(|()| packet),
            Err(error) => Err(NotATick::Mold(error)),
        };
        match packet {
            Ok(packet) => {
                let key = FlowKey { group, port, session: packet.session };
                let at = *self.index.entry(key).or_insert(self.flows.len());
                if at == self.flows.len() {
                    self.flows.push(Flow::new(key, self.limits.excerpt));
                }
                let Some(flow) = self.flows.get_mut(at) else { return Ok(None) };
                self.held += flow.take(&packet, frame.at);
                if self.held > self.limits.memory {
                    let problem = Problem::TooLarge { limit: self.limits.memory, span: flow.cutter.span() };
                    return Err((Place::Packet(frame.number), problem));
                }
                Ok(None)
            }
            Err(not) => {
                let sort = match not {
                    _ if frame.bytes.len() < frame.original_len => {
                        format!("cut UDP packets to port {port}")
                    }
                    NotATick::Mold(_) => format!("UDP to port {port} that is not MoldUDP64"),
                    NotATick::Itch(error) => {
                        format!("MoldUDP64 to port {port} of another content ({error})")
                    }
                };
                if self.strays.len() < MOST_STRAYS {
                    self.strays.entry((group, port)).or_insert_with(|| {
                        let cut = Problem::CutPacket { captured: frame.bytes.len(), original: frame.original_len };
                        let whole = frame.bytes.len() >= frame.original_len;
                        (Place::Packet(frame.number), if whole { not.into() } else { cut })
                    });
                }
                Ok(Some(sort))
            }
        }
    }

    /// The flow with most messages, the first of those that have as many.
    pub(super) fn finish(mut self) -> Result<TickStream, Located> {
        let best = self.flows.iter().enumerate().rev().max_by_key(|(_, flow)| flow.messages);
        let best = best.filter(|(_, flow)| flow.messages > 0).map(|(at, _)| at);
        let Some(best) = best else {
            return Err(self.nothing());
        };
        let best = self.flows.remove(best);
        // A datagram of the feed that cannot be read is a hole in the ticks, not other traffic.
        if let Some(stray) = self.strays.remove(&(best.key.group, best.key.port)) {
            return Err(stray);
        }
        let mut stream = best.finish();
        for flow in self.flows.iter().filter(|flow| flow.messages > 0) {
            let FlowKey { group, port, session } = flow.key;
            stream
                .notes
                .push(format!("left out: {} messages of session {session} to {group} port {port}", flow.messages));
        }
        stream.notes.extend(self.others.iter().map(|(sort, count)| format!("left out: {count} x {sort}")));
        Ok(stream)
    }

    fn nothing(mut self) -> Located {
        if let Some(span) = self.flows.iter().find_map(|flow| flow.cutter.span()) {
            return (Place::Whole, Problem::NothingInExcerpt { excerpt: self.limits.excerpt, span });
        }
        // A cut packet explains itself better than the list of what was seen.
        let cut = self.strays.extract_if(|_, (_, problem)| matches!(problem, Problem::CutPacket { .. })).min_by_key(
            |(_, (place, _))| {
                if let Place::Packet(number) = *place { number } else { u64::MAX }
            },
        );
        if let Some((_, cut)) = cut {
            return cut;
        }
        let mut seen: Vec<_> = self.others.iter().map(|(sort, count)| format!("{count} x {sort}")).collect();
        if !self.flows.is_empty() {
            seen.push("MoldUDP64 heartbeats only".into());
        }
        let seen = if seen.is_empty() { "no packet at all".into() } else { seen.join(", ") };
        (Place::Whole, Problem::NoTicks { seen })
    }
}

/// A segment that begins with a SoupBinTCP packet: a length that fits, and one of its packet types.
fn looks_like_soup(payload: &[u8]) -> bool {
    let Some((&prefix, rest)) = payload.split_first_chunk::<2>() else {
        return false;
    };
    let len = usize::from(u16::from_be_bytes(prefix));
    (1..=rest.len()).contains(&len) && rest.first().is_some_and(|kind| b"+LAJSUHROZ".contains(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_of_a_soup_session_is_recognised() {
        assert!(looks_like_soup(b"\x00\x01H"));
        assert!(!looks_like_soup(b"GET / HTTP/1.1"));
        assert!(!looks_like_soup(b""));
    }
}
