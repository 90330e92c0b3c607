//! OAuth clients that other people wrote, through their whole flows against a started server: npm `openid-client` and
//! `oauth4webapi`, PyPI `authlib`, with `joserfc` and `jwcrypto` for signatures in both directions, and `oidc-provider` as a
//! third-party key manager.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::portcullis::{ADMIN, ADMIN_PASSWORD, Home};
use crate::process;
use crate::rest::base64;
use crate::workspace;

use super::{Steps, revocation};

/// The person who signs in.
const PERSON: &str = "judge";
const PERSON_PASSWORD: &str = "Judge-of-flows-8823-lantern";
const PYTHON_PACKAGES: [&str; 4] = ["authlib==1.9.9", "joserfc==1.8.0", "jwcrypto==1.6.1", "requests"];

/// Runs the given program, or the one built now.
pub(super) fn run(steps: &mut Steps, given: Option<&Path>) {
    let mut portcullis = given.map(Path::to_path_buf);
    if given.is_none() {
        steps.run("build portcullis", || workspace::build_portcullis("dev").map(|path| portcullis = Some(path)));
    }
    let Some(portcullis) = portcullis else { return };
    let mut judges = None;
    if !steps.run("judges of OAuth", || provide().map(|path| judges = Some(path))) {
        return;
    }
    let Some(judges) = judges else { return };
    steps.run("OAuth clients", || flows(&portcullis, &judges));
    steps.run("revocation at two gateways", || revocation::run(&portcullis, &judges));
}

/// Runs every flow of every client; a flow that fails is named in the output.
fn flows(portcullis: &Path, judges: &Path) -> Result<()> {
    let mut home = Home::new(portcullis)?;
    let certificates = home.path().join("client-certificates");
    fs::create_dir(&certificates)?;
    let mut make = Command::new(judges.join("venv/bin/python"));
    process::run(make.arg(judges.join("flows.py")).arg("certificates").arg(&certificates))?;
    home.configure_with_admin(
        "[oauth.mutual_tls]\nenable = true\n\n\
         [truststore]\nfile_name = \"client-certificates/authority.pem\"\ntype = \"PEM\"\n",
    )?;
    let server = home.serve(None)?;
    let judged = add_person(&home).and_then(|()| judge(&home, judges));
    let judged = judged.with_context(|| format!("the server printed:\n{}", home.log_end()));
    server.stop()?;
    judged
}

/// Puts scripts and packages into the target directory; what is there already is kept.
fn provide() -> Result<PathBuf> {
    let directory = workspace::root().join("target/judges/oauth");
    fs::create_dir_all(&directory)?;
    for entry in fs::read_dir(workspace::root().join("xtask/judges/oauth"))? {
        let entry = entry?;
        fs::copy(entry.path(), directory.join(entry.file_name()))?;
    }
    ensure!(
        workspace::find_program("node").is_some(),
        "the OAuth clients need node and npm: apt-get install nodejs npm"
    );
    let wanted = ["openid-client", "oauth4webapi", "oidc-provider"];
    if !wanted.iter().all(|name| directory.join("node_modules").join(name).exists()) {
        let mut install = Command::new("npm");
        install.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&directory);
        process::run(&mut install)
            .context("the npm packages openid-client, oauth4webapi and oidc-provider cannot be had")?;
    }
    let venv = directory.join("venv");
    if !venv.join("bin/python").exists() {
        process::run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    }
    let imports = "import authlib, joserfc, jwcrypto, requests";
    let present = Command::new(venv.join("bin/python")).args(["-c", imports]).output();
    if !present.is_ok_and(|output| output.status.success()) {
        let mut install = Command::new(venv.join("bin/pip"));
        process::run(install.args(["install", "--quiet"]).args(PYTHON_PACKAGES))
            .context("the PyPI packages authlib, joserfc and jwcrypto cannot be had")?;
    }
    Ok(directory)
}

/// A person without a role, who needs no second factor.
fn add_person(home: &Home) -> Result<()> {
    let body = serde_json::json!({ "userName": PERSON, "password": PERSON_PASSWORD }).to_string();
    let authorization = format!("Basic {}", base64(format!("{ADMIN}:{ADMIN_PASSWORD}").as_bytes()));
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let answer = home.client()?.send(&crate::http::Request {
        method: "POST",
        port: home.console(),
        target: "/scim2/Users",
        headers: &headers,
        body: body.as_bytes(),
    })?;
    ensure!(answer.status == 201, "{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
    Ok(())
}

fn judge(home: &Home, judges: &Path) -> Result<()> {
    let base = format!("https://localhost:{}", home.console());
    let mut failed = Vec::new();
    for script in ["openid-client.mjs", "oauth4webapi.mjs", "flows.py", "third-party.mjs"] {
        println!("-- {script}");
        let mut command = if Path::new(script).extension().is_some_and(|extension| extension == "py") {
            Command::new(judges.join("venv/bin/python"))
        } else {
            Command::new("node")
        };
        command.arg(script).current_dir(judges);
        command.envs([
            ("PORTCULLIS_BASE", base.as_str()),
            ("PORTCULLIS_USER", PERSON),
            ("PORTCULLIS_USER_PASSWORD", PERSON_PASSWORD),
            ("PORTCULLIS_ADMIN", ADMIN),
            ("PORTCULLIS_ADMIN_PASSWORD", ADMIN_PASSWORD),
        ]);
        command.env("PORTCULLIS_ISSUER", format!("{base}/oauth2/token"));
        command.env("PORTCULLIS_CLIENT_CERTIFICATES", home.path().join("client-certificates"));
        command.env("PORTCULLIS_GATEWAY_URL", format!("https://localhost:{}", home.gateway()));
        command.env("PORTCULLIS_ROOTS", home.authority()).env("NODE_EXTRA_CA_CERTS", home.authority());
        if process::run(&mut command).is_err() {
            failed.push(script);
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("flows failed in {}", failed.join(", ")) }
}
