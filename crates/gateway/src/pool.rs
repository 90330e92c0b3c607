//! Idle upstream connections of one worker.

use hyper::client::conn::http1::SendRequest;

use crate::body::RequestBody;

/// One way to an upstream, ready for a request.
pub(crate) type Sender = SendRequest<RequestBody>;

struct Idle {
    sender: Sender,
    since: u64,
}

/// Idle connections by peer; last in, first out, so that surplus ones age and are closed.
#[derive(Default)]
pub(crate) struct Pool {
    peers: Vec<Vec<Idle>>,
}

impl Pool {
    /// Takes a connection that is not known to be closed.
    pub(crate) fn take(&mut self, peer: usize) -> Option<Sender> {
        let idle = self.peers.get_mut(peer)?;
        loop {
            let candidate = idle.pop()?;
            if !candidate.sender.is_closed() {
                return Some(candidate.sender);
            }
        }
    }

    /// Gives a connection back; dropped (and so closed) when there are `cap` already.
    pub(crate) fn give(&mut self, peer: usize, sender: Sender, cap: usize, tick: u64) {
        if sender.is_closed() {
            return;
        }
        if self.peers.len() <= peer {
            self.peers.resize_with(peer + 1, Vec::new);
        }
        if let Some(idle) = self.peers.get_mut(peer)
            && idle.len() < cap
        {
            idle.push(Idle { sender, since: tick });
        }
    }

    /// Closes what has been idle since before `oldest`.
    pub(crate) fn prune(&mut self, oldest: u64) {
        for idle in &mut self.peers {
            idle.retain(|c| c.since >= oldest && !c.sender.is_closed());
        }
    }
}
