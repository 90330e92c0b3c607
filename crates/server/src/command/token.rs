//! `portcullis token`

use serde_json::json;

use super::password::read_secret;
use crate::cli::TokenArguments;
use crate::client::{Client, Payload};
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::terminal::Terminal;

pub(super) async fn run(home: &Home, arguments: TokenArguments, terminal: Terminal) -> Outcome {
    let secret = read_secret("Consumer secret (not shown): ", arguments.secret_file.as_deref(), false, terminal)?;
    let client = Client::choose(home)?.with_basic(&arguments.client_id, &secret);
    let scope = arguments.scope.join(" ");
    let mut form = vec![("grant_type", "client_credentials")];
    if !scope.is_empty() {
        form.push(("scope", scope.as_str()));
    }
    let reply = client.post("/oauth2/token", Payload::form(&form)).await?.accepted("issue a token")?;
    let value = reply.value();
    let token = value.get("access_token").and_then(serde_json::Value::as_str);
    let token = token.ok_or_else(|| Failure::internal("the answer of /oauth2/token holds no token"))?;
    terminal.result(&json!(value), || token.to_owned());
    Ok(())
}
