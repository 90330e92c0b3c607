//! From root to an ordinary user, and from capabilities to none.

use caps::{CapSet, Capability, CapsHashSet};
use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_keep_capabilities, set_thread_gid, set_thread_groups, set_thread_uid};

use super::SandboxError;

/// Ports below this one need `CAP_NET_BIND_SERVICE`.
const FIRST_FREE_PORT: u16 = 1024;

/// An account of the operating system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    /// Its name.
    pub(crate) name: String,
    /// User id.
    pub(crate) uid: u32,
    /// Primary group.
    pub(crate) gid: u32,
}

impl Account {
    /// Looks a name up in the text of `/etc/passwd`.
    pub(crate) fn find(name: &str, passwd: &str) -> Option<Self> {
        let mut lines = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let line = lines.find(|fields| fields.first() == Some(&name))?;
        Some(Self { name: name.to_owned(), uid: line.get(2)?.parse().ok()?, gid: line.get(3)?.parse().ok()? })
    }
}

/// The calls of this function change the calling thread only, which is the only one there is.
pub(super) fn step_down(user: Option<&Account>, ports: &[u16]) -> Result<Vec<String>, SandboxError> {
    let low = ports.iter().any(|port| (1..FIRST_FREE_PORT).contains(port));
    let has_it = caps::has_cap(None, CapSet::Permitted, Capability::CAP_NET_BIND_SERVICE).unwrap_or(false);
    let mut kept = CapsHashSet::new();
    if low && has_it {
        kept.insert(Capability::CAP_NET_BIND_SERVICE);
    }
    // Needs a capability itself, so it comes first; without that there is nothing to lose either.
    for capability in caps::all().difference(&kept) {
        let _ = caps::drop(None, CapSet::Bounding, *capability);
    }
    if let Some(account) = user {
        take(account)?;
    }
    let failed = |e: caps::errors::CapsError| SandboxError::Step { step: "capabilities", reason: e.to_string() };
    let _ = caps::clear(None, CapSet::Ambient);
    for (set, wanted) in
        [(CapSet::Inheritable, &CapsHashSet::new()), (CapSet::Effective, &kept), (CapSet::Permitted, &kept)]
    {
        // Who has nothing to give up may not even be allowed to ask: service managers filter that call as well.
        if caps::read(None, set).map_err(failed)? != *wanted {
            caps::set(None, set, wanted).map_err(failed)?;
        }
    }
    Ok(kept.iter().map(ToString::to_string).collect())
}

fn take(account: &Account) -> Result<(), SandboxError> {
    if geteuid().as_raw() == account.uid {
        return Ok(());
    }
    if !geteuid().is_root() {
        return Err(SandboxError::User(format!(
            "[process] user is {}, but the process was started as uid {} and cannot change that. Fix: start it as root or \
             as {}, or remove the setting",
            account.name,
            geteuid().as_raw(),
            account.name
        )));
    }
    let failed = |e: rustix::io::Errno| SandboxError::Step { step: "change of user", reason: e.to_string() };
    let gid = Gid::from_raw(account.gid);
    // The permitted set survives the change, so that the port below 1024 can be bound afterwards.
    set_keep_capabilities(true).map_err(failed)?;
    set_thread_groups(&[gid]).map_err(failed)?;
    set_thread_gid(gid).map_err(failed)?;
    set_thread_uid(Uid::from_raw(account.uid)).map_err(failed)?;
    set_keep_capabilities(false).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::Account;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let text = "root:x:0:0:root:/root:/bin/sh\nportcullis2:x:1:1::/:\nportcullis:x:990:991::/var/lib/p:/usr/sbin/nologin\n";
        let found = Account::find("portcullis", text).unwrap();
        assert_eq!((found.uid, found.gid), (990, 991));
        assert_eq!(Account::find("port", text), None);
        assert_eq!(Account::find("broken", "broken:x:a:b"), None);
    }
}
