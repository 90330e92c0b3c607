//! The command line: what can be typed.
//!
//! Definitions only. What it means is in `command`, one file per command.

mod arguments;

pub(crate) use arguments::{
    ApiCommand, Arguments, Command, ConfigCommand, DbCommand, Format, ImportArguments, KeystoreCommand, LoginArguments,
    TokenArguments, UserCommand, VaultCommand,
};
