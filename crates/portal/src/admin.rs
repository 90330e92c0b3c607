//! The Admin console, for those who run the place.

use web::RouteTable;

use crate::Portal;
use crate::console::Entry;

/// The left navigation.
pub(crate) const NAV: &[Entry] = &[];

/// The console's pages.
pub(crate) fn routes() -> RouteTable<Portal> {
    RouteTable::new()
}
