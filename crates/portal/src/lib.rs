//! Pages for people: the set-up of the first administrator, and what the consoles answer until it is done.
//!
//! A page is a struct with a template and a `sample()`; every answer goes through `page`, which sets the headers. Forms
//! go through `form`, which checks where they come from. May depend on `control`, `identity`, `web` and `model`; what
//! the pages need from elsewhere is the port [`FirstAdministrator`].
//!
//! To add a page: a file in `pages/` with its template, one route line in [`routes`], one line in the sweep test.

mod assets;
mod form;
mod page;
mod pages;
mod port;

use std::sync::Arc;

use model::Rng;
use web::{Operation, RouteTable};

pub use port::{Field, FieldFault, FirstAdministrator, SetUpFault};

/// What the pages need.
pub struct Portal {
    first: Arc<dyn FirstAdministrator>,
    rng: Arc<dyn Rng>,
    console: String,
    gateway: String,
}

impl Portal {
    /// `console` and `gateway` are base URLs as people type them, without a slash at the end.
    pub fn new(first: Arc<dyn FirstAdministrator>, rng: Arc<dyn Rng>, console: String, gateway: String) -> Self {
        Self { first, rng, console, gateway }
    }
}

const LINK: &str = "the one-time link itself is the proof";
const NOTHING: &str = "shows nothing that a visitor may not know";

/// All pages.
pub fn routes() -> RouteTable<Portal> {
    const fn get(id: &'static str, path: &'static str, summary: &'static str) -> Operation {
        Operation::new(id, "GET", path, summary)
    }
    let mut table = RouteTable::new()
        .public(
            get("portal.set_up.show", "/setup/{token}", "Form for the first administrator"),
            LINK,
            pages::set_up::show,
        )
        .public(
            Operation::new("portal.set_up.send", "POST", "/setup/{token}", "Create the first administrator")
                .body_limit(16 * 1024),
            LINK,
            pages::set_up::send,
        )
        .public(get("portal.set_up.pending", "/setup", "Where the set-up link is"), NOTHING, pages::set_up::pending)
        .public(get("portal.asset", "/assets/{hash}/{name}", "Style sheets and pictures"), NOTHING, assets::serve);
    for path in CONSOLES {
        table = table.public(get("portal.home", path, "Start page"), NOTHING, pages::home::show);
    }
    table
}

/// Paths of the consoles, as WSO2 has them.
const CONSOLES: [&str; 10] = [
    "/",
    "/publisher",
    "/publisher/{*rest}",
    "/devportal",
    "/devportal/{*rest}",
    "/admin",
    "/admin/{*rest}",
    "/carbon",
    "/carbon/{*rest}",
    "/console",
];

#[cfg(test)]
mod tests;
