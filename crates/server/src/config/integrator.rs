//! The integrator: Synapse artifacts and Carbon applications.

use std::net::IpAddr;
use std::path::PathBuf;

use super::secret::SecretRef;
use super::section::section;
use super::values::{Listed, Port};

section! {
    /// The integrator, which runs Synapse artifacts and Carbon applications (M01).
    pub struct IntegratorSection in "integrator" {
        /// Whether it runs.
        ours "enable" enable: bool = "false";
        /// Directory of artifacts in the layout of WSO2's Micro Integrator, with `repository/deployment/server` and `registry`; relative to the home directory.
        ours "directory" directory: PathBuf = r#""integrator""#;
        /// Whether changes of files are deployed while the server runs.
        ours "hot_deployment" hot_deployment: bool = "true";
        /// Address that its listeners and HTTP inbound endpoints listen on.
        ours "bind_address" bind_address: IpAddr = r#""127.0.0.1""#;
        /// Port of the TLS listener, before the offset.
        ours "https_port" https_port: Port = "8253";
        /// Whether it listens without TLS too; WSO2's default is true.
        ours "http_enable" http_enable: bool = "false";
        /// Port of the listener without TLS, before the offset.
        ours "http_port" http_port: Port = "8290";
        /// Ports that inbound endpoints may listen on, as their artifacts name them; the server can open no others.
        ours "inbound_ports" inbound_ports: Listed<Port> = "[]";
        /// Port of the management API, before the offset. It listens when there is a super admin.
        ours "management_port" management_port: Port = "9164";
        /// Name of the super admin of the management API (M02).
        ours "management_user" management_user: Option<String> = "";
        /// Password of the super admin, by reference (A03); not a well-known one, at least 12 characters.
        ours "management_password" management_password: Option<SecretRef> = "";
        /// Directories that inbound endpoints of kind `file` may read, move and delete in.
        ours "file_directories" file_directories: Listed<PathBuf> = "[]";
    }
}

section! {
    /// A database that artifacts of the integrator name.
    pub struct IntegratorDataSourceSection in "integrator.data_source[]" {
        /// Name as artifacts write it: of a Carbon data source, a JDBC address that it takes the place of, or `SERVICE/CONNECTION`.
        ours "name" name: String = "";
        /// `jdbc:postgresql://host:port/database`, or `jdbc:sqlite:file.db` in the folder `databases` of the integrator.
        ours "url" url: String = "";
        /// Role of PostgreSQL.
        ours "user" user: Option<String> = "";
        /// Password of the role, by reference (A03).
        ours "password" password: Option<SecretRef> = "";
        /// Certificate authority of the database's server (PEM); a server on another host needs it (A06).
        ours "ca_file" ca_file: Option<PathBuf> = "";
    }
}

impl IntegratorSection {
    /// Whether the management API is served: somebody can log in.
    pub(super) const fn is_managed(&self) -> bool {
        self.enable && self.management_user.is_some() && self.management_password.is_some()
    }
}
