//! Signals of the operating system.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use crate::failure::{Failure, Outcome};

/// Ears for signals, open before the server says that it is ready: until then a SIGTERM ends the process without a word, and
/// who stops a server that has just become ready must not lose what it holds.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Begins to listen; what comes from here on is kept until it is asked for. Needs the runtime.
    pub(crate) fn listen() -> Outcome<Self> {
        let listen = |kind| signal(kind).map_err(|e| Failure::internal(format!("signals cannot be received: {e}")));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Returns at SIGTERM or SIGINT; SIGHUP wakes whoever reloads.
    pub(crate) async fn until_told_to_stop(mut self, reload: &Arc<Notify>) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => reload.notify_one(),
            }
        }
    }
}
