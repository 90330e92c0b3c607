//! The REST APIs over a real embedded database, called through the router in memory.

#[cfg(test)]
mod administration;
#[cfg(test)]
mod apis;
#[cfg(test)]
mod applications;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod audit_log;
#[cfg(test)]
mod chain;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod corpus_kinds;
#[cfg(test)]
mod definitions;
#[cfg(test)]
mod deltas;
#[cfg(test)]
mod gateway_rules;
#[cfg(test)]
mod governance;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod portal;
#[cfg(test)]
mod products;
#[cfg(test)]
mod projects;
#[cfg(test)]
mod revisions;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod streaming;
#[cfg(test)]
mod subscriptions;
#[cfg(test)]
mod workflows;
#[cfg(test)]
mod world;
