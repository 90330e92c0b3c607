//! The catalogue: one file per check, one line here.

mod a02_certificates;
mod a03_key_files;
mod a03_plain_secrets;
mod a04_default_ports;
mod a06_database_tls;
mod a07_role_rights;
mod a08_plain_listener;
mod a18_known_credentials;
mod a18_pending_set_up;
mod o01_root;

use crate::Check;

/// Every check, ordered by id.
pub const CHECKS: &[&dyn Check] = &[
    &a02_certificates::ServedCertificates,
    &a03_key_files::KeyFileModes,
    &a03_plain_secrets::PlainSecrets,
    &a04_default_ports::DefaultPorts,
    &a06_database_tls::DatabaseTls,
    &a07_role_rights::RoleRights,
    &a08_plain_listener::PlainListener,
    &a18_known_credentials::KnownCredentials,
    &a18_pending_set_up::PendingSetUp,
    &o01_root::RunsAsRoot,
];

#[cfg(test)]
mod tests;
