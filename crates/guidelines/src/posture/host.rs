//! The machine: what it says of itself to an ordinary user.

use std::net::SocketAddr;

/// What holds the serving process in.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Confinement {
    /// Process id.
    pub pid: u32,
    /// Effective user id.
    pub uid: u32,
    /// Capabilities that are in effect or could be taken, by name.
    pub capabilities: Vec<String>,
    /// Whether it can gain privileges by running a program.
    pub no_new_privileges: bool,
    /// Whether system calls are filtered.
    pub system_calls_filtered: bool,
    /// Whether files are restricted by Landlock: what the process noted of itself at its start.
    pub files_restricted: Option<bool>,
    /// Largest core dump in bytes; `None` = no limit.
    pub core_limit: Option<u64>,
    /// Whether its memory can be read by another process of the same user; `None` = could not be told.
    pub dumpable: Option<bool>,
}

/// The effective configuration of the secure shell server.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SecureShell {
    /// Where it was read.
    pub place: String,
    /// Ports.
    pub ports: Vec<u16>,
    /// Whether root may sign in with a password.
    pub root_login: bool,
    /// Whether anybody may sign in with a password.
    pub passwords: bool,
    /// Whether an empty password is enough.
    pub empty_passwords: bool,
    /// Most attempts in one connection.
    pub max_attempts: u32,
    /// Whether X11 is forwarded.
    pub x11: bool,
    /// Whether a banner is shown before sign-in.
    pub banner: bool,
    /// Key exchanges, ciphers and MACs that are broken.
    pub weak_algorithms: Vec<String>,
}

/// The state of packages.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Updates {
    /// Packages with a pending security update.
    pub security: Vec<String>,
    /// Age of the lists that this is known from, in days.
    pub lists_age: Option<u32>,
    /// Whether security updates are installed without anybody doing it.
    pub unattended: bool,
    /// Whether a reboot is waiting.
    pub reboot: bool,
}

/// The rules of the machine's firewall.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Firewall {
    /// Which one, as in `nftables`.
    pub kind: String,
    /// Whether what no rule allows is dropped.
    pub default_deny: bool,
    /// Ports that a rule opens and nothing declares.
    pub undeclared: Vec<u16>,
}

/// A socket that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    /// Address and port.
    pub address: SocketAddr,
    /// Whose it is, as in `sshd (812)`; empty when it could not be told.
    pub owner: String,
    /// Whether it belongs to the serving process; `None` = could not be told.
    pub ours: Option<bool>,
    /// Whether it is declared: a listener of the configuration, or a service that every server has.
    pub declared: bool,
}

/// What watches the people on the machine.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Monitoring {
    /// Whether the audit daemon runs.
    pub auditd: bool,
    /// Whether an audit rule names the home of the installation; `None` = the rules cannot be read.
    pub home_watched: Option<bool>,
    /// Whether the journal survives a reboot, or another daemon writes the logs.
    pub persistent_log: bool,
    /// Whether logs leave the machine.
    pub forwarded: bool,
}

/// Switches of the kernel that matter to a server.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Kernel {
    /// Its release, as in `6.1.0-18-amd64`.
    pub release: String,
    /// Switches with another value than the wanted one: name, found, wanted.
    pub weak_switches: Vec<(String, String, String)>,
    /// How many were looked at.
    pub looked_at: usize,
}

/// Software that a server does not need.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Software {
    /// Programs with the set-user-id bit that are not on the list of every distribution.
    pub set_uid: Vec<String>,
    /// Compilers.
    pub compilers: Vec<String>,
    /// How many files were looked at.
    pub looked_at: usize,
}

/// The backups of an installation.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Backups {
    /// Where they are.
    pub directory: String,
    /// Whether the server makes them by itself.
    pub scheduled: bool,
    /// How many can be read.
    pub count: usize,
    /// Files with the name of a backup that are none.
    pub damaged: Vec<String>,
    /// Age of the newest in hours.
    pub newest_age: Option<u64>,
    /// How often they are made, hours.
    pub interval: u64,
    /// Days since one was restored as a drill, and whether that worked.
    pub drill: Option<(u64, bool)>,
    /// Whether they lie on the same file system as the data.
    pub same_disk: bool,
}
