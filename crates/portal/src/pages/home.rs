//! The start page, and the way to the set-up while nobody is set up.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use web::{Answer, Call, RestError};

use crate::assets::{Paths, paths};
use crate::page::PageError;
use crate::{Portal, console, page};

#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct Home<'a> {
    assets: &'a Paths,
    console: &'a str,
    gateway: &'a str,
    person: String,
}

/// Every console path: the start page, or the set-up first.
pub(crate) async fn show(portal: Arc<Portal>, call: Call) -> Result<Answer, RestError> {
    if portal.first.is_pending().await.map_err(RestError::unavailable)? {
        return Ok(page::see_other("/setup"));
    }
    let person = portal.identity.session(&call.headers).await?.map(|own| own.display_name()).unwrap_or_default();
    page::answer(StatusCode::OK, &Home { assets: paths(), console: &portal.console, gateway: &portal.gateway, person })
}

/// What is at no address of a console: says so, or leads to the set-up first.
pub(crate) async fn nothing(portal: Arc<Portal>, _: Call) -> Result<Answer, PageError> {
    if portal.first.is_pending().await.map_err(RestError::unavailable)? {
        return Ok(page::see_other("/setup"));
    }
    Err(console::nothing_here().into())
}

#[cfg(test)]
impl Home<'_> {
    pub(crate) fn sample() -> Self {
        Home {
            assets: paths(),
            console: "https://localhost:9443",
            gateway: "https://localhost:8243",
            person: "<b>alice</b>".into(),
        }
    }
}
