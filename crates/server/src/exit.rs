//! Exit codes: stable, below 100, one per kind of failure.

/// How the program ends. The numbers are part of the interface: scripts test them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Something that is our fault.
    Internal = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The configuration is wrong.
    Configuration = 3,
    /// A file or directory cannot be read or written; the disk is full.
    Io = 4,
    /// The database is down, refuses us, or has another schema version.
    Database = 5,
    /// A port cannot be bound, or another process holds the home directory.
    Occupied = 6,
    /// The vault's key is wrong, missing or readable by others; a sealed value is damaged; a certificate is unusable.
    Vault = 7,
    /// Refused: a guideline does not hold, or the server said no.
    Refused = 8,
    /// There is no such thing.
    NotFound = 9,
    /// The server cannot be reached.
    Unreachable = 10,
}

impl Exit {
    /// Every code with its meaning, for the reference page.
    pub(crate) const ALL: &'static [(Self, &'static str)] = &[
        (Self::Done, "done"),
        (Self::Internal, "a fault of the program; the message says what to report"),
        (Self::Usage, "the command line is wrong"),
        (Self::Configuration, "the configuration is wrong"),
        (Self::Io, "a file cannot be read or written, or the disk is full"),
        (Self::Database, "the database is down, refuses access, or has another schema version"),
        (Self::Occupied, "a port is in use, or another process holds the home directory"),
        (Self::Vault, "a key of the vault or a certificate is wrong, missing, or readable by others"),
        (Self::Refused, "refused: a guideline does not hold, or the server said no"),
        (Self::NotFound, "there is no such thing"),
        (Self::Unreachable, "the server cannot be reached"),
    ];

    /// The number.
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn codes_are_unique_below_100_and_all_listed() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|(exit, _)| exit.code()).collect();
        assert_eq!(codes, (0..=10).collect::<Vec<u8>>());
    }
}
