//! OAuth clients that other people wrote, through their whole flows against a started server: npm `openid-client` and
//! `oauth4webapi`, PyPI `authlib`, with `joserfc` and `jwcrypto` for signatures in both directions, and `oidc-provider` as a
//! third-party key manager and as a place to sign in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::judges;
use crate::portcullis::{ADMIN, ADMIN_PASSWORD, Home};
use crate::process;
use crate::rest::base64;

use super::{Steps, revocation};

/// The person who signs in.
const PERSON: &str = "judge";
const PERSON_PASSWORD: &str = "Judge-of-flows-8823-lantern";
const PYTHON_PACKAGES: [&str; 4] = ["authlib==1.9.9", "joserfc==1.8.0", "jwcrypto==1.6.1", "requests"];

/// Runs the flows against the given program.
pub(super) fn run(steps: &mut Steps, portcullis: &Path) {
    let mut judges = None;
    if !steps.run("judges of OAuth", || provide().map(|found| judges = Some(found))) {
        return;
    }
    let Some(judges) = judges else { return };
    steps.run("OAuth clients", || flows(portcullis, &judges));
    steps.run("revocation at two gateways", || revocation::run(portcullis, &judges.python));
}

/// Where the clients are.
struct Judges {
    folder: PathBuf,
    python: PathBuf,
}

/// Runs every flow of every client; a flow that fails is named in the output.
fn flows(portcullis: &Path, judges: &Judges) -> Result<()> {
    let mut home = Home::new(portcullis)?;
    let certificates = home.path().join("client-certificates");
    fs::create_dir(&certificates)?;
    let mut make = Command::new(&judges.python);
    process::run(make.arg(judges.folder.join("flows.py")).arg("certificates").arg(&certificates))?;
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

/// Puts scripts and packages into the target directory; packages that are there already are kept.
fn provide() -> Result<Judges> {
    let folder = judges::folder("oauth")?;
    for entry in fs::read_dir(judges::script("oauth"))? {
        let entry = entry?;
        fs::copy(entry.path(), folder.join(entry.file_name()))?;
    }
    judges::npm(&folder, &["openid-client", "oauth4webapi", "oidc-provider"])?;
    let python = judges::python(&folder, "authlib, joserfc, jwcrypto, requests", &PYTHON_PACKAGES)?;
    Ok(Judges { folder, python })
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

fn judge(home: &Home, judges: &Judges) -> Result<()> {
    let base = format!("https://localhost:{}", home.console());
    let mut failed = Vec::new();
    for script in ["openid-client.mjs", "oauth4webapi.mjs", "flows.py", "third-party.mjs", "federation.mjs"] {
        println!("-- {script}");
        let mut command = if Path::new(script).extension().is_some_and(|extension| extension == "py") {
            Command::new(&judges.python)
        } else {
            Command::new("node")
        };
        command.arg(script).current_dir(&judges.folder);
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
