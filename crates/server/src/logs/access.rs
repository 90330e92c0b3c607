//! The gateway's access log, in a rotated file of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use model::Clock;

use super::rotate::{RotatingFile, Rotation};
use crate::failure::{Failure, Outcome};

/// Writes what the gateway's log thread hands over. A full disk loses records, says so once in the server's log, and
/// goes on when there is space again.
pub(crate) struct AccessLog {
    file: Mutex<RotatingFile>,
    failing: AtomicBool,
}

impl AccessLog {
    /// Opens or continues the file.
    pub(crate) fn open(rotation: Rotation, clock: Arc<dyn Clock>) -> Outcome<Self> {
        let path = rotation.path.clone();
        let file = RotatingFile::open(rotation, clock).map_err(|e| Failure::io(&path, "open the access log", &e))?;
        Ok(Self { file: Mutex::new(file), failing: AtomicBool::new(false) })
    }
}

impl gateway::LogSink for AccessLog {
    fn write(&self, lines: &[u8]) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        match file.write(lines) {
            Ok(()) => self.failing.store(false, Ordering::Relaxed),
            Err(error) => {
                if !self.failing.swap(true, Ordering::Relaxed) {
                    tracing::error!(reason = %error, "the access log cannot be written; records are lost until it can");
                }
            }
        }
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).finish();
    }
}
