//! What the gateway writes down: its access log, and the calls of single APIs while somebody looks at them. Each is a rotated
//! file of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use model::Clock;

use super::rotate::{RotatingFile, Rotation};
use crate::failure::{Failure, Outcome};

/// Writes what the gateway's log thread hands over.
pub(crate) struct AccessLog {
    calls: Log,
    apis: Log,
}

/// One file. A full disk loses records, says so once in the server's log, and goes on when there is space again.
struct Log {
    file: Mutex<RotatingFile>,
    name: &'static str,
    failing: AtomicBool,
}

impl AccessLog {
    /// Opens or continues the files: the access log, and WSO2's `api.log`.
    pub(crate) fn open(calls: Rotation, apis: Rotation, clock: Arc<dyn Clock>) -> Outcome<Self> {
        let (calls, apis) = (Log::open(calls, "access log", &clock)?, Log::open(apis, "log of single APIs", &clock)?);
        Ok(Self { calls, apis })
    }
}

impl Log {
    fn open(rotation: Rotation, name: &'static str, clock: &Arc<dyn Clock>) -> Outcome<Self> {
        let path = rotation.path.clone();
        let file = RotatingFile::open(rotation, Arc::clone(clock));
        let file = file.map_err(|e| Failure::io(&path, &format!("open the {name}"), &e))?;
        Ok(Self { file: Mutex::new(file), name, failing: AtomicBool::new(false) })
    }

    fn write(&self, lines: &[u8]) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        match file.write(lines) {
            Ok(()) => self.failing.store(false, Ordering::Relaxed),
            Err(error) => {
                if !self.failing.swap(true, Ordering::Relaxed) {
                    let name = self.name;
                    tracing::error!(reason = %error, "the {name} cannot be written; records are lost until it can");
                }
            }
        }
    }
}

impl gateway::LogSink for AccessLog {
    fn write(&self, lines: &[u8]) {
        self.calls.write(lines);
    }

    fn write_apis(&self, lines: &[u8]) {
        self.apis.write(lines);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).finish();
    }
}
