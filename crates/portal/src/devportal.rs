//! The Developer Portal: what there is, how it is called, and the consumer's own applications.

mod files;

use web::RouteTable;

use crate::Portal;
use crate::console::Entry;

/// Why pages about APIs are open.
const OPEN: &str = "The Developer Portal shows public APIs to everybody unless [apim.devportal] enable_anonymous_mode \
                    is off; what is not public needs a session.";

/// The left navigation.
pub(crate) const NAV: &[Entry] = &[];

/// All pages.
pub(crate) fn routes() -> RouteTable<Portal> {
    RouteTable::new().visit(
        crate::get("portal.devportal.picture", "/devportal/apis/{api}/picture", "Picture of an API"),
        OPEN,
        files::picture,
    )
}
