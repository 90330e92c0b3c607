//! The access log: one JSON object a line, rendered into a buffer of the worker, written by one thread for all.
//!
//! The request path never waits for the log. When the writer is behind, records are dropped and counted. Queries,
//! credentials and header values are never logged; control characters cannot occur unescaped.

use http::{Method, Version};
use model::Timestamp;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

/// Takes whole lines of the access log, on a thread of its own; may block.
pub trait LogSink: Send + Sync + 'static {
    /// Writes one or more access records, each ended by a newline.
    fn write(&self, lines: &[u8]);

    /// Writes one or more lines about the calls of single APIs (`API_LOG`), each ended by a newline.
    fn write_apis(&self, lines: &[u8]);
}

/// Lines on their way to the writer.
pub(crate) enum Lines {
    /// Access records.
    Calls(Vec<u8>),
    /// About the calls of single APIs.
    Apis(Vec<u8>),
}

/// A buffer is handed over when it holds this many bytes, or once a second.
const FLUSH_BYTES: usize = 64 * 1024;
/// Buffers that may wait for the writer.
const QUEUE: usize = 64;

/// Starts the writer; it ends when the last sender is gone.
pub(crate) fn start(sink: Arc<dyn LogSink>) -> std::io::Result<(SyncSender<Lines>, std::thread::JoinHandle<()>)> {
    let (sender, receiver): (_, Receiver<Lines>) = sync_channel(QUEUE);
    let write = move || {
        while let Ok(lines) = receiver.recv() {
            match lines {
                Lines::Calls(lines) => sink.write(&lines),
                Lines::Apis(lines) => sink.write_apis(&lines),
            }
        }
    };
    let thread = std::thread::Builder::new().name("access-log".into()).spawn(write)?;
    Ok((sender, thread))
}

/// Members of a record that are the same for many calls, rendered once. Only [`Rendered::of`] makes one, so that nothing in
/// it can end a string or a line.
#[derive(Clone, Debug)]
pub(crate) struct Rendered(Arc<[u8]>);

impl Rendered {
    /// Renders names and values; the names are our own.
    pub(crate) fn of(members: &[(&str, &str)]) -> Self {
        let mut out = Vec::new();
        for (name, value) in members {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(name.as_bytes());
            text(&mut out, b"\":\"", value);
        }
        Self(out.into())
    }
}

/// What a record says about a call; rendered by [`LogBuffer::append`].
pub(crate) struct Fields<'a> {
    /// When the head was complete.
    pub(crate) at: Timestamp,
    /// Tenant, API and resource, where one was found.
    pub(crate) subject: Option<&'a Rendered>,
    /// Application.
    pub(crate) application: Option<&'a Rendered>,
    /// Method.
    pub(crate) method: &'a Method,
    /// Canonical path; empty when it was refused.
    pub(crate) path: &'a str,
    /// Trace and correlation id.
    pub(crate) trace: Option<&'a Rendered>,
    /// Version of HTTP.
    pub(crate) version: Version,
    /// Client address.
    pub(crate) peer: &'a Rendered,
    /// TLS version and cipher suite; `None` for plain HTTP.
    pub(crate) tls: Option<&'a Rendered>,
    /// Status of the answer.
    pub(crate) status: u16,
    /// WSO2 code of a fault.
    pub(crate) code: Option<u32>,
    /// Bytes of the request body.
    pub(crate) bytes_in: u64,
    /// Bytes of the answer body that were handed to the client's connection.
    pub(crate) bytes_out: u64,
    /// Whether the answer was handed over to its end.
    pub(crate) complete: bool,
    /// Until the last byte, microseconds.
    pub(crate) micros: u64,
    /// Until the upstream's head, microseconds.
    pub(crate) upstream_micros: Option<u64>,
}

/// Lines of one worker that were not handed over yet.
pub(crate) struct LogBuffer {
    lines: Vec<u8>,
    records: u64,
    writer: SyncSender<Lines>,
    /// Lines about single APIs, and how many.
    apis: Vec<u8>,
    api_lines: u64,
    /// State of the generator behind record ids (xorshift64*): ids are unique, not secret.
    state: u64,
    second: i64,
    second_text: String,
}

impl LogBuffer {
    /// With a random seed, so that workers do not make the same ids.
    pub(crate) fn new(writer: SyncSender<Lines>, seed: u64) -> Self {
        let lines = Vec::with_capacity(FLUSH_BYTES + 4096);
        let (apis, api_lines) = (Vec::new(), 0);
        Self {
            lines,
            records: 0,
            writer,
            apis,
            api_lines,
            state: seed | 1,
            second: i64::MIN,
            second_text: String::new(),
        }
    }

    /// Adds a record; returns how many were lost because the writer is behind.
    pub(crate) fn append(&mut self, fields: &Fields<'_>) -> u64 {
        self.stamp(fields.at);
        let id = self.id(fields.at);
        let out = &mut self.lines;
        out.reserve(1024);
        out.extend_from_slice(b"{\"ts\":\"");
        out.extend_from_slice(self.second_text.as_bytes());
        // 1000 plus the milliseconds has the leading zeros; its first digit becomes the dot.
        let dot = out.len();
        digits(out, 1000 + u64::try_from(fields.at.millis().rem_euclid(1000)).unwrap_or(0));
        if let Some(first) = out.get_mut(dot) {
            *first = b'.';
        }
        out.extend_from_slice(b"Z\",\"id\":\"");
        out.extend_from_slice(id.encode_lower(&mut uuid::Uuid::encode_buffer()).as_bytes());
        out.push(b'"');
        if fields.subject.is_none() {
            // Every record has a tenant, even where none was found.
            out.extend_from_slice(b",\"tenant\":\"\"");
        }
        let parts = [fields.subject, fields.application, Some(fields.peer), fields.tls, fields.trace];
        for part in parts.into_iter().flatten() {
            out.extend_from_slice(&part.0);
        }
        text(out, b",\"method\":\"", fields.method.as_str());
        text(out, b",\"path\":\"", fields.path);
        number(out, b",\"status\":", u64::from(fields.status));
        if let Some(code) = fields.code {
            number(out, b",\"code\":", u64::from(code));
        }
        number(out, b",\"bytes_in\":", fields.bytes_in);
        number(out, b",\"bytes_out\":", fields.bytes_out);
        number(out, b",\"us\":", fields.micros);
        if let Some(micros) = fields.upstream_micros {
            number(out, b",\"upstream_us\":", micros);
        }
        if !fields.complete {
            out.extend_from_slice(b",\"complete\":false");
        }
        out.extend_from_slice(version_member(fields.version));
        out.extend_from_slice(b"}\n");
        self.records += 1;
        if self.lines.len() >= FLUSH_BYTES { self.flush_calls() } else { 0 }
    }

    /// Adds a line about a call of a single API; returns how many were lost because the writer is behind.
    pub(crate) fn append_api(&mut self, line: &str) -> u64 {
        self.apis.extend_from_slice(line.as_bytes());
        self.api_lines += 1;
        if self.apis.len() >= FLUSH_BYTES { self.flush_apis() } else { 0 }
    }

    fn flush_apis(&mut self) -> u64 {
        let lines = std::mem::take(&mut self.api_lines);
        match self.writer.try_send(Lines::Apis(std::mem::take(&mut self.apis))) {
            Ok(()) => 0,
            Err(_behind) => lines,
        }
    }

    /// An id for a call that came without one.
    pub(crate) fn call_id(&mut self, at: Timestamp) -> String {
        self.id(at).to_string()
    }

    /// Hands the lines over; returns how many records were lost because the writer is behind.
    pub(crate) fn flush(&mut self) -> u64 {
        let lost = if self.apis.is_empty() { 0 } else { self.flush_apis() };
        lost + self.flush_calls()
    }

    fn flush_calls(&mut self) -> u64 {
        if self.lines.is_empty() {
            return 0;
        }
        let records = std::mem::take(&mut self.records);
        let lines = std::mem::replace(&mut self.lines, Vec::with_capacity(FLUSH_BYTES + 4096));
        match self.writer.try_send(Lines::Calls(lines)) {
            Ok(()) => 0,
            Err(TrySendError::Full(unsent) | TrySendError::Disconnected(unsent)) => {
                if let Lines::Calls(mut lines) = unsent {
                    lines.clear();
                    self.lines = lines;
                }
                records
            }
        }
    }

    fn stamp(&mut self, at: Timestamp) {
        if at.seconds() != self.second {
            self.second = at.seconds();
            self.second_text = at.rfc3339();
            self.second_text.truncate(19);
        }
    }

    fn random(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn id(&mut self, at: Timestamp) -> uuid::fmt::Hyphenated {
        let (high, low) = (self.random(), self.random());
        let mut bytes = [0; 10];
        for (to, from) in bytes.iter_mut().zip(high.to_le_bytes().into_iter().chain(low.to_le_bytes())) {
            *to = from;
        }
        let millis = u64::try_from(at.millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid().hyphenated()
    }
}

const fn version_member(version: Version) -> &'static [u8] {
    match version {
        Version::HTTP_10 => b",\"http\":\"1.0\"",
        Version::HTTP_2 => b",\"http\":\"2\"",
        _ => b",\"http\":\"1.1\"",
    }
}

/// Writes a number behind its key, which includes the punctuation.
fn number(out: &mut Vec<u8>, key: &[u8], value: u64) {
    out.extend_from_slice(key);
    digits(out, value);
}

/// Writes a number without the formatting machinery, which costs more than the rest of a record.
fn digits(out: &mut Vec<u8>, mut value: u64) {
    let mut buffer = [b'0'; 20];
    let mut used = 0;
    for place in buffer.iter_mut().rev() {
        *place = b'0' + u8::try_from(value % 10).unwrap_or(0);
        used += 1;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(buffer.get(buffer.len() - used..).unwrap_or_default());
}

/// Writes a string behind its key, which includes the punctuation, with everything escaped that could end the string or
/// the line.
fn text(out: &mut Vec<u8>, key: &[u8], value: &str) {
    out.extend_from_slice(key);
    // Looks at every byte, because a loop without an exit is done for many bytes at once.
    let special = |b: u8| (b < 0x20) | (b == b'"') | (b == b'\\') | (b == 0x7f);
    if !value.bytes().fold(false, |found, b| found | special(b)) {
        out.extend_from_slice(value.as_bytes());
    } else {
        for c in value.chars() {
            match c {
                '"' | '\\' => {
                    let _infallible = write!(out, "\\{c}");
                }
                c if c.is_control() => {
                    let _infallible = write!(out, "\\u{:04x}", u32::from(c));
                }
                c => {
                    let _infallible = write!(out, "{c}");
                }
            }
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::{Fields, Lines, LogBuffer, Rendered};
    use http::{Method, Version};
    use model::Timestamp;

    fn rendered() -> [Rendered; 3] {
        let subject =
            [("tenant", "carbon.super"), ("api", "Pizza\"\n"), ("api_version", "1.0.0"), ("resource", "/menu")];
        [
            Rendered::of(&subject),
            Rendered::of(&[("application", "app\u{7f}\u{1b}[31m")]),
            Rendered::of(&[("peer", "192.0.2.1")]),
        ]
    }

    fn fields<'a>(path: &'a str, [subject, application, peer]: &'a [Rendered; 3]) -> Fields<'a> {
        Fields {
            at: Timestamp::from_millis(1_795_288_511_042),
            subject: Some(subject),
            application: Some(application),
            method: &Method::GET,
            path,
            trace: None,
            version: Version::HTTP_11,
            peer,
            tls: None,
            status: 200,
            code: Some(900_901),
            bytes_in: 1,
            bytes_out: 2,
            complete: true,
            micros: 3,
            upstream_micros: None,
        }
    }

    #[test]
    fn records_are_json_and_cannot_be_forged() {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        let mut buffer = LogBuffer::new(sender, 7);
        let rendered = rendered();
        buffer.append(&fields("/pizza", &rendered));
        buffer.append(&fields("/pizza\n{\"status\":500}", &rendered));
        assert_eq!(buffer.flush(), 0);
        let Lines::Calls(lines) = receiver.recv().unwrap() else { panic!("no access records") };
        let lines = String::from_utf8(lines).unwrap();
        assert_eq!(lines.lines().count(), 2);
        let ids: std::collections::BTreeSet<String> = lines
            .lines()
            .map(|line| {
                let record: serde_json::Value = serde_json::from_str(line).unwrap();
                assert_eq!(record["api"], "Pizza\"\n");
                assert_eq!(record["application"], "app\u{7f}\u{1b}[31m");
                assert_eq!(record["ts"], "2026-11-21T19:15:11.042Z");
                assert!(!line.contains(['\u{1b}', '\u{7f}']));
                record["id"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(ids.len(), 2);
        assert!(ids.iter().all(|id| id.as_bytes()[14] == b'7'), "version 7: {ids:?}");
    }

    #[test]
    fn a_slow_writer_loses_records_and_nothing_else() {
        let (sender, _receiver) = std::sync::mpsc::sync_channel(1);
        let mut buffer = LogBuffer::new(sender, 7);
        let rendered = rendered();
        let lost: u64 = (0..2000).map(|_| buffer.append(&fields("/x", &rendered))).sum();
        assert!(lost > 0 && lost < 2000, "{lost}");
    }
}
