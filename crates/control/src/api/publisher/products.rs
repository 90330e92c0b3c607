//! `/api-products`: products, with the revisions and lifecycle that they share with APIs.

use std::sync::Arc;

use http::StatusCode;
use model::ApiDocument;
use web::{Answer, Call, Operation, Permit, RouteTable, created, json, no_content};

use super::{CHANGE, CREATE, DELETE, PUBLISH, VIEW, api_id, definitions, flag, lifecycle, query_id, revisions};
use crate::api::page::Page;
use crate::{Actor, ApiQuery, Control, ControlError};

/// Largest product object, bytes.
const BODY: usize = 4 * 1024 * 1024;
const ROOT: &str = "/api/am/publisher/v4/api-products";

pub(super) fn routes() -> RouteTable<Control> {
    let base = |id, method, path, summary| Operation::new(id, method, path, summary).body_limit(BODY);
    RouteTable::new()
        .guarded(base("publisher.products.list", "GET", ROOT, "List or search API products."), VIEW, list)
        .guarded(base("publisher.products.create", "POST", ROOT, "Create an API product."), CREATE, create)
        .guarded(
            base(
                "publisher.products.get",
                "GET",
                "/api/am/publisher/v4/api-products/{apiId}",
                "Read an API product with the operations of its members.",
            ),
            VIEW,
            get,
        )
        .guarded(
            base(
                "publisher.products.update",
                "PUT",
                "/api/am/publisher/v4/api-products/{apiId}",
                "Replace an API product, with what its members have now.",
            ),
            CHANGE,
            update,
        )
        .guarded(
            base(
                "publisher.products.delete",
                "DELETE",
                "/api/am/publisher/v4/api-products/{apiId}",
                "Remove an API product.",
            ),
            DELETE,
            delete,
        )
        .guarded(
            base(
                "publisher.products.copy",
                "POST",
                "/api/am/publisher/v4/api-products/copy-api-products",
                "Make a new version of an API product.",
            ),
            CREATE,
            copy,
        )
        .merge(revisions_of_products())
        .merge(lifecycle_of_products())
}

/// Revisions work on a product as they do on an API.
fn revisions_of_products() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(
            Operation::new(
                "publisher.products.swagger",
                "GET",
                "/api/am/publisher/v4/api-products/{apiId}/swagger",
                "Read the OpenAPI definition of an API product.",
            ),
            VIEW,
            definitions::get,
        )
        .guarded(
            Operation::new(
                "publisher.products.revisions.list",
                "GET",
                "/api/am/publisher/v4/api-products/{apiId}/revisions",
                "List the revisions of an API product.",
            ),
            VIEW,
            revisions::list,
        )
        .guarded(
            Operation::new(
                "publisher.products.revisions.create",
                "POST",
                "/api/am/publisher/v4/api-products/{apiId}/revisions",
                "Freeze the working copy of an API product as a revision.",
            ),
            CHANGE,
            revisions::create,
        )
        .guarded(
            Operation::new(
                "publisher.products.revisions.get",
                "GET",
                "/api/am/publisher/v4/api-products/{apiId}/revisions/{revisionId}",
                "Read a revision of an API product.",
            ),
            VIEW,
            revisions::get,
        )
        .guarded(
            Operation::new(
                "publisher.products.revisions.delete",
                "DELETE",
                "/api/am/publisher/v4/api-products/{apiId}/revisions/{revisionId}",
                "Remove a revision of an API product that is deployed nowhere.",
            ),
            CHANGE,
            revisions::delete,
        )
        .guarded(
            Operation::new(
                "publisher.products.revisions.deploy",
                "POST",
                "/api/am/publisher/v4/api-products/{apiId}/deploy-revision",
                "Deploy a revision of an API product to gateway environments.",
            ),
            CHANGE,
            revisions::deploy,
        )
        .guarded(
            Operation::new(
                "publisher.products.revisions.undeploy",
                "POST",
                "/api/am/publisher/v4/api-products/{apiId}/undeploy-revision",
                "Take a revision of an API product off gateway environments.",
            ),
            CHANGE,
            revisions::undeploy,
        )
        .guarded(
            Operation::new(
                "publisher.products.revisions.restore",
                "POST",
                "/api/am/publisher/v4/api-products/{apiId}/restore-revision",
                "Make a revision of an API product the working copy again.",
            ),
            CHANGE,
            restore,
        )
        .guarded(
            Operation::new(
                "publisher.products.deployments",
                "GET",
                "/api/am/publisher/v4/api-products/{apiId}/deployments",
                "List where an API product is deployed.",
            ),
            VIEW,
            revisions::deployments,
        )
}

/// So does the lifecycle.
fn lifecycle_of_products() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(
            Operation::new(
                "publisher.products.change-lifecycle",
                "POST",
                "/api/am/publisher/v4/api-products/change-lifecycle",
                "Carry out a lifecycle action on an API product.",
            ),
            PUBLISH,
            change_lifecycle,
        )
        .guarded(
            Operation::new(
                "publisher.products.lifecycle-state",
                "GET",
                "/api/am/publisher/v4/api-products/{apiId}/lifecycle-state",
                "Read the lifecycle state of an API product with the actions it allows.",
            ),
            VIEW,
            lifecycle::state,
        )
        .guarded(
            Operation::new(
                "publisher.products.lifecycle-history",
                "GET",
                "/api/am/publisher/v4/api-products/{apiId}/lifecycle-history",
                "List all lifecycle changes of an API product.",
            ),
            VIEW,
            lifecycle::history,
        )
        .guarded(
            Operation::new(
                "publisher.products.withdraw-lifecycle",
                "DELETE",
                "/api/am/publisher/v4/api-products/{apiId}/lifecycle-state/pending-tasks",
                "Withdraw a lifecycle action that waits for an administrator.",
            ),
            PUBLISH,
            lifecycle::withdraw,
        )
}

fn location(product: &ApiDocument) -> String {
    format!("{ROOT}/{}", product.text("id"))
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let page = Page::of(&call)?;
    let query = call.query("query").unwrap_or_default();
    let wanted = ApiQuery { products: true, ..ApiQuery::of(query, page.part()) };
    let found = control.search_apis(&Actor::of(&permit), &wanted).await?;
    Ok(json(StatusCode::OK, &page.list(found.total, found.entries)))
}

async fn create(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let made = control.create_product(&Actor::of(&permit), call.json()?).await?;
    Ok(created(&location(&made), &made))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &control.product(&Actor::of(&permit), api_id(&call)?).await?))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let changed = control.update_product(&Actor::of(&permit), api_id(&call)?, call.json()?).await?;
    Ok(json(StatusCode::OK, &changed))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    control.delete_product(&Actor::of(&permit), api_id(&call)?).await?;
    Ok(no_content(StatusCode::OK))
}

async fn copy(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let id = query_id(&call, "apiProductId")?;
    let version = call.query("newVersion").unwrap_or_default();
    let made = control.copy_product(&Actor::of(&permit), id, version, flag(&call, "defaultVersion", false)).await?;
    Ok(created(&location(&made), &made))
}

async fn restore(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let revision = revisions::revision_of(&call)?;
    let restored = control.restore_product(&Actor::of(&permit), api_id(&call)?, revision).await?;
    Ok(json(StatusCode::CREATED, &restored))
}

async fn change_lifecycle(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let id = query_id(&call, "apiProductId")?;
    control.product(&Actor::of(&permit), id).await?;
    lifecycle::change_of(&control, &permit, &call, id).await
}
