//! Integration tests of crate `vault`, through its public API only.

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod keytool;
#[cfg(test)]
mod openssl;
#[cfg(test)]
mod whole;
