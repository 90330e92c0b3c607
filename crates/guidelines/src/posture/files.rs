//! Files that matter, with owner and mode.

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A private key, a key of the vault, or a key store with private keys.
    PrivateKey,
    /// A configuration file.
    Configuration,
    /// A copy of a configuration file, as editors and people leave behind.
    ConfigurationCopy,
    /// The directory of keys.
    KeyDirectory,
    /// The embedded database.
    Database,
    /// A log file or the directory of logs.
    Log,
    /// A start script or the program.
    Program,
    /// The password that opens the key store, written down for the start.
    StartPassword,
    /// A heap or thread dump, or a core file.
    Dump,
    /// The directory of the installation.
    Home,
}

/// One file.
#[derive(Clone, Debug)]
pub struct FileFacts {
    /// The path as the operator knows it.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// Permission bits.
    pub mode: u32,
    /// Owner's user id.
    pub owner: u32,
}

impl FileFacts {
    /// Permissions of the group and of others.
    pub const fn others(&self) -> u32 {
        self.mode & 0o077
    }
}
