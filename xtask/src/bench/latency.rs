//! Latency at a fixed rate. Each call has a time at which it is due, and its latency counts from then: a gateway that is slow
//! for a moment is charged for the calls that had to wait, too.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustls::{ClientConnection, StreamOwned};

use crate::http::Client;
use crate::process;

/// Connections; each carries its share of the rate.
const CONNECTIONS: u32 = 16;

/// Latencies of calls, sorted.
pub(super) struct Latencies(Vec<Duration>);

impl Latencies {
    /// The latency that this share of the calls does not exceed; `share` from 0 to 1.
    pub(super) fn at(&self, share: f64) -> Duration {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index"
        )]
        let index = (share * self.0.len() as f64) as usize;
        self.0.get(index.min(self.0.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    /// How many calls were made.
    pub(super) fn calls(&self) -> usize {
        self.0.len()
    }
}

/// Calls `path` at `rate` calls a second. Every answer must have status 200.
///
/// # Errors
/// A call fails or has another status.
pub(super) fn measure(
    client: &Client,
    port: u16,
    (path, token): (&str, Option<&str>),
    rate: u32,
    time: Duration,
) -> Result<Latencies> {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n{authorization}\r\n");
    let every = Duration::from_secs(1) * CONNECTIONS / rate.max(1);
    let begin = Instant::now() + Duration::from_millis(100);
    let all = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|index| {
                let request = &request;
                // The connections take turns instead of calling all at once.
                let first = begin + every * index / CONNECTIONS;
                scope.spawn(move || one(client, port, request, first, (every, begin + time)))
            })
            .collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow::anyhow!("a caller panicked"))?);
        joined.collect::<Result<Vec<_>>>()
    })?;
    let mut all: Vec<Duration> = all.into_iter().flatten().collect();
    all.sort();
    Ok(Latencies(all))
}

fn one(
    client: &Client,
    port: u16,
    request: &str,
    mut due: Instant,
    (every, end): (Duration, Instant),
) -> Result<Vec<Duration>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let connection = ClientConnection::new(Arc::clone(client.tls()), "localhost".try_into()?)?;
    let mut stream = StreamOwned::new(connection, stream);
    let mut latencies = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    while due < end {
        process::pause(due.saturating_duration_since(Instant::now()));
        stream.write_all(request.as_bytes())?;
        read_answer(&mut stream, &mut buffer)?;
        latencies.push(due.elapsed());
        due += every;
    }
    Ok(latencies)
}

/// Reads one answer with a `Content-Length`.
fn read_answer(stream: &mut impl std::io::Read, buffer: &mut [u8]) -> Result<()> {
    let mut held = 0;
    let (head, length) = loop {
        let room = buffer.get_mut(held..).filter(|room| !room.is_empty()).context("the head does not end")?;
        let read = stream.read(room)?;
        if read == 0 {
            bail!("the gateway closed the connection");
        }
        held += read;
        let seen = buffer.get(..held).unwrap_or_default();
        if let Some(end) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = std::str::from_utf8(seen.get(..end).unwrap_or_default())?.to_ascii_lowercase();
            if !head.starts_with("http/1.1 200") {
                bail!("an answer begins with {}", head.lines().next().unwrap_or_default());
            }
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            break (end + 4, length.context("an answer without Content-Length")?.trim().parse::<usize>()?);
        }
    };
    let mut missing = (head + length).saturating_sub(held);
    while missing > 0 {
        let room = buffer.get_mut(..missing.min(64 * 1024)).unwrap_or_default();
        let read = stream.take(u64::MAX).read(room)?;
        if read == 0 {
            bail!("an answer broke off");
        }
        missing -= read;
    }
    Ok(())
}
