//! GraphQL over WebSocket: `graphql-transport-ws` and the older `graphql-ws` (both of which WSO2's clients speak).
//!
//! Unlike other tunnels this one reads whole messages. Each operation that a client starts is judged like a call, with its
//! own scopes, limits, depth and cost; each event that comes back is charged to the limits of the caller. A message that is
//! refused is answered for its operation alone. What the gateway does not understand is not passed on, so that the upstream
//! carries out exactly what was judged.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use policy::GraphqlQuery;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};

use super::frame::{Frames, PieceKind, Violation, close, text};
use super::tunnel::{
    BAD_GATEWAY, FAREWELL, GOING_AWAY, POLICY, PROTOCOL_ERROR, ROOM, Rate, TOO_LARGE, is_throttled, part,
};
use crate::connection::Stop;
use crate::entitlement::{Entitlement, LOOK};
use crate::exchange::Record;
use crate::fault::Fault;
use crate::graphql;

/// Most bytes of a message of the client: a query, not a file.
const MAX_REQUEST_BYTES: u64 = 128 * 1024;
/// Most operations of one connection that go on at the same time.
const MAX_OPERATIONS: usize = 100;
/// Longest name of an operation, bytes.
const MAX_ID_BYTES: usize = 256;

/// Close codes of the sub-protocols.
mod code {
    /// A message that is none of the sub-protocol's.
    pub(super) const BAD_REQUEST: u16 = 4400;
    /// An operation before `connection_init`.
    pub(super) const UNAUTHORIZED: u16 = 4401;
    /// An operation has this name already.
    pub(super) const ID_IN_USE: u16 = 4409;
    /// `connection_init` twice.
    pub(super) const TOO_MANY_INITS: u16 = 4429;
}

/// A sub-protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `graphql-transport-ws`.
    Transport,
    /// `graphql-ws`, of the package subscriptions-transport-ws.
    Legacy,
}

impl Dialect {
    /// Names in `Sec-WebSocket-Protocol`.
    pub(crate) const NAMES: [&'static str; 2] = ["graphql-transport-ws", "graphql-ws"];

    /// The sub-protocol that an upstream has chosen.
    pub(crate) fn of(chosen: &HeaderValue) -> Option<Self> {
        match chosen.as_bytes() {
            b"graphql-transport-ws" => Some(Self::Transport),
            b"graphql-ws" => Some(Self::Legacy),
            _ => None,
        }
    }

    /// Tells the client that an operation has ended, and why.
    fn error(self, id: &str, (code, message): (u16, &str)) -> Vec<u8> {
        let payload = match self {
            Self::Transport => json!([{"message": message, "extensions": {"code": code}}]),
            Self::Legacy => json!({"message": message, "code": code}),
        };
        json!({"id": id, "type": "error", "payload": payload}).to_string().into_bytes()
    }

    /// Tells the upstream that nobody waits for an operation any more.
    fn stop(self, id: &str) -> Vec<u8> {
        let kind = if self == Self::Transport { "complete" } else { "stop" };
        json!({"id": id, "type": kind}).to_string().into_bytes()
    }
}

/// What becomes of a message.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// It is passed on.
    Pass,
    /// It is not, and nobody is told.
    Drop,
    /// The client is told this instead.
    Answer(Vec<u8>),
    /// The client is told the first, the upstream the second.
    End(Vec<u8>, Vec<u8>),
    /// The connection ends with a close code for the client and one for the upstream.
    Close(u16, u16),
}

/// What is known about one connection.
pub(crate) struct Session {
    dialect: Dialect,
    entitlement: Entitlement,
    initialised: bool,
    /// Operations that go on, by name.
    active: HashMap<String, GraphqlQuery>,
}

/// WSO2's code and text of a refusal.
fn reason(fault: &Fault, query: Option<&str>) -> Option<(u16, String)> {
    Some(match fault.code {
        _ if is_throttled(fault) => (4003, "Websocket frame throttled out".into()),
        900_910 => {
            let field = query.unwrap_or_default();
            (4002, format!("User is NOT authorized to access the Resource: {field}. Scope validation failed."))
        }
        graphql::TOO_DEEP => (4020, "QUERY TOO DEEP".into()),
        graphql::TOO_COMPLEX => (4021, "QUERY TOO COMPLEX".into()),
        graphql::INVALID => (4022, "INVALID QUERY".into()),
        404 => (4005, "The API has no such operation".into()),
        // Not this operation is refused, but the caller.
        _ => return None,
    })
}

impl Session {
    /// A connection that has just been opened.
    pub(crate) fn new(dialect: Dialect, entitlement: Entitlement) -> Self {
        Self { dialect, entitlement, initialised: false, active: HashMap::new() }
    }

    fn judge_request(&mut self, message: &[u8]) -> Fate {
        let wrong = Fate::Close(code::BAD_REQUEST, GOING_AWAY);
        let Some(message_map) = jose::parse_object(message) else { return wrong };
        if message_map.keys().any(|member| !matches!(member.as_str(), "id" | "type" | "payload")) {
            return wrong;
        }
        let text = |name: &str| message_map.get(name).and_then(Value::as_str).unwrap_or_default();
        match (self.dialect, text("type")) {
            (_, "connection_init") if std::mem::replace(&mut self.initialised, true) => {
                Fate::Close(code::TOO_MANY_INITS, GOING_AWAY)
            }
            (_, "connection_init")
            | (Dialect::Transport, "ping" | "pong")
            | (Dialect::Legacy, "connection_terminate") => Fate::Pass,
            (Dialect::Transport, "complete") | (Dialect::Legacy, "stop") => {
                // What ended a moment ago needs no second end.
                if self.active.remove(text("id")).is_some() { Fate::Pass } else { Fate::Drop }
            }
            (Dialect::Transport, "subscribe") | (Dialect::Legacy, "start") => {
                let id = text("id").to_owned();
                self.start(id, message_map.get("payload").and_then(Value::as_object), message.len() as u64)
            }
            _ => wrong,
        }
    }

    fn start(&mut self, id: String, request: Option<&Map<String, Value>>, bytes: u64) -> Fate {
        let Some(request) = request.filter(|_| (1..=MAX_ID_BYTES).contains(&id.len())) else {
            return Fate::Close(code::BAD_REQUEST, GOING_AWAY);
        };
        if !self.initialised {
            return Fate::Close(code::UNAUTHORIZED, GOING_AWAY);
        }
        if self.active.contains_key(&id) {
            // Its events could not be told from those of the operation that has the name.
            return Fate::Close(code::ID_IN_USE, GOING_AWAY);
        }
        if self.active.len() >= MAX_OPERATIONS {
            return Fate::Answer(self.dialect.error(&id, (4005, "Too many operations go on at the same time")));
        }
        match self.entitlement.operate(request, bytes) {
            Ok(query) => {
                self.active.insert(id, query);
                Fate::Pass
            }
            Err(fault) => match reason(&fault, self.entitlement.named(request).as_deref()) {
                Some((code, message)) => Fate::Answer(self.dialect.error(&id, (code, &message))),
                None => Fate::Close(POLICY, GOING_AWAY),
            },
        }
    }

    fn judge_event(&mut self, message: &[u8]) -> Fate {
        let Ok(Value::Object(read)) = serde_json::from_slice(message) else {
            return Fate::Close(BAD_GATEWAY, PROTOCOL_ERROR);
        };
        let text = |name: &str| read.get(name).and_then(Value::as_str).unwrap_or_default();
        let id = text("id");
        match text("type") {
            "data" | "next" if !self.active.contains_key(id) => Fate::Drop,
            "data" | "next" => match self.entitlement.charge_bytes(1, message.len() as u64) {
                Ok(()) => Fate::Pass,
                Err(fault) if is_throttled(&fault) => self.end(id, &fault),
                Err(_) => Fate::Close(POLICY, GOING_AWAY),
            },
            "error" | "complete" if self.active.remove(id).is_none() => Fate::Drop,
            _ => Fate::Pass,
        }
    }

    /// Ends one operation on both sides.
    fn end(&mut self, id: &str, fault: &Fault) -> Fate {
        let Some((code, message)) = reason(fault, None) else { return Fate::Close(POLICY, GOING_AWAY) };
        self.active.remove(id);
        Fate::End(self.dialect.error(id, (code, &message)), self.dialect.stop(id))
    }

    /// Asks again whether the caller may go on, and which operations may not.
    fn renew(&mut self) -> Option<Vec<String>> {
        if !self.entitlement.renew() {
            return None;
        }
        let entitlement = &self.entitlement;
        let refused = self.active.iter().filter(|(_, query)| !entitlement.still_allows(query));
        Some(refused.map(|(id, _)| id.clone()).collect())
    }
}

/// The messages of one side.
struct Reader {
    frames: Frames,
    cap: u64,
    held: BytesMut,
    /// Frames of the message that has begun, as they came.
    raw: BytesMut,
    message: Vec<u8>,
    is_text: bool,
    closed: bool,
    moved: u64,
}

/// What a side has sent.
enum Item {
    /// A text, as it came and what it says.
    Text(Bytes, Vec<u8>),
    /// Ping or pong.
    Control(Bytes),
    /// Goodbye.
    Close(Bytes),
}

impl Reader {
    fn new(masked: bool, cap: u64, held: BytesMut) -> Self {
        let frames = Frames::new(masked, cap);
        Self { frames, cap, held, raw: BytesMut::new(), message: Vec::new(), is_text: false, closed: false, moved: 0 }
    }

    /// The next item that is there as a whole, and how many frames were looked at for it.
    fn next(&mut self) -> (u32, Result<Option<Item>, u16>) {
        let mut frames = 0;
        loop {
            let piece = match self.frames.take(&mut self.held) {
                Ok(Some(piece)) => piece,
                Ok(None) => return (frames, Ok(None)),
                Err(Violation::Protocol) => return (frames, Err(PROTOCOL_ERROR)),
                Err(Violation::TooLarge) => return (frames, Err(TOO_LARGE)),
            };
            frames += 1;
            self.moved += piece.raw.len() as u64;
            match piece.kind {
                PieceKind::Control => return (frames, Ok(Some(Item::Control(piece.raw.freeze())))),
                PieceKind::Close => {
                    self.closed = true;
                    return (frames, Ok(Some(Item::Close(piece.raw.freeze()))));
                }
                // Everything of these sub-protocols is text.
                PieceKind::Binary => return (frames, Err(code::BAD_REQUEST)),
                PieceKind::Text => self.is_text = true,
                PieceKind::More => {}
            }
            self.raw.unsplit(piece.raw);
            self.message.extend_from_slice(&piece.payload);
            // Frames without content grow by their heads alone.
            if self.raw.len() as u64 > self.cap.saturating_mul(2) {
                return (frames, Err(TOO_LARGE));
            }
            if piece.last && std::mem::take(&mut self.is_text) {
                let raw = std::mem::take(&mut self.raw).freeze();
                return (frames, Ok(Some(Item::Text(raw, std::mem::take(&mut self.message)))));
            }
        }
    }
}

/// How the connection ends: close codes for the client and the upstream.
type Codes = (Option<u16>, Option<u16>);

/// Both sides while the connection lasts.
struct Pair<'a, C, U> {
    client: &'a mut C,
    upstream: &'a mut U,
    session: Session,
    rate: Rate,
    stall: Duration,
    random: SystemRandom,
    /// Bytes that went to the client.
    sent: u64,
}

impl<C, U> Pair<'_, C, U>
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    async fn pass_to_client(&mut self, bytes: &[u8]) -> Result<(), Codes> {
        self.sent += bytes.len() as u64;
        send(self.client, bytes, self.stall).await.map_err(|()| (None, Some(GOING_AWAY)))
    }

    async fn pass_to_upstream(&mut self, bytes: &[u8]) -> Result<(), Codes> {
        send(self.upstream, bytes, self.stall).await.map_err(|()| (Some(BAD_GATEWAY), None))
    }

    /// Says something to the upstream that no client has said.
    async fn tell_upstream(&mut self, message: &[u8]) -> Result<(), Codes> {
        let mut key = [0; 4];
        // The key hides names that a client has chosen from what lies between; without one nothing is sent.
        self.random.fill(&mut key).map_err(|_| (Some(POLICY), Some(GOING_AWAY)))?;
        self.pass_to_upstream(&text(message, Some(key))).await
    }

    fn count(&mut self, frames: u32) -> Result<(), Codes> {
        let worker = &self.session.entitlement.worker;
        if self.rate.count(worker, frames) { Ok(()) } else { Err((Some(POLICY), Some(GOING_AWAY))) }
    }

    /// Deals with everything that a client has sent as a whole.
    async fn drain_client(&mut self, reader: &mut Reader) -> Result<(), Codes> {
        loop {
            let (frames, item) = reader.next();
            self.count(frames)?;
            match item.map_err(|code| (Some(code), Some(GOING_AWAY)))? {
                None => return Ok(()),
                Some(Item::Control(raw) | Item::Close(raw)) => self.pass_to_upstream(&raw).await?,
                Some(Item::Text(raw, message)) => match self.session.judge_request(&message) {
                    Fate::Pass => self.pass_to_upstream(&raw).await?,
                    other => self.carry_out(other).await?,
                },
            }
        }
    }

    /// The same for an upstream.
    async fn drain_upstream(&mut self, reader: &mut Reader) -> Result<(), Codes> {
        loop {
            let (frames, item) = reader.next();
            self.count(frames)?;
            match item.map_err(|code| (Some(BAD_GATEWAY), Some(code)))? {
                None => return Ok(()),
                Some(Item::Control(raw) | Item::Close(raw)) => self.pass_to_client(&raw).await?,
                Some(Item::Text(raw, message)) => match self.session.judge_event(&message) {
                    Fate::Pass => self.pass_to_client(&raw).await?,
                    other => self.carry_out(other).await?,
                },
            }
        }
    }

    async fn carry_out(&mut self, fate: Fate) -> Result<(), Codes> {
        match fate {
            Fate::Pass | Fate::Drop => Ok(()),
            Fate::Answer(message) => self.pass_to_client(&text(&message, None)).await,
            Fate::End(message, stop) => {
                self.pass_to_client(&text(&message, None)).await?;
                self.tell_upstream(&stop).await
            }
            Fate::Close(client, upstream) => Err((Some(client), Some(upstream))),
        }
    }

    /// Looks again when another snapshot is served.
    async fn refresh(&mut self) -> Result<(), Codes> {
        if self.session.entitlement.is_outdated() { self.look().await } else { Ok(()) }
    }

    /// Ends what is not allowed any more.
    async fn look(&mut self) -> Result<(), Codes> {
        let refused = self.session.renew().ok_or((Some(POLICY), Some(GOING_AWAY)))?;
        for id in refused {
            let fate = self.session.end(&id, &Fault::wrong_scope());
            self.carry_out(fate).await?;
        }
        Ok(())
    }

    /// Passes messages until one side, a rule or the gateway ends it.
    async fn last(&mut self, client: &mut Reader, upstream: &mut Reader, stop: &mut Stop, idle: Duration) -> Codes {
        let (mut next_look, mut last_frame, mut farewell) = (Instant::now() + LOOK, Instant::now(), None);
        let outcome: Result<(), Codes> = async {
            self.drain_upstream(upstream).await?;
            loop {
                if client.closed && upstream.closed {
                    return Ok(());
                }
                if client.closed || upstream.closed {
                    farewell.get_or_insert_with(|| Instant::now() + FAREWELL);
                }
                client.held.reserve(ROOM);
                upstream.held.reserve(ROOM);
                let wake = farewell.map_or(next_look, |until| next_look.min(until));
                tokio::select! {
                    read = self.client.read_buf(&mut client.held), if !client.closed => match read {
                        Ok(1..) => {
                            last_frame = Instant::now();
                            self.refresh().await?;
                            self.drain_client(client).await?;
                        }
                        Ok(0) | Err(_) => return Err((None, Some(GOING_AWAY))),
                    },
                    read = self.upstream.read_buf(&mut upstream.held), if !upstream.closed => match read {
                        Ok(1..) => {
                            last_frame = Instant::now();
                            self.refresh().await?;
                            self.drain_upstream(upstream).await?;
                        }
                        Ok(0) | Err(_) if client.closed => return Ok(()),
                        Ok(0) | Err(_) => return Err((Some(BAD_GATEWAY), None)),
                    },
                    () = stopped(stop) => return Err((Some(GOING_AWAY), Some(GOING_AWAY))),
                    () = sleep_until(wake) => {
                        if farewell.is_some_and(|until| until <= Instant::now()) {
                            return Ok(());
                        }
                        next_look = Instant::now() + LOOK;
                        self.look().await?;
                        if last_frame.elapsed() >= idle {
                            return Err((Some(GOING_AWAY), Some(GOING_AWAY)));
                        }
                    }
                }
            }
        }
        .await;
        outcome.err().unwrap_or_default()
    }
}

/// Returns when the gateway stops.
async fn stopped(stop: &mut Stop) {
    let _stop_or_its_sender_is_gone = stop.wait_for(|stop| *stop).await;
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8], limit: Duration) -> Result<(), ()> {
    let write = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    timeout(limit, write).await.map_err(drop)?.map_err(drop)
}

/// Passes messages until the connection ends. The record is written then.
pub(super) async fn run<C, U>(
    (client, upstream): (&mut C, &mut U),
    session: Session,
    received: BytesMut,
    mut record: Box<Record>,
    mut stop: Stop,
) where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let caps = session.entitlement.worker.shared.settings.caps.clone();
    let mut from_client = Reader::new(true, caps.message_bytes.min(MAX_REQUEST_BYTES), BytesMut::new());
    let mut from_upstream = Reader::new(false, caps.message_bytes, received);
    let rate = Rate::new(caps.frames_per_second);
    let random = SystemRandom::new();
    let mut pair = Pair { client, upstream, session, rate, stall: caps.stall_timeout, random, sent: 0 };
    let codes = pair.last(&mut from_client, &mut from_upstream, &mut stop, caps.tunnel_idle_timeout).await;
    tracing::debug!(?codes, "a WebSocket with GraphQL ended");
    record.moved(from_client.moved, pair.sent);
    record.complete = codes == (None, None);
    let (to_client, to_upstream) = (codes.0.map(|code| close(code, false)), codes.1.map(|code| close(code, true)));
    let Pair { client, upstream, .. } = pair;
    tokio::join!(part(client, to_client), part(upstream, to_upstream));
}
