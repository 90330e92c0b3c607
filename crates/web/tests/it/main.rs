//! The edge kit from outside: routes, permits, tenant paths, bodies, local socket.

mod routes;
mod socket;
