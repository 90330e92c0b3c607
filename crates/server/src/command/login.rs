//! `portcullis login`

use http::Uri;
use model::Secret;
use serde_json::{Value, json};

use super::password::read_secret;
use crate::cli::LoginArguments;
use crate::client::{Client, Payload, Session, store, trust};
use crate::failure::{Failure, Outcome};
use crate::terminal::Terminal;

/// What the `api` commands need.
const SCOPES: &str = "apim:api_view apim:api_create apim:api_manage apim:api_publish apim:api_delete \
                      apim:api_import_export apim:subscription_view";

pub(super) async fn run(arguments: LoginArguments, terminal: Terminal) -> Outcome {
    let (host, port) = parse(&arguments.url)?;
    let ca = match &arguments.ca {
        Some(path) => Some(std::fs::read_to_string(path).map_err(|e| Failure::io(path, "read", &e))?),
        None => None,
    };
    let server = Client::tls(&host, port, trust(ca.as_deref(), Vec::new())?);
    let prompt =
        format!("Password of {}, with a second factor its code right behind it (not shown): ", arguments.username);
    let password = read_secret(&prompt, arguments.password_file.as_deref(), false, terminal)?;
    let token = sign_in(&server, &arguments.username, &password).await?;
    let path = store(&Session::new(host.clone(), port, ca, &token))?;
    terminal
        .result(&json!({ "server": format!("https://{host}:{port}"), "session": path.display().to_string() }), || {
            format!("Signed in to https://{host}:{port} as {}.", arguments.username)
        });
    Ok(())
}

/// Registers a client of this user and gets a token for it, as WSO2's own command line does.
async fn sign_in(server: &Client, username: &str, password: &Secret<String>) -> Outcome<Secret<String>> {
    let registration = json!({
        "clientName": format!("portcullis_cli_{username}"), "owner": username, "saasApp": true,
        "grantType": "client_credentials", "callbackUrl": "",
    });
    let registered = server
        .with_basic(username, password)
        .post("/client-registration/v0.17/register", Payload::json(&registration))
        .await?
        .accepted("register this command line")?
        .value();
    let text = |name: &str| registered.get(name).and_then(Value::as_str).map(str::to_owned);
    let (Some(id), Some(secret)) = (text("clientId"), text("clientSecret").map(Secret::new)) else {
        return Err(Failure::internal("the registration holds no client"));
    };
    // The client acts for who registered it, with their roles: the password is sent once, and with a second factor so
    // is its code, which works once.
    let form = Payload::form(&[("grant_type", "client_credentials"), ("scope", SCOPES)]);
    let answer = server.with_basic(&id, &secret).post("/oauth2/token", form).await?;
    let answer = answer.accepted("issue a token")?.value();
    let token = answer.get("access_token").and_then(Value::as_str);
    token.map(|t| Secret::new(t.to_owned())).ok_or_else(|| Failure::internal("the answer holds no token"))
}

fn parse(url: &str) -> Outcome<(String, u16)> {
    let wrong = || Failure::usage(format!("{url:?} is not the address of a server"), "write https://host:9443");
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let authority = uri.authority().filter(|a| !a.as_str().contains('@')).ok_or_else(wrong)?;
    if uri.scheme_str() != Some("https") || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err(wrong());
    }
    Ok((authority.host().to_owned(), authority.port_u16().unwrap_or(443)))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn only_https_addresses_are_signed_in_to() {
        assert_eq!(parse("https://api.example.com:9443/").unwrap(), ("api.example.com".to_owned(), 9443));
        for bad in ["http://x", "x", "https://u@x", "https://x/path", "https://x?y", "file:///x"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
