//! The sample backend: the restaurant of `assets/pizza-menu.yaml`, on loopback, in memory.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{DefaultBodyLimit, RawPathParams, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http_body_util::{BodyExt as _, Limited};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

/// Orders that are remembered; older ones are forgotten.
const ORDERS: usize = 1000;

/// Largest order, bytes.
const BODY: usize = 4096;

const MENU: [(&str, f64); 4] = [("Margherita", 8.5), ("Funghi", 9.5), ("Quattro formaggi", 11.0), ("Diavola", 10.5)];

#[derive(Default)]
struct Orders {
    placed: Vec<Value>,
    next: u64,
}

type Shared = Arc<Mutex<Orders>>;

/// A running backend.
pub(super) struct Backend {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Backend {
    /// Listens on loopback.
    pub(super) async fn start(port: u16) -> Outcome<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.map_err(|e| {
            Failure::new(
                Exit::Occupied,
                "NET001",
                format!("the sample backend cannot use 127.0.0.1:{port}"),
                e.to_string(),
                "stop the other program (ss -ltnp), or shift every port: offset = 10 under [server] in deployment.toml",
            )
        })?;
        let (stop, mut stopped) = watch::channel(false);
        let router = Router::new()
            .route("/menu", get(menu))
            .route("/orders", post(place))
            .route("/orders/{number}", get(read))
            .layer(DefaultBodyLimit::max(BODY))
            .with_state(Shared::default());
        let task = tokio::spawn(async move {
            let ended = async move {
                let _ = stopped.wait_for(|stopped| *stopped).await;
            };
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(ended).await {
                tracing::error!(reason = %error, "the sample backend ended");
            }
        });
        Ok(Self { stop, task })
    }

    /// Ends it. Idle connections of the gateway are not waited for.
    pub(super) async fn stop(self) {
        let _ = self.stop.send(true);
        self.task.abort();
        let _ = self.task.await;
    }
}

fn answer(status: StatusCode, value: &Value) -> Response {
    (status, [("content-type", "application/json")], value.to_string()).into_response()
}

async fn menu() -> Response {
    let pizzas: Vec<Value> = MENU.iter().map(|(name, price)| json!({ "name": name, "price": price })).collect();
    answer(StatusCode::OK, &json!(pizzas))
}

async fn place(State(orders): State<Shared>, request: Request) -> Response {
    let refuse = |text: &str| answer(StatusCode::BAD_REQUEST, &json!({ "error": text }));
    let Ok(body) = Limited::new(request.into_body(), BODY).collect().await else { return refuse("too large") };
    let Ok(order) = serde_json::from_slice::<Value>(&body.to_bytes()) else { return refuse("not JSON") };
    let Some((pizza, _)) = MENU.iter().find(|(name, _)| order.get("pizza").is_some_and(|p| p == name)) else {
        return refuse("no such pizza");
    };
    let quantity = order.get("quantity").and_then(Value::as_u64).unwrap_or(1).clamp(1, 100);
    let mut orders = orders.lock().unwrap_or_else(PoisonError::into_inner);
    orders.next = orders.next.saturating_add(1);
    let placed = json!({ "number": orders.next, "pizza": pizza, "quantity": quantity });
    if orders.placed.len() >= ORDERS {
        orders.placed.remove(0);
    }
    orders.placed.push(placed.clone());
    answer(StatusCode::CREATED, &placed)
}

async fn read(State(orders): State<Shared>, path: RawPathParams) -> Response {
    let number: Option<u64> = path.iter().find(|(name, _)| *name == "number").and_then(|(_, value)| value.parse().ok());
    let orders = orders.lock().unwrap_or_else(PoisonError::into_inner);
    let found =
        orders.placed.iter().find(|order| order.get("number").and_then(Value::as_u64) == number && number.is_some());
    match found {
        Some(order) => answer(StatusCode::OK, order),
        None => answer(StatusCode::NOT_FOUND, &json!({ "error": "no such order" })),
    }
}
