//! Signals of the operating system.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::failure::{Failure, Outcome};

/// Returns at SIGTERM or SIGINT; SIGHUP wakes whoever reloads.
pub(crate) async fn until_told_to_stop(reload: &Arc<Notify>) -> Outcome {
    let listen = |kind| signal(kind).map_err(|e| Failure::internal(format!("signals cannot be received: {e}")));
    let (mut terminate, mut interrupt, mut hang_up) =
        (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?, listen(SignalKind::hangup())?);
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hang_up.recv() => reload.notify_one(),
        }
    }
}
