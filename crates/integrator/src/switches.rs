//! What an operator switches while the integrator runs: endpoints, and how much mediation writes to the log.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use synapse::host::Level;

/// The logger of mediation: what the mediator `log` and failing mediators write.
pub(crate) const LOGGER: &str = "integrator::mediation";

/// Levels by name, the least important first.
pub(crate) const LEVELS: [(&str, Level); 6] = [
    ("TRACE", Level::Trace),
    ("DEBUG", Level::Debug),
    ("INFO", Level::Info),
    ("WARN", Level::Warn),
    ("ERROR", Level::Error),
    ("FATAL", Level::Fatal),
];

/// Switches; all on, and everything logged, until somebody says otherwise.
#[derive(Debug, Default)]
pub(crate) struct Switches {
    off: RwLock<HashSet<String>>,
    level: AtomicUsize,
}

fn rank(level: Level) -> usize {
    LEVELS.iter().position(|(_, known)| *known == level).unwrap_or(0)
}

impl Switches {
    /// Switches an endpoint.
    pub(crate) fn endpoint(&self, name: &str, active: bool) {
        let mut off = self.off.write().unwrap_or_else(PoisonError::into_inner);
        if active {
            off.remove(name);
        } else {
            off.insert(name.to_owned());
        }
    }

    /// Whether an endpoint is off.
    pub(crate) fn is_off(&self, name: &str) -> bool {
        !name.is_empty() && self.off.read().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    /// Writes only lines of mediation that are at least as important.
    pub(crate) fn set_level(&self, level: Level) {
        self.level.store(rank(level), Ordering::Relaxed);
    }

    /// Whether a line of mediation is written.
    pub(crate) fn writes(&self, level: Level) -> bool {
        rank(level) >= self.level.load(Ordering::Relaxed)
    }

    /// The name of the least important level that is written.
    pub(crate) fn level_name(&self) -> &'static str {
        LEVELS.get(self.level.load(Ordering::Relaxed)).map_or("TRACE", |(name, _)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::{Level, Switches};

    #[test]
    fn switches_switch() {
        let switches = Switches::default();
        assert!(!switches.is_off("a") && switches.writes(Level::Trace));
        switches.endpoint("a", false);
        switches.set_level(Level::Warn);
        assert!(
            switches.is_off("a")
                && !switches.is_off("")
                && !switches.writes(Level::Info)
                && switches.writes(Level::Fatal)
        );
        switches.endpoint("a", true);
        assert_eq!((switches.is_off("a"), switches.level_name()), (false, "WARN"));
    }
}
