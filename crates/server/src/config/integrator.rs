//! The integrator: Synapse artifacts and Carbon applications.

use std::net::IpAddr;
use std::path::PathBuf;

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
        /// Directories that inbound endpoints of kind `file` may read, move and delete in.
        ours "file_directories" file_directories: Listed<PathBuf> = "[]";
    }
}
