//! `portcullis user` and `portcullis setup-link`
//!
//! These work on the database itself, so that they also help when the server is stopped or nobody can sign in. A running
//! server sees the change within seconds.

use identity::{Identity, IdentityError, NewUser, User};
use model::{Tenant, TenantDomain};
use serde_json::json;

use super::password::read_secret;
use crate::cli::UserCommand;
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::first_boot::{failure, link};
use crate::home::Home;
use crate::installation::{DatabaseRole, Secrets, ensure_schema, load_config, open_database, open_keys, world};
use crate::serve::assemble_identity;
use crate::terminal::{Terminal, table};

/// Rows read at a time.
const PAGE: i64 = 500;
/// Most people of a directory that are listed.
const MAX_LISTED: usize = 100_000;

pub(super) async fn run(home: &Home, command: UserCommand, terminal: Terminal) -> Outcome {
    let (identity, _) = open(home).await?;
    match command {
        UserCommand::Add { name, role, password_file, tenant } => {
            let tenant = find_tenant(&identity, &tenant).await?;
            let prompt = format!("Password of {name} (not shown): ");
            let password = read_secret(&prompt, password_file.as_deref(), true, terminal)?;
            let new = NewUser { name, password, attributes: serde_json::Map::new(), roles: role };
            let user = identity.create_user(tenant.id, new).await.map_err(|e| failure(&e))?;
            terminal.result(&data(&user), || format!("{} was added with the roles {}.", user.name, roles(&user)));
        }
        UserCommand::List { store: Some(store), .. } => {
            list_directory(&identity, &store, terminal).await?;
        }
        UserCommand::List { store: None, tenant } => {
            let tenant = find_tenant(&identity, &tenant).await?;
            list(&identity, &tenant, terminal).await?;
        }
        UserCommand::Lock { name, tenant } => {
            let (tenant, user) = find(&identity, &tenant, &name).await?;
            identity.lock_user(tenant.id, user.id).await.map_err(|e| failure(&e))?;
            terminal.result(&json!({ "locked": user.name }), || format!("{} is locked.", user.name));
        }
        UserCommand::Unlock { name, tenant } => {
            let (tenant, user) = find(&identity, &tenant, &name).await?;
            identity.unlock_user(tenant.id, user.id).await.map_err(|e| failure(&e))?;
            terminal.result(&json!({ "unlocked": user.name }), || format!("{} is unlocked.", user.name));
        }
        UserCommand::ResetSecondFactor { name, tenant } => {
            let (tenant, user) = find(&identity, &tenant, &name).await?;
            let removed = identity.reset_second_factor(tenant.id, user.id).await.map_err(|e| failure(&e))?;
            terminal.result(&json!({ "user": user.name, "removed": removed }), || match removed {
                true => format!(
                    "{} has no second factor any more; an administrator sets one up at the next sign-in.",
                    user.name
                ),
                false => format!("{} had no second factor.", user.name),
            });
        }
        UserCommand::ResetPassword { name, password_file, tenant } => {
            let (tenant, user) = find(&identity, &tenant, &name).await?;
            let prompt = format!("New password of {} (not shown): ", user.name);
            let password = read_secret(&prompt, password_file.as_deref(), true, terminal)?;
            identity.reset_password(tenant.id, user.id, &password).await.map_err(|e| failure(&e))?;
            terminal.result(&json!({ "reset": user.name }), || {
                format!("{} has a new password; everything issued to the account has ended.", user.name)
            });
        }
    }
    Ok(())
}

/// `portcullis setup-link`
pub(super) async fn setup_link(home: &Home, terminal: Terminal) -> Outcome {
    let (identity, config) = open(home).await?;
    let token = identity.create_setup_link().await.map_err(|e| failure(&e))?;
    let link = link(&config, &token);
    terminal.result(&json!({ "set_up_link": link }), || {
        format!("{link}\n\nIt works once, for 24 hours, while the server runs. An older link has stopped working.")
    });
    Ok(())
}

async fn open(home: &Home) -> Outcome<(Identity, Config)> {
    let (clock, rng) = world();
    let loaded = load_config(home, None)?;
    let keys = open_keys(home, &loaded.config, clock.as_ref(), rng.as_ref())?;
    let secrets = Secrets::new(home, &loaded.config, &keys);
    let database = open_database(home, &loaded.config, &secrets, DatabaseRole::Runtime).await?;
    ensure_schema(&database, clock.as_ref()).await?;
    let identity = assemble_identity(&loaded.config, &keys, database, (clock, rng), None)?;
    let identity = crate::serve::equip(identity, home, &loaded.config, &secrets)?;
    identity.initialise().await.map_err(|e| failure(&e))?;
    let identity = match loaded.config.directories.is_empty() {
        true => identity,
        false => {
            let tls = crate::serve::outbound_tls(home, &loaded.config, &secrets).await?;
            identity.with_directories(crate::serve::directories::assemble(&loaded.config, &secrets, &tls)?)
        }
    };
    Ok((identity, loaded.config))
}

async fn find_tenant(identity: &Identity, domain: &str) -> Outcome<Tenant> {
    let domain: TenantDomain = domain.parse().map_err(|e: model::TenantDomainError| {
        Failure::usage(e.to_string(), "give the domain of an existing tenant")
    })?;
    let (tenant, _) = identity.resolve_login(&format!("nobody@{domain}")).await.map_err(|e| failure(&e))?;
    if tenant.domain == domain {
        return Ok(tenant);
    }
    Err(super::not_found(format!("there is no tenant {domain}"), "check the spelling of --tenant"))
}

async fn find(identity: &Identity, domain: &str, name: &str) -> Outcome<(Tenant, User)> {
    let tenant = find_tenant(identity, domain).await?;
    let user = identity.find_user(tenant.id, name).await.map_err(|e| failure(&e))?;
    let user = user.ok_or_else(|| super::not_found(format!("there is no user {name}"), "portcullis user list"))?;
    Ok((tenant, user))
}

async fn list(identity: &Identity, tenant: &Tenant, terminal: Terminal) -> Outcome {
    let mut users = Vec::new();
    loop {
        let offset = i64::try_from(users.len()).unwrap_or(i64::MAX);
        let (page, total) = identity.users(tenant.id, offset, PAGE).await.map_err(|e| failure(&e))?;
        let ended = page.is_empty();
        users.extend(page);
        if ended || i64::try_from(users.len()).unwrap_or(i64::MAX) >= total {
            break;
        }
    }
    let rows: Vec<Vec<String>> = users
        .iter()
        .map(|user| vec![user.name.clone(), roles(user), state(user).to_owned(), user.created_at.rfc3339()])
        .collect();
    terminal.result(&json!(users.iter().map(data).collect::<Vec<_>>()), || {
        if rows.is_empty() {
            "There is no user yet: portcullis user add NAME --role admin".to_owned()
        } else {
            table(&["user", "roles", "state", "created"], &rows)
        }
    });
    Ok(())
}

/// Everybody in a directory, as it answers now.
async fn list_directory(identity: &Identity, store: &str, terminal: Terminal) -> Outcome {
    let domain = if store.eq_ignore_ascii_case("PRIMARY") { "" } else { store };
    let listing = identity.directory_users(domain, MAX_LISTED).await.map_err(|e| match e {
        IdentityError::NotFound(_) => super::not_found(
            format!("there is no directory {store} in the configuration"),
            "name a [[secondary_user_store]] by its domain_name, or PRIMARY for [user_store]",
        ),
        other => failure(&other),
    })?;
    let result = json!({ "names": listing.names, "truncated": listing.truncated });
    terminal.result(&result, || {
        let mut text = listing.names.join("\n");
        if listing.truncated {
            text.push_str(&format!("\n(the first {MAX_LISTED}; the directory has more)"));
        }
        text
    });
    Ok(())
}

fn roles(user: &User) -> String {
    user.role_names().into_iter().collect::<Vec<_>>().join(", ")
}

fn state(user: &User) -> &'static str {
    if user.locked { "locked" } else { "active" }
}

fn data(user: &User) -> serde_json::Value {
    json!({
        "id": user.id.to_string(), "name": user.name, "roles": user.role_names(), "state": state(user),
        "created": user.created_at.rfc3339(),
    })
}
