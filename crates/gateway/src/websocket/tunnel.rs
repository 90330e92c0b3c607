//! What follows a WebSocket handshake: frames in both directions until one side, a rule or the gateway ends it.
//!
//! What allowed the handshake is asked again as long as the tunnel lasts, see `entitlement`.

use bytes::{Buf, BytesMut};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::frame::{Frames, MAX_HEAD, Violation, close, text};
use super::subscription::{self, Dialect, Session};
use crate::connection::Stop;
use crate::entitlement::{Entitlement, LOOK};
use crate::exchange::Record;
use crate::fault::Fault;
use crate::upstream::transport::{Alarm, Transport};
use crate::worker::Worker;

/// Bytes of one direction that are held.
pub(super) const ROOM: usize = 16 * 1024;
/// What a client is told whose messages are too many (WSO2: a text frame, before the connection ends).
const THROTTLED: &str = "Error code: 4003 reason: Websocket frame throttled out";
/// How long one side may take to answer a close frame, or to take one.
pub(super) const FAREWELL: Duration = Duration::from_secs(3);

/// Close codes (RFC 6455 section 7.4.1 and its registry).
pub(super) const GOING_AWAY: u16 = 1001;
pub(super) const PROTOCOL_ERROR: u16 = 1002;
pub(super) const POLICY: u16 = 1008;
pub(super) const TOO_LARGE: u16 = 1009;
pub(super) const BAD_GATEWAY: u16 = 1014;

/// A tunnel that was agreed on by both sides.
pub(crate) struct Tunnel {
    /// Becomes the client's connection.
    pub(crate) upgrade: OnUpgrade,
    /// The upstream's connection, and what it sent behind its answer.
    pub(crate) upstream: (Transport, BytesMut),
    /// Written when the tunnel ends.
    pub(crate) record: Box<Record>,
    /// Why it may exist.
    pub(crate) entitlement: Entitlement,
    /// How GraphQL is spoken in it, where it is.
    pub(crate) dialect: Option<Dialect>,
}

impl std::fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tunnel(..)")
    }
}

/// How a direction, and with it the tunnel, ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With a close frame, which was passed on.
    Closed,
    /// The sender is gone without one.
    SenderGone,
    /// Nobody takes the frames any more.
    ReceiverGone,
    /// The sender broke a rule.
    Broken(Violation),
    /// Too many frames, or the caller may not go on.
    Refused,
    /// A limit is used up.
    Throttled,
}

/// Why both directions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finish {
    Client(End),
    Upstream(End),
    /// Both sides said goodbye, or had the time for it.
    Both,
    Idle,
    Stop,
}

impl Finish {
    /// Close codes for the client and the upstream.
    fn codes(self) -> (Option<u16>, Option<u16>) {
        let code = |violation| match violation {
            Violation::Protocol => PROTOCOL_ERROR,
            Violation::TooLarge => TOO_LARGE,
        };
        match self {
            Self::Both => (None, None),
            Self::Idle | Self::Stop => (Some(GOING_AWAY), Some(GOING_AWAY)),
            Self::Client(End::Refused | End::Throttled) | Self::Upstream(End::Refused | End::Throttled) => {
                (Some(POLICY), Some(GOING_AWAY))
            }
            Self::Client(End::Broken(violation)) => (Some(code(violation)), Some(GOING_AWAY)),
            Self::Upstream(End::Broken(violation)) => (Some(BAD_GATEWAY), Some(code(violation))),
            Self::Client(End::SenderGone) | Self::Upstream(End::ReceiverGone) => (None, Some(GOING_AWAY)),
            Self::Upstream(End::SenderGone) | Self::Client(End::ReceiverGone) => (Some(BAD_GATEWAY), None),
            Self::Client(End::Closed) | Self::Upstream(End::Closed) => (None, None),
        }
    }
}

/// One direction.
struct Lane {
    frames: Frames,
    held: BytesMut,
    /// How many of the held bytes may be passed on.
    passable: usize,
    unflushed: bool,
    broken: Option<Violation>,
    /// Whether the last frames were refused as a whole.
    cut: bool,
    moved: u64,
    end: Option<End>,
}

impl Lane {
    fn new(masked: bool, cap: u64, held: BytesMut) -> Self {
        let frames = Frames::new(masked, cap);
        Self { frames, held, passable: 0, unflushed: false, broken: None, cut: false, moved: 0, end: None }
    }

    /// Whether a frame of our own can be put behind what was passed on.
    const fn is_between(&self) -> bool {
        (self.frames.is_between() || self.cut) && self.passable == 0
    }

    fn poll<R, W>(&mut self, cx: &mut Context<'_>, from: &mut R, to: &mut W, rules: &mut Rules) -> Poll<End>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        if let Some(end) = self.end {
            return Poll::Ready(end);
        }
        let end = ready!(self.pump(cx, from, to, rules));
        self.end = Some(end);
        Poll::Ready(end)
    }

    fn pump<R, W>(&mut self, cx: &mut Context<'_>, from: &mut R, to: &mut W, rules: &mut Rules) -> Poll<End>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        if !self.held.is_empty()
            && self.passable == 0
            && self.moved == 0
            && let Err(end) = self.scan(rules)
        {
            // What the upstream sent together with its answer.
            return Poll::Ready(end);
        }
        loop {
            while self.passable > 0 {
                let piece = self.held.get(..self.passable).unwrap_or_default();
                match ready!(Pin::new(&mut *to).poll_write(cx, piece)) {
                    Ok(written) if written > 0 => {
                        self.held.advance(written);
                        self.passable -= written;
                        self.moved += written as u64;
                        self.unflushed = true;
                    }
                    Ok(_) | Err(_) => return Poll::Ready(End::ReceiverGone),
                }
            }
            if self.unflushed {
                if ready!(Pin::new(&mut *to).poll_flush(cx)).is_err() {
                    return Poll::Ready(End::ReceiverGone);
                }
                self.unflushed = false;
            }
            if let Some(violation) = self.broken {
                return Poll::Ready(End::Broken(violation));
            }
            if self.frames.is_closed() {
                return Poll::Ready(End::Closed);
            }
            if self.held.capacity() - self.held.len() < ROOM / 4 {
                self.held.reserve(ROOM);
            }
            match ready!(pin!(from.read_buf(&mut self.held)).poll(cx)) {
                Ok(0) | Err(_) => return Poll::Ready(End::SenderGone),
                Ok(_) => {}
            }
            if let Err(end) = self.scan(rules) {
                return Poll::Ready(end);
            }
            debug_assert!(
                self.broken.is_some() || self.frames.is_closed() || self.held.len() - self.passable < MAX_HEAD
            );
        }
    }

    /// Looks at what came, and says how the tunnel ends when a rule refuses it.
    fn scan(&mut self, rules: &mut Rules) -> Result<(), End> {
        let between = self.frames.is_between();
        let (passable, seen, outcome) = self.frames.scan(&self.held);
        self.passable = passable;
        self.broken = outcome.err();
        let allowed = rules.admit(seen.messages, seen.others);
        if allowed.is_err() {
            self.passable = 0;
            // Nothing of it was passed on.
            self.cut = between;
        }
        allowed
    }
}

/// What holds for both directions together.
struct Rules {
    entitlement: Entitlement,
    last_frame: Instant,
    last_look: Instant,
    rate: Rate,
    idle: Duration,
}

/// Frames of both directions in the current second of the worker.
pub(super) struct Rate {
    seen: (u64, u32),
    most: u32,
}

impl Rate {
    /// None so far, and at most so many in a second.
    pub(super) const fn new(most: u32) -> Self {
        Self { seen: (0, 0), most }
    }

    /// Counts frames; false when they are too many.
    pub(super) fn count(&mut self, worker: &Worker, frames: u32) -> bool {
        let tick = worker.tick.load(Ordering::Relaxed);
        let before = if self.seen.0 == tick { self.seen.1 } else { 0 };
        self.seen = (tick, before.saturating_add(frames));
        self.seen.1 <= self.most
    }
}

/// Whether a limit is what a fault is about.
pub(super) const fn is_throttled(fault: &Fault) -> bool {
    matches!(fault.code, 900_800..=900_807)
}

impl Rules {
    fn admit(&mut self, messages: u32, others: u32) -> Result<(), End> {
        self.last_frame = Instant::now();
        if !self.rate.count(&self.entitlement.worker, messages.saturating_add(others)) {
            return Err(End::Refused);
        }
        let throttled = |fault: Fault| if is_throttled(&fault) { End::Throttled } else { End::Refused };
        self.entitlement.charge(messages).map_err(throttled)
    }

    /// What time alone ends; the task is woken when it is worth asking again.
    fn look(&mut self, cx: &mut Context<'_>, alarm: &mut Alarm) -> Option<Finish> {
        while alarm.expired(cx, self.last_look + LOOK) {
            self.last_look = Instant::now();
            if !self.entitlement.renew() {
                return Some(Finish::Client(End::Refused));
            }
            if self.last_frame.elapsed() >= self.idle {
                return Some(Finish::Idle);
            }
        }
        None
    }
}

impl Tunnel {
    /// Passes frames until the tunnel ends. Its record is written then.
    pub(crate) async fn run(self, mut stop: Stop) {
        let Self { upgrade, upstream: (mut upstream, received), mut record, entitlement, dialect } = self;
        let Ok(client) = upgrade.await else { return };
        let mut client: TokioIo<Upgraded> = TokioIo::new(client);
        if let Some(dialect) = dialect {
            let session = Session::new(dialect, entitlement);
            return subscription::run((&mut client, &mut upstream), session, received, record, stop).await;
        }
        let caps = &entitlement.worker.shared.settings.caps;
        let mut inbound = Lane::new(true, caps.message_bytes, BytesMut::new());
        let mut outbound = Lane::new(false, caps.message_bytes, received);
        let now = Instant::now();
        let (idle, rate) = (caps.tunnel_idle_timeout, Rate::new(caps.frames_per_second));
        let mut rules = Rules { entitlement, last_frame: now, last_look: now, rate, idle };
        let finish = {
            let (mut alarm, mut farewell) = (Alarm::default(), None);
            let mut stopped = pin!(stop.wait_for(|stop| *stop));
            std::future::poll_fn(|cx| {
                let from_client = inbound.poll(cx, &mut client, &mut upstream, &mut rules);
                let from_upstream = outbound.poll(cx, &mut upstream, &mut client, &mut rules);
                match (from_client, from_upstream) {
                    (Poll::Ready(End::Closed), Poll::Ready(End::Closed)) => return Poll::Ready(Finish::Both),
                    (Poll::Ready(End::Closed), Poll::Pending) | (Poll::Pending, Poll::Ready(End::Closed)) => {
                        // The other side answers a close frame with its own.
                        let until = *farewell.get_or_insert_with(|| Instant::now() + FAREWELL);
                        return if alarm.expired(cx, until) { Poll::Ready(Finish::Both) } else { Poll::Pending };
                    }
                    (Poll::Ready(End::Closed), Poll::Ready(_)) => return Poll::Ready(Finish::Both),
                    (Poll::Ready(end), _) => return Poll::Ready(Finish::Client(end)),
                    (_, Poll::Ready(end)) => return Poll::Ready(Finish::Upstream(end)),
                    (Poll::Pending, Poll::Pending) => {}
                }
                if stopped.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Finish::Stop);
                }
                rules.look(cx, &mut alarm).map_or(Poll::Pending, Poll::Ready)
            })
            .await
        };
        tracing::debug!(?finish, "a WebSocket ended");
        record.moved(inbound.moved, outbound.moved);
        record.complete = finish == Finish::Both;
        let (to_client, to_upstream) = finish.codes();
        let throttled = matches!(finish, Finish::Client(End::Throttled) | Finish::Upstream(End::Throttled));
        let to_client = to_client.filter(|_| outbound.is_between()).map(|code| {
            let mut farewell = if throttled { text(THROTTLED.as_bytes(), None) } else { Vec::new() };
            farewell.extend_from_slice(&close(code, false));
            farewell
        });
        let to_upstream = to_upstream.filter(|_| inbound.is_between()).map(|code| close(code, true));
        tokio::join!(part(&mut client, to_client), part(&mut upstream, to_upstream));
    }
}

/// Sends a last frame and ends the connection in a way that lets the frame arrive: what the peer still sends is read, as
/// closing over unread bytes would reset the connection.
pub(super) async fn part<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, frame: Option<Vec<u8>>) {
    let leave = async {
        if let Some(frame) = frame {
            stream.write_all(&frame).await?;
        }
        stream.flush().await?;
        stream.shutdown().await?;
        let mut scrap = [0; 2048];
        while stream.read(&mut scrap).await? > 0 {}
        io::Result::Ok(())
    };
    let _gone_anyway = timeout(FAREWELL, leave).await;
}
