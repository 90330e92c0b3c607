//! Sign-ins and tokens per second of CPU time, and what checking one password costs.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::load::cpu_time;
use crate::http::{Client, Request};
use crate::portcullis::{ADMIN, ADMIN_PASSWORD, Home, Server};
use crate::process;
use crate::rest::base64;

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Calls of each kind.
    #[arg(long, default_value_t = 1000)]
    calls: u64,
    /// Callers at the same time.
    #[arg(long, default_value_t = 4)]
    callers: usize,
    /// Measure this program instead of building one.
    #[arg(long, value_name = "PORTCULLIS")]
    bin: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let mut home = Home::new(&super::program(options.bin.as_ref())?)?;
    home.configure_with_admin("")?;
    process::capture(&mut home.command(&["init"]))?;
    let server = home.serve(None)?;
    let caller = Caller::new(&home)?;
    println!("password hash: {}", hash_parameters(&home)?);
    println!("every call on a TLS connection of its own, resumed; {} callers at a time", options.callers);
    let plain = measure(options, &server, "a public page, for comparison", || caller.public())?;
    let sign_in = measure(options, &server, "sign-in (basic authentication)", || caller.sign_in())?;
    measure(options, &server, "sign-in with access and refresh token (password grant)", || caller.password())?;
    measure(options, &server, "token of an application (client credentials)", || caller.client_credentials())?;
    measure(options, &server, "renewal (refresh token)", || caller.refresh())?;
    println!("one password check and the look-ups beside it: {:.1} ms of CPU time", (sign_in - plain) * 1000.0);
    server.stop()
}

/// Runs the call as often as asked; the CPU seconds of one.
fn measure(options: &Options, server: &Server, what: &str, call: impl Fn() -> Result<()> + Sync) -> Result<f64> {
    let next = AtomicU64::new(0);
    let (before, begun) = (cpu_time(server.pid())?, Instant::now());
    std::thread::scope(|scope| -> Result<()> {
        let callers: Vec<_> = (0..options.callers.max(1))
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    while next.fetch_add(1, Ordering::Relaxed) < options.calls.max(1) {
                        call()?;
                    }
                    Ok(())
                })
            })
            .collect();
        for caller in callers {
            caller.join().map_err(|_| anyhow::anyhow!("a caller panicked"))??;
        }
        Ok(())
    })?;
    let (took, after) = (begun.elapsed(), cpu_time(server.pid())?);
    let used = (after.0 + after.1).saturating_sub(before.0 + before.1).as_secs_f64();
    let calls = options.calls.max(1) as f64;
    println!(
        "{what}: {:.1} per CPU second ({:.2} ms each), {:.1} per second here",
        calls / used,
        used * 1000.0 / calls,
        calls / took.as_secs_f64()
    );
    Ok(used / calls)
}

/// Somebody with an account and a client.
pub(super) struct Caller {
    http: Client,
    port: u16,
    basic: String,
    client: String,
}

impl Caller {
    pub(super) fn new(home: &Home) -> Result<Self> {
        let basic = format!("Basic {}", base64(format!("{ADMIN}:{ADMIN_PASSWORD}").as_bytes()));
        let caller = Self { http: home.client()?, port: home.console(), basic, client: String::new() };
        let registration = json!({
            "callbackUrl": "https://localhost/callback", "clientName": "bench_identity", "owner": ADMIN,
            "grantType": "password refresh_token client_credentials", "saasApp": true,
        });
        let made = caller.call(
            ("POST", "/client-registration/v0.17/register"),
            &[("Authorization", &caller.basic), ("Content-Type", "application/json")],
            registration.to_string().as_bytes(),
        )?;
        let field = |name: &str| made.get(name).and_then(Value::as_str).context("the registration answers no client");
        let pair = format!("{}:{}", field("clientId")?, field("clientSecret")?);
        Ok(Self { client: format!("Basic {}", base64(pair.as_bytes())), ..caller })
    }

    fn call(&self, (method, target): (&str, &str), headers: &[(&str, &str)], body: &[u8]) -> Result<Value> {
        let answer = self.http.send(&Request { method, port: self.port, target, headers, body })?;
        let text = String::from_utf8_lossy(&answer.body);
        if !(200..300).contains(&answer.status) {
            bail!("{method} {target} answered {}: {text}", answer.status);
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    fn token(&self, form: &str) -> Result<Value> {
        let headers = [("Authorization", &*self.client), ("Content-Type", "application/x-www-form-urlencoded")];
        self.call(("POST", "/oauth2/token"), &headers, form.as_bytes())
    }

    fn public(&self) -> Result<()> {
        self.call(("GET", "/oauth2/jwks"), &[], &[]).map(drop)
    }

    /// One sign-in; the operation behind it does next to nothing.
    pub(super) fn sign_in(&self) -> Result<()> {
        self.call(("GET", "/api/server/v1/userstores"), &[("Authorization", &self.basic)], &[]).map(drop)
    }

    fn password(&self) -> Result<()> {
        self.token(&format!("grant_type=password&username={ADMIN}&password={ADMIN_PASSWORD}&scope=openid")).map(drop)
    }

    fn client_credentials(&self) -> Result<()> {
        self.token("grant_type=client_credentials").map(drop)
    }

    /// A token family of its own for each thread, renewed once a call.
    fn refresh(&self) -> Result<()> {
        thread_local! {
            static LAST: std::cell::RefCell<Option<String>> = const { std::cell::RefCell::new(None) };
        }
        let last = match LAST.take() {
            Some(last) => last,
            None => {
                let form = format!("grant_type=password&username={ADMIN}&password={ADMIN_PASSWORD}");
                refresh_token(&self.token(&form)?)?
            }
        };
        let renewed = self.token(&format!("grant_type=refresh_token&refresh_token={last}"))?;
        LAST.set(Some(refresh_token(&renewed)?));
        Ok(())
    }
}

fn refresh_token(answer: &Value) -> Result<String> {
    let token = answer.get("refresh_token").and_then(Value::as_str);
    token.map(str::to_owned).context("the answer has no refresh token")
}

/// Algorithm and parameters as they stand in the database: what is really used.
fn hash_parameters(home: &Home) -> Result<String> {
    const SCRIPT: &str = "import sqlite3, sys\n\
                          row = sqlite3.connect(sys.argv[1]).execute('SELECT password_hash FROM user_account').fetchone()\n\
                          print('$'.join(row[0].split('$')[1:4]))";
    let file = home.path().join("data/portcullis.db");
    let shown = process::capture(Command::new("python3").args(["-c", SCRIPT]).arg(file))?;
    Ok(format!("{} (memory in KiB, passes, lanes)", shown.trim()))
}
