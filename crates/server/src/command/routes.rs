//! The operations of every listener with who may call them: a page for reviewers, and JSON for the denial matrix.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use web::Access;

use crate::serve::{ListedOperation, operations};

/// The reference page. What anybody may call comes first, by reason: that list is what a review has to look at.
pub(super) fn markdown() -> String {
    let all = operations();
    let mut page = String::from(
        "# Operations and who may call them\n\nMade by `portcullis generate routes` from the route tables of the running \
         program: an operation that is not here does not exist. A test walks all of them with every kind of caller that \
         must not get through. The gateway's own routes are the published APIs.\n\n## Public operations\n\nAnybody may \
         call these, for the reason above each list.\n",
    );
    for (reason, list) in by_reason(&all) {
        let _ = writeln!(page, "\n{reason}:\n");
        for listed in list {
            let _ = writeln!(page, "- {}", line(listed));
        }
    }
    page.push_str(
        "\n## Pages for signed-in people\n\nOnly a browser session counts; forms carry a token of their own.\n\n",
    );
    for listed in &all {
        if let Access::Session(scopes) = listed.access {
            let _ = writeln!(page, "- {}{}", line(listed), scopes_of(scopes));
        }
    }
    page.push_str(
        "\n## Operations that need a scope\n\nOne of the scopes after each operation is enough. Which roles have a scope \
         is each tenant's scope table.\n\n",
    );
    for listed in &all {
        if let Access::AnyScope(scopes) = listed.access {
            let _ = writeln!(page, "- {}{}", line(listed), scopes_of(scopes));
        }
    }
    page
}

fn by_reason(all: &[ListedOperation]) -> BTreeMap<String, Vec<&ListedOperation>> {
    let mut found: BTreeMap<String, Vec<&ListedOperation>> = BTreeMap::new();
    for listed in all {
        let reason = match listed.access {
            Access::Public(reason) => reason.to_owned(),
            Access::Optional(reason) | Access::Visitor(reason) => format!("{reason} (who signs in sees more)"),
            Access::AnyScope(_) | Access::Session(_) => continue,
        };
        found.entry(reason).or_default().push(listed);
    }
    found
}

fn line(listed: &ListedOperation) -> String {
    let ListedOperation { listener, operation, .. } = listed;
    let on = if *listener == "console" { String::new() } else { format!(" on the {listener} listener") };
    format!("`{} {}`{on}: {} (`{}`)", operation.method, operation.path, operation.summary, operation.id)
}

fn scopes_of(scopes: &[&str]) -> String {
    if scopes.is_empty() {
        return String::new();
    }
    format!("; {}", scopes.iter().map(|scope| format!("`{scope}`")).collect::<Vec<_>>().join(", "))
}

/// The same for programs.
pub(super) fn json() -> String {
    let described = |listed: &ListedOperation| -> Value {
        let (access, scopes): (&str, &[&str]) = match listed.access {
            Access::AnyScope(scopes) => ("scope", scopes),
            Access::Session(scopes) => ("session", scopes),
            Access::Public(_) => ("public", &[]),
            Access::Optional(_) => ("optional", &[]),
            Access::Visitor(_) => ("visitor", &[]),
        };
        json!({
            "listener": listed.listener,
            "id": listed.operation.id,
            "method": listed.operation.method,
            "path": listed.operation.path,
            "access": access,
            "scopes": scopes,
        })
    };
    Value::Array(operations().iter().map(described).collect()).to_string()
}
