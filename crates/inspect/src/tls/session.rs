//! Handshakes that are completed, for what shows only behind them: the attempt to renegotiate (RFC 5746; guideline
//! A14), and the certificate of a listener that speaks TLS 1.3 alone.

use super::cipher::{Aead, Direction, Hash, public, shared};
use super::connection::{Connection, Flight, Reply, Target, TargetError};
use super::hello::{ClientHello, handshake, put8, record};
use super::message::{Assembly, KeyExchange, certificates13};
use super::{Group, Suite, Version};

/// Suites of TLS 1.2 that a handshake can be completed with here.
const SUITES12: &[Suite] = &[Suite(0xc02f), Suite(0xc02b), Suite(0xc030), Suite(0xc02c), Suite(0xcca8), Suite(0xcca9)];

/// Suites of TLS 1.3 that can be read here.
const SUITES13: &[Suite] = &[Suite(0x1301), Suite(0x1302), Suite(0x1303)];

/// Groups that can be computed with here.
const GROUPS: &[Group] = &[Group::X25519, Group::P256];

/// How a server answered a second hello on the same connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Second {
    /// With a ServerHello: it renegotiates when the client wants it.
    Accepted,
    /// With an alert, an end, or nothing.
    Refused,
}

/// Completes a handshake of TLS 1.2 and sends another hello. `None` when no handshake could be completed.
pub(super) fn renegotiate(target: &Target) -> Result<Option<Second>, TargetError> {
    let mut connection = Connection::open(target)?;
    let mut hello = ClientHello::new(Version::Tls12, SUITES12, &target.name);
    hello.groups = GROUPS;
    connection.send(&hello.record());
    let Reply::Hello(flight) = connection.flight()? else { return Ok(None) };
    let Some(mut session) = Session::establish(&mut connection, &hello, &flight) else { return Ok(None) };
    // The second hello names the first handshake, as an honest client does.
    hello.renegotiation = Some(&session.verify_data);
    let Some(sealed) = session.ours.seal(22, &hello.message()) else { return Ok(None) };
    connection.send(&record(22, 0x0303, &sealed));
    loop {
        let Ok(Some(next)) = connection.record() else { return Ok(Some(Second::Refused)) };
        let Some(content) = session.theirs.open(next.kind, &next.content) else { return Ok(None) };
        match (next.kind, content.first()) {
            (22, Some(2)) => return Ok(Some(Second::Accepted)),
            // A HelloRequest or a ticket may be on its way already.
            (22, Some(0 | 4)) => {}
            _ => return Ok(Some(Second::Refused)),
        }
    }
}

struct Session {
    ours: Direction,
    theirs: Direction,
    verify_data: Vec<u8>,
}

impl Session {
    /// RFC 5246 section 7.3 from the server's first flight on.
    fn establish(connection: &mut Connection, hello: &ClientHello<'_>, flight: &Flight) -> Option<Self> {
        let suite = Suite(flight.hello.suite).name();
        let (hash, aead) = (Hash::of(&suite), Aead::of(&suite, false)?);
        let Some(KeyExchange::Curve { group, public: theirs }) = &flight.exchange else { return None };
        let premaster = shared(Group(*group), theirs)?;
        let randoms = [hello.random, flight.hello.random].concat();
        let master = hash.prf(&premaster, "master secret", &randoms, 48);
        let (key, iv) = (aead.key_length(), aead.fixed());
        let seed = [flight.hello.random, hello.random].concat();
        let block = hash.prf(&master, "key expansion", &seed, 2 * (key + iv));
        let (client_key, rest) = block.split_at_checked(key)?;
        let (server_key, rest) = rest.split_at_checked(key)?;
        let (client_iv, server_iv) = rest.split_at_checked(iv)?;
        let mut ours = Direction::new(aead, client_key, client_iv)?;
        let mut server = Direction::new(aead, server_key, server_iv)?;

        let mut messages = Vec::new();
        if flight.wants_certificate {
            messages.extend(handshake(11, &[0, 0, 0]));
        }
        let mut exchange = Vec::new();
        put8(&mut exchange, &public(Group(*group))?);
        messages.extend(handshake(16, &exchange));
        let transcript = [hello.message().as_slice(), &flight.transcript, &messages].concat();
        let verify_data = hash.prf(&master, "client finished", &hash.digest(&transcript), 12);
        let finished = ours.seal(22, &handshake(20, &verify_data))?;
        let sent = [record(22, 0x0303, &messages), record(20, 0x0303, &[1]), record(22, 0x0303, &finished)];
        connection.send(&sent.concat());
        loop {
            match connection.record().ok()?? {
                next if next.kind == 22 => {
                    let opened = server.open(22, &next.content)?;
                    return (opened.first() == Some(&20)).then_some(Self { ours, theirs: server, verify_data });
                }
                next if next.kind == 20 => {}
                _ => return None,
            }
        }
    }
}

/// The chain that a server shows in TLS 1.3, where certificates are encrypted. `None` when it cannot be read.
pub(super) fn chain13(target: &Target) -> Result<Option<Vec<Vec<u8>>>, TargetError> {
    let mut connection = Connection::open(target)?;
    let mut hello = ClientHello::new(Version::Tls13, SUITES13, &target.name);
    hello.groups = GROUPS;
    let shares: Vec<_> = GROUPS.iter().filter_map(|group| Some((*group, public(*group)?))).collect();
    hello.shares = &shares;
    connection.send(&hello.record());
    let Reply::Hello(flight) = connection.flight()? else { return Ok(None) };
    Ok(read_chain(&mut connection, &hello, &flight))
}

/// RFC 8446 section 7.1 up to the server's handshake keys, then its messages up to the certificate.
fn read_chain(connection: &mut Connection, hello: &ClientHello<'_>, flight: &Flight) -> Option<Vec<Vec<u8>>> {
    let suite = Suite(flight.hello.suite).name();
    let (hash, aead) = (Hash::of(&suite), Aead::of(&suite, true)?);
    let secret = shared(Group(flight.hello.group?), &flight.hello.share)?;
    let zeros = vec![0; hash.length()];
    let early = hash.hmac(&zeros, &zeros);
    let derived = hash.expand(&early, "derived", &hash.digest(&[]), hash.length());
    let handshake_secret = hash.hmac(&derived, &secret);
    let transcript = hash.digest(&[hello.message().as_slice(), &flight.transcript].concat());
    let traffic = hash.expand(&handshake_secret, "s hs traffic", &transcript, hash.length());
    let key = hash.expand(&traffic, "key", &[], aead.key_length());
    let iv = hash.expand(&traffic, "iv", &[], 12);
    let mut server = Direction::new(aead, &key, &iv)?;
    let mut assembly = Assembly::default();
    loop {
        let record = connection.record().ok()??;
        match record.kind {
            20 => {}
            23 => {
                let (kind, content) = server.open13(&record.content)?;
                if kind != 22 || !assembly.push(&content) {
                    return None;
                }
                while let Some((kind, body, _)) = assembly.next() {
                    if kind == 11 {
                        return certificates13(&body);
                    }
                }
            }
            _ => return None,
        }
    }
}
