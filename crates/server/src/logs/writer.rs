//! The thread that writes, and the bounded queue in front of it.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use model::Clock;

use super::rotate::{RotatingFile, Rotation};
use crate::failure::{Failure, Outcome};

/// Records that may wait to be written.
const QUEUE: usize = 8192;

/// Most bytes written at once.
const BATCH: usize = 256 * 1024;

/// Where records go.
#[derive(Clone, Debug)]
pub(crate) enum Sink {
    /// Standard error.
    Standard,
    /// A rotated file.
    File(Rotation),
}

/// What happened to records since the start.
#[derive(Debug, Default)]
pub(crate) struct LogCounters {
    /// Written.
    pub(crate) written: AtomicU64,
    /// Dropped because the queue or the disk was full.
    pub(crate) dropped: AtomicU64,
}

enum Message {
    Line(String),
    Stop,
}

/// The sending side, cheap to clone. Never blocks.
#[derive(Clone)]
pub(super) struct Queue {
    sender: SyncSender<Message>,
    counters: Arc<LogCounters>,
}

impl Queue {
    /// Queues a line that ends with a line feed; drops and counts it when the queue is full.
    pub(super) fn push(&self, line: String) {
        if self.sender.try_send(Message::Line(line)).is_err() {
            self.counters.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Keeps the writer alive; dropping it writes what is queued and ends the thread.
pub(crate) struct LogGuard {
    queue: Queue,
    thread: Option<JoinHandle<()>>,
}

impl LogGuard {
    pub(super) fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// The counters.
    pub(crate) fn counters(&self) -> Arc<LogCounters> {
        Arc::clone(&self.queue.counters)
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        // Blocks while the queue is full: the writer is emptying it.
        let _ = self.queue.sender.send(Message::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

enum Target {
    Standard,
    File(Box<RotatingFile>),
}

impl Target {
    fn write(&mut self, lines: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Standard => std::io::stderr().lock().write_all(lines),
            Self::File(file) => file.write(lines),
        }
    }
}

/// Opens the sink and starts the thread.
pub(super) fn start(sink: Sink, clock: Arc<dyn Clock>) -> Outcome<LogGuard> {
    let target = match sink {
        Sink::Standard => Target::Standard,
        Sink::File(rotation) => {
            let path = rotation.path.clone();
            let file = RotatingFile::open(rotation, clock).map_err(|e| Failure::io(&path, "open the log", &e))?;
            Target::File(Box::new(file))
        }
    };
    let (sender, receiver) = sync_channel(QUEUE);
    let counters = Arc::new(LogCounters::default());
    let queue = Queue { sender, counters: Arc::clone(&counters) };
    let thread = std::thread::Builder::new().name("log".into()).spawn(move || run(target, &receiver, &counters));
    let thread = thread.map_err(|e| Failure::internal(format!("the log thread cannot start: {e}")))?;
    Ok(LogGuard { queue, thread: Some(thread) })
}

fn run(mut target: Target, receiver: &Receiver<Message>, counters: &LogCounters) {
    let mut batch = Vec::with_capacity(4096);
    let mut running = true;
    while running {
        let Ok(message) = receiver.recv() else { break };
        batch.clear();
        let mut lines = 0_u64;
        let mut next = Some(message);
        while let Some(message) = next {
            match message {
                Message::Stop => {
                    running = false;
                    break;
                }
                Message::Line(line) => {
                    batch.extend_from_slice(line.as_bytes());
                    lines = lines.saturating_add(1);
                }
            }
            next = if batch.len() < BATCH { receiver.try_recv().ok() } else { None };
        }
        let counter = if target.write(&batch).is_ok() { &counters.written } else { &counters.dropped };
        counter.fetch_add(lines, Ordering::Relaxed);
    }
    if let Target::File(file) = &mut target {
        file.finish();
    }
}
