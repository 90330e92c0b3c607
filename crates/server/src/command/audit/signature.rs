//! Signed reports: a compact JWS (RFC 7515) beside the report, whose payload names the SHA-256 of the file.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use guidelines::Report;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::installation::{load_config, open_keys, world};
use crate::terminal::Terminal;

/// `typ` of the header.
const TYPE: &str = "portcullis-audit+jws";

/// The signature of a report lies beside it.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".jws");
    PathBuf::from(name)
}

/// Signs a report with the installation's key.
pub(super) fn write(home: &Home, path: &Path, bytes: &[u8], report: &Report) -> Outcome {
    let (clock, rng) = world();
    let loaded = load_config(home, None)?;
    let keys = open_keys(home, &loaded.config, clock.as_ref(), rng.as_ref())?;
    let header = json!({ "alg": "RS256", "typ": TYPE, "kid": keys.signing_key.kid() });
    let payload = json!({
        "sha256": vault::sha256_hex(bytes),
        "taken_at": report.taken_at,
        "subject": report.subject,
        "score": report.score,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&payload));
    let signature = keys.signing_key.sign_rs256(signed.as_bytes());
    let signature = signature.map_err(|e| Failure::internal(e.to_string()))?;
    let text = format!("{signed}.{}\n", URL_SAFE_NO_PAD.encode(signature));
    let place = beside(path);
    std::fs::write(&place, text).map_err(|e| Failure::io(&place, "write", &e))
}

/// Looks whether a report is as it was signed.
pub(super) fn verify(
    home: &Home,
    file: &Path,
    signature: Option<&Path>,
    jwks: Option<&Path>,
    terminal: Terminal,
) -> Outcome {
    let place = signature.map_or_else(|| beside(file), Path::to_owned);
    let bytes = std::fs::read(file).map_err(|e| Failure::io(file, "read", &e))?;
    let text = std::fs::read_to_string(&place).map_err(|e| Failure::io(&place, "read", &e))?;
    let keys = match jwks {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| Failure::io(path, "read", &e))?;
            let set: Value = serde_json::from_str(&text).map_err(|_| refused("the file of keys is not JSON"))?;
            set.get("keys").and_then(Value::as_array).cloned().ok_or_else(|| refused("the file has no list of keys"))?
        }
        None => {
            let (clock, rng) = world();
            let loaded = load_config(home, None)?;
            let keys = open_keys(home, &loaded.config, clock.as_ref(), rng.as_ref())?;
            vec![keys.signing_key.public_jwk()]
        }
    };
    let payload = opened(text.trim(), &keys).ok_or_else(|| refused("the signature is not one of these keys"))?;
    if payload.get("sha256").and_then(Value::as_str) != Some(vault::sha256_hex(&bytes).as_str()) {
        return Err(refused("the report was changed after it was signed"));
    }
    terminal.result(&payload, || {
        let at = payload.get("taken_at").and_then(Value::as_str).unwrap_or_default();
        format!("{} is as it was signed; taken at {at}.", file.display())
    });
    Ok(())
}

fn refused(why: &str) -> Failure {
    Failure::new(Exit::Refused, "AUD009", "the report cannot be trusted", why, "get it again from where it was made")
}

/// The payload of a compact JWS, when one of the keys signed it. The algorithm is that of the key, whatever the header
/// says.
fn opened(text: &str, keys: &[Value]) -> Option<Value> {
    let (signed, signature) = text.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let json = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let header = json(header)?;
    if header.get("typ").and_then(Value::as_str) != Some(TYPE) {
        return None;
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let known = keys.iter().any(|key| vault::verify_rs256(key, signed.as_bytes(), &signature));
    if known { json(payload) } else { None }
}
