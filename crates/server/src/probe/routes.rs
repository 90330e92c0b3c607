//! Every guarded operation without proof of identity.

use guidelines::{Attempt, Observed};
use web::Access;

use super::{Site, denied};

/// An id that nobody has.
const NOBODY: &str = "00000000-0000-0000-0000-00000000a0d1";

/// Walks the list that the router is made of.
pub(super) fn anonymous(site: &Site) -> Observed<Vec<Attempt>> {
    let mut attempts = Vec::new();
    for listed in crate::serve::operations() {
        let to_sign_in = match listed.access {
            Access::AnyScope(_) => false,
            // Browsers are sent to the sign-in page.
            Access::Session(_) => true,
            Access::Public(_) | Access::Optional(_) | Access::Visitor(_) => continue,
        };
        if listed.listener != "console" {
            continue;
        }
        let path = filled(listed.operation.path);
        let method = listed.operation.method;
        // A body that nobody can read: were the guard missing, nothing would be changed.
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {{host}}\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\
             Connection: close\r\n\r\n{{"
        );
        match site.console.request(&request) {
            Ok(answer) => {
                let mut attempt = denied(format!("{method} {path}"), site.console.place(), answer.status);
                let leads_to_sign_in = answer.headers.iter().any(|(n, v)| n == "location" && v.contains("/signin"));
                attempt.refused |= to_sign_in && matches!(answer.status, Some(302 | 303)) && leads_to_sign_in;
                attempts.push(attempt);
            }
            Err(why) => {
                return Observed::unknown(format!("{}: {why}", site.console.place()), "a listener that answers");
            }
        }
    }
    Observed::Known(attempts)
}

/// A path with its parameters filled in.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.contains('{') { NOBODY } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    #[test]
    fn parameters_are_filled_in() {
        assert_eq!(super::filled("/a/{id}/b"), format!("/a/{}/b", super::NOBODY));
    }
}
