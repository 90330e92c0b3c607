//! Secrets in configuration, and the vault. Where they are, never what they are.

/// What was found about secrets.
#[derive(Clone, Debug, Default)]
pub struct SecretFacts {
    /// Files that were searched.
    pub searched: usize,
    /// Secrets in plain text in configuration files.
    pub plain: Vec<PlainSecret>,
    /// Texts that look like secrets by their randomness, under keys that do not say so.
    pub suspicious: Vec<PlainSecret>,
    /// References to aliases that the vault does not have: place and alias.
    pub dangling: Vec<PlainSecret>,
    /// Secrets that are sealed under a key that is not the current one: place and alias.
    pub old_key: Vec<PlainSecret>,
    /// Aliases that nothing refers to: place and alias.
    pub unused: Vec<PlainSecret>,
    /// Secrets in the arguments of start scripts or service definitions: place and option.
    pub in_arguments: Vec<PlainSecret>,
    /// Where the vault's key comes from.
    pub key_source: Option<VaultKeySource>,
}

/// Where the vault's key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultKeySource {
    /// A file of its own.
    File,
    /// An environment variable, which child processes and crash reports can show.
    Environment,
    /// A credential of systemd.
    Systemd,
    /// A passphrase.
    Passphrase,
}

/// A secret in plain text: where, never what.
#[derive(Clone, Debug)]
pub struct PlainSecret {
    /// `file:line`.
    pub place: String,
    /// Dotted path of the key.
    pub key: String,
}

impl PlainSecret {
    /// A place and a key.
    pub fn new(place: impl Into<String>, key: impl Into<String>) -> Self {
        Self { place: place.into(), key: key.into() }
    }
}
