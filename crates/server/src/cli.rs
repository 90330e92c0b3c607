//! The command line: what can be typed.
//!
//! Definitions only. What it means is in `command`, one file per command.

mod arguments;

pub(crate) use arguments::{
    Accept, ApiCommand, Arguments, AuditArguments, AuditCommand, AuditFormat, AuditLogCommand, BackupCommand, Command,
    ConfigCommand, DbCommand, Format, Hardening, ImportArguments, IntegratorCommand, KeystoreCommand, LoginArguments,
    MigrateArguments, RestoreArguments, TokenArguments, UpdateArguments, UpdateCommand, UserCommand, VaultCommand,
};
