//! Idle upstream connections of one worker.

use crate::upstream::wire::Wire;

struct Idle {
    wire: Box<Wire>,
    since: u64,
}

/// Idle connections by peer; last in, first out, so that surplus ones age and are closed.
#[derive(Default)]
pub(crate) struct Pool {
    peers: Vec<Vec<Idle>>,
}

impl Pool {
    /// Takes a connection that the upstream has not closed and on which nothing came unasked; others are closed.
    pub(crate) fn take(&mut self, peer: usize) -> Option<Box<Wire>> {
        let idle = self.peers.get_mut(peer)?;
        loop {
            let mut candidate = idle.pop()?;
            if candidate.wire.is_quiet() {
                return Some(candidate.wire);
            }
        }
    }

    /// Gives a connection back; dropped (and so closed) when it cannot be used again or there are `cap` already.
    pub(crate) fn give(&mut self, peer: usize, mut wire: Box<Wire>, cap: usize, tick: u64) {
        if !wire.is_reusable() {
            return;
        }
        wire.shrink();
        if self.peers.len() <= peer {
            self.peers.resize_with(peer + 1, Vec::new);
        }
        if let Some(idle) = self.peers.get_mut(peer)
            && idle.len() < cap
        {
            idle.push(Idle { wire, since: tick });
        }
    }

    /// Closes what has been idle since before `oldest`, and what the upstream closed.
    pub(crate) fn prune(&mut self, oldest: u64) {
        for idle in &mut self.peers {
            idle.retain_mut(|c| c.since >= oldest && c.wire.is_quiet());
        }
    }
}
