//! The one place of the prober that has sockets: one hello, one reply.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::message::{self, Assembly, KeyExchange, NotTls, ServerHello, next_record};
use super::suites::Suite;

/// Most bytes that are read of one answer.
const MAX_ANSWER: usize = 512 * 1024;

/// A listener to look at.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// The name that is asked for (SNI).
    pub name: String,
    /// How long to wait to connect, and for each part of an answer.
    pub timeout: Duration,
}

/// The listener could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// Nobody accepts connections; the text is the system's.
    Unreachable(String),
    /// Something answers that is no TLS.
    NotTls,
    /// It accepted connections, and no version of TLS was agreed on.
    NoHandshake,
}

impl std::fmt::Display for TargetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "no connection: {why}"),
            Self::NotTls => f.write_str("it does not speak TLS"),
            Self::NoHandshake => f.write_str("it takes connections but no TLS hello of any version"),
        }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// The server takes part.
    Hello(Box<Flight>),
    /// An alert, an end or silence: nothing was agreed on.
    Refusal,
}

/// The server's first messages.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub(super) hello: ServerHello,
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) exchange: Option<KeyExchange>,
    pub(super) wants_certificate: bool,
    /// The messages byte by byte, for a transcript.
    pub(super) transcript: Vec<u8>,
}

/// A connection with what was read and not yet used.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    read: usize,
}

impl Connection {
    pub(super) fn open(target: &Target) -> Result<Self, TargetError> {
        let failed = |e: std::io::Error| TargetError::Unreachable(e.to_string());
        let stream = TcpStream::connect_timeout(&target.address, target.timeout).map_err(failed)?;
        stream.set_read_timeout(Some(target.timeout)).map_err(failed)?;
        stream.set_write_timeout(Some(target.timeout)).map_err(failed)?;
        let _ = stream.set_nodelay(true);
        Ok(Self { stream, buffer: Vec::new(), read: 0 })
    }

    /// Sends bytes. A peer that has closed already is noticed when it is read from.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The next record; `Ok(None)` when there is none, whatever the reason.
    pub(super) fn record(&mut self) -> Result<Option<message::Record>, NotTls> {
        loop {
            if let Some(record) = next_record(&mut self.buffer)? {
                return Ok(Some(record));
            }
            if !self.fill() {
                return Ok(None);
            }
        }
    }

    /// Reads some bytes; false at the end, on silence, and beyond the cap.
    fn fill(&mut self) -> bool {
        let mut chunk = [0; 16 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(count) if count > 0 && self.read < MAX_ANSWER => {
                self.read += count;
                self.buffer.extend_from_slice(chunk.get(..count).unwrap_or_default());
                true
            }
            _ => false,
        }
    }

    /// The first bytes of an answer that need not be TLS records.
    pub(super) fn raw(&mut self, least: usize) -> &[u8] {
        while self.buffer.len() < least && self.fill() {}
        &self.buffer
    }

    /// Reads the server's first flight: up to ServerHelloDone, or the ServerHello of TLS 1.3.
    pub(super) fn flight(&mut self) -> Result<Reply, TargetError> {
        let mut assembly = Assembly::default();
        let mut flight: Option<Box<Flight>> = None;
        loop {
            let record = match self.record() {
                Ok(Some(record)) => record,
                Ok(None) => return Ok(Reply::Refusal),
                Err(NotTls) => return Err(TargetError::NotTls),
            };
            match record.kind {
                // Warnings (such as an unknown name) leave the handshake going.
                21 => match record.content.as_slice() {
                    [1, code] if *code != 0 => {}
                    _ => return Ok(Reply::Refusal),
                },
                22 if !assembly.push(&record.content) => return Ok(Reply::Refusal),
                22 => {}
                _ => return Ok(flight.map_or(Reply::Refusal, Reply::Hello)),
            }
            while let Some((kind, body, whole)) = assembly.next() {
                match (kind, &mut flight) {
                    (2, None) => {
                        let Some(hello) = message::server_hello(&body) else { return Ok(Reply::Refusal) };
                        let is_last = hello.version == super::Version::Tls13.number();
                        let read = Flight {
                            hello,
                            chain: Vec::new(),
                            exchange: None,
                            wants_certificate: false,
                            transcript: whole,
                        };
                        if is_last {
                            return Ok(Reply::Hello(Box::new(read)));
                        }
                        flight = Some(Box::new(read));
                    }
                    (_, Some(flight)) => {
                        flight.transcript.extend_from_slice(&whole);
                        match kind {
                            11 => flight.chain = message::certificates(&body).unwrap_or_default(),
                            12 => {
                                let curves = !Suite(flight.hello.suite).name().contains("TLS_DH");
                                flight.exchange = message::key_exchange(&body, curves);
                            }
                            13 => flight.wants_certificate = true,
                            14 => return Ok(Reply::Hello(flight.clone())),
                            _ => {}
                        }
                    }
                    _ => return Ok(Reply::Refusal),
                }
            }
        }
    }
}

/// Sends a hello over a connection of its own and reads what comes back.
pub(super) fn ask(target: &Target, hello: &[u8]) -> Result<Reply, TargetError> {
    let mut connection = Connection::open(target)?;
    connection.send(hello);
    connection.flight()
}
