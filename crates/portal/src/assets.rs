//! Style sheets, scripts, icons and the mark, embedded, under a path that changes with their content.

use std::sync::{Arc, LazyLock};

use http::{HeaderValue, StatusCode, header};
use web::{Answer, Call, RestError};

use crate::Portal;

struct Asset {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

const ASSETS: [Asset; 7] = [
    Asset { name: "tokens.css", media_type: CSS, bytes: include_bytes!("../assets/tokens.css") },
    Asset { name: "page.css", media_type: CSS, bytes: include_bytes!("../assets/page.css") },
    Asset { name: "mark.svg", media_type: SVG, bytes: include_bytes!("../assets/mark.svg") },
    Asset { name: "console.css", media_type: CSS, bytes: include_bytes!("../assets/console.css") },
    Asset { name: "console.js", media_type: SCRIPT, bytes: include_bytes!("../assets/console.js") },
    // htmx 2.0.11 as its authors publish it; its licence (0BSD) lies beside it.
    Asset { name: "htmx.js", media_type: SCRIPT, bytes: include_bytes!("../assets/htmx.min.js") },
    Asset { name: "icons.svg", media_type: SVG, bytes: include_bytes!("../assets/icons.svg") },
];

/// Paths of the assets, for templates.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    pub(crate) tokens: String,
    pub(crate) page: String,
    pub(crate) mark: String,
    /// Style sheet of the consoles.
    pub(crate) console: String,
    /// Script of the consoles.
    pub(crate) script: String,
    /// The library for partial pages.
    pub(crate) htmx: String,
    /// The icons, each a symbol.
    pub(crate) icons: String,
}

/// The paths; computed once.
pub(crate) fn paths() -> &'static Paths {
    static PATHS: LazyLock<Paths> = LazyLock::new(|| {
        let path = |asset: &Asset| format!("/assets/{}/{}", hash(asset.bytes), asset.name);
        let [tokens, page, mark, console, script, htmx, icons] = ASSETS.each_ref().map(path);
        Paths { tokens, page, mark, console, script, htmx, icons }
    });
    &PATHS
}

/// FNV-1a, 64 bits: tells versions of our own files apart, which is all that is needed.
pub(crate) fn hash(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}

/// Serves one. Another hash than the current one is not found, so that no cache keeps wrong content.
pub(crate) async fn serve(_: Arc<Portal>, call: Call) -> Result<Answer, RestError> {
    let (wanted, name) = (call.path("hash")?, call.path("name")?);
    let asset = ASSETS.iter().find(|a| a.name == name && hash(a.bytes) == wanted);
    let asset = asset.ok_or_else(|| RestError::not_found("There is nothing at this path."))?;
    let mut answer = web::text(StatusCode::OK, asset.media_type, asset.bytes);
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    answer.headers_mut().insert(header::CACHE_CONTROL, forever);
    Ok(answer)
}
