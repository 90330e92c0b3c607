//! One look at a listener: everything that it can be talked into.

use std::collections::BTreeSet;

use guidelines::{ProbedCertificate, TlsProbe};

use super::connection::{Connection, Flight, Reply, Target, TargetError, ask};
use super::hello::{ClientHello, ssl2_hello};
use super::message::KeyExchange;
use super::session::{Second, chain13, renegotiate};
use super::{Certificate, Group, Suite, SuiteTrait, Version};

/// Most chains that are kept: one for each kind of key.
const MAX_CHAINS: usize = 8;

/// What a listener answered to the wish to renegotiate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renegotiation {
    /// It did as the client wished.
    Accepted,
    /// It refused, or there is no such thing in the versions it speaks.
    Refused,
    /// It could not be tried: no suite that the prober can complete a handshake with.
    Untried,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Versions with the suites that were accepted in each, in the order in which the listener chose them.
    pub accepted: Vec<(Version, Vec<Suite>)>,
    /// Groups for key exchange, in TLS 1.2 and 1.3 together.
    pub groups: Vec<Group>,
    /// The smallest modulus that was seen in a finite-field exchange, in bits.
    pub finite_field_bits: Option<usize>,
    /// Certificate chains, leaf first, as DER; several when the listener has several certificates.
    pub chains: Vec<Vec<Vec<u8>>>,
    /// Whether it agreed to compress (CRIME).
    pub compression: bool,
    /// Whether it says that it knows secure renegotiation (RFC 5746). True where only TLS 1.3 is spoken.
    pub secure_renegotiation: bool,
    /// Whether a client can start a renegotiation.
    pub client_renegotiation: Renegotiation,
    /// Whether a downgrade is noticed (RFC 7507); true where there is one version only.
    pub downgrade_refused: bool,
}

impl Survey {
    /// Versions that were agreed on.
    pub fn versions(&self) -> impl Iterator<Item = Version> {
        self.accepted.iter().map(|(version, _)| *version)
    }

    /// Suites of all versions, each once.
    pub fn suites(&self) -> BTreeSet<Suite> {
        self.accepted.iter().flat_map(|(_, suites)| suites.iter().copied()).collect()
    }

    /// As a fact that checks can judge. `place` names the listener, `host` is the name its certificate should be for.
    pub fn fact(&self, place: &str, host: &str) -> TlsProbe {
        let groups: Vec<Group> = self.groups.clone();
        let suites = self.accepted.iter().flat_map(|(version, suites)| {
            suites.iter().map(move |suite| {
                let weak = suite.traits().into_iter().filter(|found| *found != SuiteTrait::Aead);
                let mut weak: Vec<String> = weak.map(|found| found.words().to_owned()).collect();
                if *version == Version::Ssl2 {
                    weak.push("SSL 2.0".to_owned());
                }
                (suite.name(), weak)
            })
        });
        let certificates = self.leaves().into_iter().map(|leaf| ProbedCertificate {
            weak_key: leaf.has_weak_key().then(|| format!("{:?}", leaf.key)),
            weak_signature: leaf.has_weak_signature().then(|| leaf.signature.clone()),
            not_before: leaf.not_before.saturating_mul(1000),
            not_after: leaf.not_after.saturating_mul(1000),
            for_host: leaf.is_for(host),
            subject: leaf.subject,
        });
        TlsProbe {
            place: place.to_owned(),
            versions: self.versions().map(|version| version.name().to_owned()).collect(),
            suites: suites.collect(),
            smallest_group: groups.iter().filter(|g| !g.is_finite_field()).map(|g| g.bits()).min(),
            finite_field: self
                .finite_field_bits
                .or_else(|| groups.iter().filter(|g| g.is_finite_field()).map(|g| usize::from(g.bits())).min()),
            groups: groups.into_iter().map(Group::name).collect(),
            compression: self.compression,
            client_renegotiation: match self.client_renegotiation {
                Renegotiation::Accepted => Some(true),
                Renegotiation::Refused => Some(false),
                Renegotiation::Untried => None,
            },
            secure_renegotiation: self.secure_renegotiation,
            downgrade_refused: self.downgrade_refused,
            certificates: certificates.collect(),
        }
    }

    /// The leaf certificates that can be read.
    pub fn leaves(&self) -> Vec<Certificate> {
        self.chains.iter().filter_map(|chain| Certificate::read(chain.first()?)).collect()
    }
}

/// Looks at a listener. Opens some fifty connections, one after the other; sends nothing but handshakes.
///
/// # Errors
/// [`TargetError`] when there is nothing to look at. A single connection that fails later is such an error too: what
/// was not seen is not reported as absent.
pub fn survey(target: &Target) -> Result<Survey, TargetError> {
    let mut look = Look { target, chains: Vec::new(), bits: None, secure: None };
    let mut accepted = Vec::new();
    for version in Version::ALL {
        let suites = look.suites(version)?;
        if !suites.is_empty() {
            accepted.push((version, suites));
        }
    }
    let versions: Vec<Version> = accepted.iter().map(|(version, _)| *version).collect();
    let Some(newest) = versions.last().copied() else { return Err(TargetError::NoHandshake) };
    let of = |wanted: Version| accepted.iter().find(|(v, _)| *v == wanted).map_or(&[][..], |(_, s)| s.as_slice());
    let classic = accepted.iter().rfind(|(v, _)| (Version::Tls10..=Version::Tls12).contains(v));
    let groups = look.groups(of(Version::Tls13), classic)?;
    if look.chains.is_empty()
        && newest == Version::Tls13
        && let Some(chain) = chain13(target)?
    {
        look.chains.push(chain);
    }
    let old = accepted.iter().rfind(|(v, _)| (Version::Ssl3..=Version::Tls12).contains(v));
    let compression = match old {
        Some((version, suites)) => look.compresses(*version, suites)?,
        None => false,
    };
    let client_renegotiation = match old {
        None => Renegotiation::Refused,
        Some(_) => match renegotiate(target)? {
            Some(Second::Accepted) => Renegotiation::Accepted,
            Some(Second::Refused) => Renegotiation::Refused,
            None => Renegotiation::Untried,
        },
    };
    let downgrade_refused = match old {
        Some((version, suites)) if *version < newest => look.refuses_downgrade(*version, suites)?,
        // Two versions below 1.3: the older one must be refused when the client says that it fell back.
        Some((version, _)) => match accepted.iter().rfind(|(v, _)| v < version && *v > Version::Ssl3) {
            Some((older, suites)) => look.refuses_downgrade(*older, suites)?,
            None => true,
        },
        None => true,
    };
    Ok(Survey {
        groups,
        finite_field_bits: look.bits,
        compression,
        secure_renegotiation: look.secure.unwrap_or(true),
        client_renegotiation,
        downgrade_refused,
        chains: look.chains,
        accepted,
    })
}

/// What is gathered on the way.
struct Look<'a> {
    target: &'a Target,
    chains: Vec<Vec<Vec<u8>>>,
    bits: Option<usize>,
    secure: Option<bool>,
}

impl Look<'_> {
    /// The suites of a version: all are offered, the one that is chosen is left out next time, until nothing is chosen.
    fn suites(&mut self, version: Version) -> Result<Vec<Suite>, TargetError> {
        if version == Version::Ssl2 {
            return self.ssl2();
        }
        let mut offered = if version == Version::Tls13 { Suite::of_tls13() } else { Suite::before_tls13() };
        let mut accepted = Vec::new();
        while !offered.is_empty() {
            let hello = ClientHello::new(version, &offered, &self.target.name);
            let Some(flight) = self.ask(&hello)? else { break };
            let chosen = Suite(flight.hello.suite);
            if flight.hello.version != version.number() || !offered.contains(&chosen) {
                break;
            }
            self.remember(&flight);
            offered.retain(|suite| *suite != chosen);
            accepted.push(chosen);
        }
        Ok(accepted)
    }

    /// SSL 2.0 has a hello and suites of its own; what matters is whether it is spoken.
    fn ssl2(&self) -> Result<Vec<Suite>, TargetError> {
        let mut connection = Connection::open(self.target)?;
        connection.send(&ssl2_hello());
        let answer = connection.raw(5);
        // A SERVER-HELLO: a length with the high bit set, type 4, session id hit, certificate type.
        let spoken = matches!(answer, [length, _, 4, ..] if length & 0x80 != 0);
        Ok(if spoken { vec![Suite(0)] } else { Vec::new() })
    }

    fn ask(&self, hello: &ClientHello<'_>) -> Result<Option<Box<Flight>>, TargetError> {
        Ok(match ask(self.target, &hello.record())? {
            Reply::Hello(flight) => Some(flight),
            Reply::Refusal => None,
        })
    }

    fn remember(&mut self, flight: &Flight) {
        if !flight.chain.is_empty() && !self.chains.contains(&flight.chain) && self.chains.len() < MAX_CHAINS {
            self.chains.push(flight.chain.clone());
        }
        if let Some(KeyExchange::FiniteField { bits }) = flight.exchange {
            self.bits = Some(self.bits.map_or(bits, |smallest| smallest.min(bits)));
        }
        if (0x0301..=0x0303).contains(&flight.hello.version) {
            self.secure = Some(self.secure.unwrap_or(true) && flight.hello.renegotiation.is_some());
        }
    }

    /// Every group, offered alone.
    fn groups(&self, of13: &[Suite], classic: Option<&(Version, Vec<Suite>)>) -> Result<Vec<Group>, TargetError> {
        let (version, curves) = classic.map_or((Version::Tls12, Vec::new()), |(version, suites)| {
            (*version, suites.iter().copied().filter(|s| s.name().contains("ECDHE")).collect())
        });
        let mut found = Vec::new();
        for group in Group::all() {
            let only = [group];
            let mut accepted = false;
            if !of13.is_empty() {
                // No share: a server that knows the group asks for one, and nothing has to be computed.
                let mut hello = ClientHello::new(Version::Tls13, of13, &self.target.name);
                hello.groups = &only;
                let flight = self.ask(&hello)?;
                accepted = flight.is_some_and(|flight| flight.hello.group == Some(group.0));
            }
            if !accepted && !curves.is_empty() && !group.is_finite_field() {
                let mut hello = ClientHello::new(version, &curves, &self.target.name);
                hello.groups = &only;
                let flight = self.ask(&hello)?;
                accepted = flight.is_some_and(
                    |flight| matches!(flight.exchange, Some(KeyExchange::Curve { group: g, .. }) if g == group.0),
                );
            }
            if accepted {
                found.push(group);
            }
        }
        Ok(found)
    }

    fn compresses(&self, version: Version, suites: &[Suite]) -> Result<bool, TargetError> {
        let mut hello = ClientHello::new(version, suites, &self.target.name);
        hello.compression = &[1, 0];
        Ok(self.ask(&hello)?.is_some_and(|flight| flight.hello.compression != 0))
    }

    /// A hello of an older version that says it is a fallback must meet `inappropriate_fallback` (86).
    fn refuses_downgrade(&self, version: Version, suites: &[Suite]) -> Result<bool, TargetError> {
        let mut hello = ClientHello::new(version, suites, &self.target.name);
        hello.fallback = true;
        if let Some(flight) = self.ask(&hello)? {
            // RFC 8446 section 4.1.3: the last bytes of the random value tell a client of TLS 1.3 as well.
            return Ok(flight.hello.random.ends_with(b"DOWNGRD\x01") || flight.hello.random.ends_with(b"DOWNGRD\x00"));
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
