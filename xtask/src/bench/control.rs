//! The control plane with a large catalogue in PostgreSQL: how long lists, searches, publishing and subscribing take.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::database::{self, DATABASE};
use crate::portcullis::Home;
use crate::process::resident;
use crate::rest::{Maker, Wanted};

/// Promised: a list or a search takes no longer than this for 95 of 100, with 1,000 APIs.
const PROMISED: Duration = Duration::from_millis(50);
/// APIs up to which that is promised.
const PROMISED_FOR: u64 = 1000;

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// APIs, published and deployed.
    #[arg(long, default_value_t = 10_000)]
    apis: u64,
    /// Applications of 5,000 owners.
    #[arg(long, default_value_t = 50_000)]
    applications: u64,
    /// Subscriptions of each application.
    #[arg(long, default_value_t = 10)]
    each: u64,
    /// Times that each thing is done.
    #[arg(long, default_value_t = 100)]
    times: usize,
    /// Measure this program instead of building one.
    #[arg(long, value_name = "PORTCULLIS")]
    bin: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let program = super::program(options.bin.as_ref())?;
    let (postgres, home) = database::installation(&program, "")?;
    let server = home.serve(None)?;
    Maker::new(&home)?.publish(&wanted("seed", &["/item".to_owned()]))?;
    server.stop()?;
    let begun = Instant::now();
    for statement in FILL {
        let statement = statement
            .replace("APIS", &options.apis.to_string())
            .replace("APPLICATIONS", &options.applications.to_string())
            .replace("EACH", &options.each.to_string());
        postgres.sql(DATABASE, &statement).with_context(|| statement.chars().take(80).collect::<String>())?;
    }
    println!(
        "{} APIs, {} applications, {} subscriptions made in {:.0} s",
        options.apis,
        options.applications,
        options.applications * options.each,
        begun.elapsed().as_secs_f64()
    );
    let begun = Instant::now();
    let server = home.serve(None)?;
    println!("first start, which indexes them: {:.1} s", begun.elapsed().as_secs_f64());
    postgres.sql(DATABASE, "VACUUM ANALYZE")?;
    let outcome = measure(options, &home);
    println!("resident memory: {} MiB", resident(server.pid())? / 1024);
    server.stop().with_context(|| home.log_end())?;
    let slow = outcome?;
    if options.apis <= PROMISED_FOR && !slow.is_empty() {
        bail!("slower than {} ms: {}", PROMISED.as_millis(), slow.join(", "));
    }
    Ok(())
}

fn wanted<'w>(name: &'w str, resources: &'w [String]) -> Wanted<'w> {
    Wanted { name, upstream: "http://127.0.0.1:9", resources, secured: false }
}

/// What is asked for, `{n}` a number that changes; and where the answer says how many there are.
const QUESTIONS: [(&str, &str); 9] = [
    ("list of APIs", "/api/am/publisher/v4/apis?limit=25"),
    ("its 200th page", "/api/am/publisher/v4/apis?limit=25&offset=4975"),
    ("search by name", "/api/am/publisher/v4/apis?limit=25&query=name:service{n}"),
    ("search by tag", "/api/am/publisher/v4/apis?limit=25&query=tag:tag{n}"),
    ("portal: list", "/api/am/devportal/v3/apis?limit=25"),
    ("portal: search everything", "/api/am/devportal/v3/search?limit=25&query=topic+{n}"),
    ("portal: tags", "/api/am/devportal/v3/tags?limit=25"),
    ("subscribers of an API", "/api/am/publisher/v4/subscriptions?limit=25&apiId={api}"),
    ("applications of all", "/api/am/admin/v4/applications?limit=25"),
];

/// The names of lists and searches that are slower than promised.
fn measure(options: &Options, home: &Home) -> Result<Vec<&'static str>> {
    let maker = Maker::new(home)?;
    let listed = maker.get("/api/am/publisher/v4/apis?limit=1&query=name:service7")?;
    let api =
        listed.pointer("/list/0/id").and_then(Value::as_str).context("the filled APIs are not listed")?.to_owned();
    let mut slow = Vec::new();
    for (name, target) in QUESTIONS {
        let mut times = Vec::new();
        for n in 0..options.times {
            let target = target.replace("{n}", &(n % 97).to_string()).replace("{api}", &api);
            let at = Instant::now();
            let answer = maker.get(&target)?;
            times.push(at.elapsed());
            let found = answer.get("count").and_then(Value::as_u64).unwrap_or(0);
            if found == 0 {
                bail!("{target} found nothing: {answer}");
            }
        }
        if show(name, times) > PROMISED {
            slow.push(name);
        }
    }
    let resources = ["/item".to_owned()];
    let (mut published, mut subscribed) = (Vec::new(), Vec::new());
    for n in 0..options.times.min(50) {
        let (name, application) = (format!("bench{n}"), format!("application {n}"));
        let id = maker.deployed(&wanted(&name, &resources))?;
        let at = Instant::now();
        maker.to_published(&id)?;
        published.push(at.elapsed());
        let consumer = maker.application(&application)?;
        let at = Instant::now();
        maker.subscribe(&consumer, &id)?;
        subscribed.push(at.elapsed());
    }
    show("publish", published);
    show("subscribe", subscribed);
    Ok(slow)
}

/// Prints median, 95th percentile and longest; the 95th percentile.
fn show(name: &str, mut times: Vec<Duration>) -> Duration {
    times.sort();
    let at = |hundredth: usize| times.get((times.len() * hundredth / 100).min(times.len().saturating_sub(1)));
    let milliseconds = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1000.0);
    println!(
        "{name:28} median {:7.1} ms   p95 {:7.1} ms   longest {:7.1} ms",
        milliseconds(at(50)),
        milliseconds(at(95)),
        milliseconds(times.last())
    );
    at(95).copied().unwrap_or_default()
}

/// Copies of the API `seed` with names, tags and descriptions of their own; applications and subscriptions. Constraints are
/// not looked at while the rows are made: they come from rows that hold.
const FILL: [&str; 6] = [
    "SET session_replication_role = replica; \
     INSERT INTO api (id, tenant_id, name, name_key, version, context, context_key, provider, kind, lifecycle, is_default, \
     document, last_revision, created_at, created_by, updated_at, updated_by) \
     SELECT md5('api' || i)::uuid::text, tenant_id, 'Service' || i, 'service' || i, version, '/service' || i, '/service' || i, \
     provider, kind, lifecycle, is_default, (document::jsonb || jsonb_build_object('name', 'Service' || i, 'context', \
     '/service' || i, 'description', 'Everything about topic ' || i % 5000, 'tags', jsonb_build_array('tag' || i % 200, \
     'common')))::text, 1, created_at + i, created_by, updated_at + i, updated_by \
     FROM api, generate_series(1, APIS) i WHERE name_key = 'seed'",
    "SET session_replication_role = replica; \
     INSERT INTO artifact (owner, name, media_type, bytes) \
     SELECT md5('api' || i)::uuid::text, f.name, f.media_type, f.bytes FROM artifact f, generate_series(1, APIS) i \
     WHERE f.owner = (SELECT id FROM api WHERE name_key = 'seed')",
    "SET session_replication_role = replica; \
     INSERT INTO revision (id, tenant_id, api_id, number, description, document, created_at, created_by) \
     SELECT md5('revision' || i)::uuid::text, a.tenant_id, a.id, 1, '', a.document, a.created_at, a.created_by \
     FROM api a, generate_series(1, APIS) i WHERE a.id = md5('api' || i)::uuid::text; \
     INSERT INTO artifact (owner, name, media_type, bytes) \
     SELECT md5('revision' || i)::uuid::text, f.name, f.media_type, f.bytes FROM artifact f, generate_series(1, APIS) i \
     WHERE f.owner = (SELECT r.id FROM revision r JOIN api a ON a.id = r.api_id WHERE a.name_key = 'seed' LIMIT 1)",
    "SET session_replication_role = replica; \
     INSERT INTO deployment (api_id, environment, revision_id, vhost, display_on_devportal, deployed_at) \
     SELECT md5('api' || i)::uuid::text, d.environment, md5('revision' || i)::uuid::text, d.vhost, 1, d.deployed_at \
     FROM deployment d, generate_series(1, APIS) i WHERE d.api_id = (SELECT id FROM api WHERE name_key = 'seed')",
    "SET session_replication_role = replica; \
     INSERT INTO application (id, tenant, owner, name, name_key, policy, description, token_type, status, visibility, groups, \
     attributes, created_at, updated_at) \
     SELECT md5('application' || i)::uuid::text, -1234, 'consumer' || i % 5000, 'Application' || i, 'application' || i, \
     'Unlimited', '', 'JWT', 'APPROVED', 'PRIVATE', '[]', '{}', 1000 + i, 1000 + i FROM generate_series(1, APPLICATIONS) i",
    "SET session_replication_role = replica; \
     INSERT INTO subscription (id, tenant, application, api, plan, requested_plan, status, subscriber, created_at, api_tenant) \
     SELECT md5('s' || i || '-' || k)::uuid::text, -1234, md5('application' || i)::uuid::text, \
     md5('api' || (1 + (i * 13 + k * 997) % APIS))::uuid::text, 'Unlimited', 'Unlimited', 'UNBLOCKED', 'consumer' || i % 5000, \
     1000 + i, -1234 FROM generate_series(1, APPLICATIONS) i, generate_series(1, EACH) k ON CONFLICT DO NOTHING",
];
