//! Two gateways in two processes over one database: what ends at one must be refused by both within five seconds.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::judges;
use crate::portcullis::{ADMIN, ADMIN_PASSWORD, ADMIN_PASSWORD_VARIABLE, Home};
use crate::process::{self, Running};

/// Addresses of the two nodes; both are this machine.
const NODES: [&str; 2] = ["127.0.0.1", "127.0.0.2"];

/// Lets the second node bind to its own address, on the ports of the first: a token's issuer is one address for both.
const SECOND_NODE: &str = "[transport.https.properties]\nbind_address = \"127.0.0.2\"\n\n\
     [transport.passthru_https.listener]\nbind_address = \"127.0.0.2\"\n\n\
     [status]\nbind_address = \"127.0.0.2\"\n\n";

/// Runs the journey of `revocation.py` with the Python of the given judges.
pub(super) fn run(portcullis: &Path, python: &Path) -> Result<()> {
    let mut first = Home::new(portcullis)?;
    // Inside the first home, so that both may open the database that lies there.
    let second = first.path().join("second");
    fs::create_dir(&second)?;
    let database = |path: &str| format!("[database.apim_db]\ntype = \"sqlite\"\nurl = \"sqlite:{path}\"\n\n");
    first.configure_with_admin(&database("second/shared.db"))?;
    let server = first.serve(None)?;
    copy_folder(&first.path().join("security"), &second.join("security"))?;
    let text = fs::read_to_string(first.path().join("deployment.toml"))?;
    let text = text.replace(&database("second/shared.db"), &database("shared.db"));
    fs::write(second.join("deployment.toml"), format!("{text}{SECOND_NODE}"))?;
    let log = fs::File::create(second.join("serve.log"))?;
    let mut command = Command::new(std::path::absolute(portcullis)?);
    command.arg("serve").arg("--home").arg(&second).current_dir(&second).env(ADMIN_PASSWORD_VARIABLE, ADMIN_PASSWORD);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let node = Running(command.spawn().context("cannot run the second node")?);
    let ready = process::wait_until("the start of the second node", Duration::from_secs(60), || {
        Ok(std::net::TcpStream::connect((NODES[1], first.gateway())).is_ok())
    });
    let judged = ready.and_then(|()| judge(&first, python));
    let said = fs::read_to_string(second.join("serve.log")).unwrap_or_default();
    drop(node);
    server.stop()?;
    judged.with_context(|| format!("the nodes printed:\n{}\n-- second\n{said}", first.log_end()))
}

fn judge(home: &Home, python: &Path) -> Result<()> {
    let mut command = Command::new(python);
    command
        .arg(judges::script("oauth/revocation.py"))
        .envs([("PORTCULLIS_ADMIN", ADMIN), ("PORTCULLIS_ADMIN_PASSWORD", ADMIN_PASSWORD)]);
    command.env("PORTCULLIS_NODES", NODES.join(",")).env("PORTCULLIS_ROOTS", home.authority());
    command.env("PORTCULLIS_CONSOLE", home.console().to_string()).env("PORTCULLIS_GATEWAY", home.gateway().to_string());
    process::run(&mut command)
}

/// Copies a folder of plain files, modes included.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
