use super::{Envelope, MAX_PLAINTEXT, OpenError, SealError, is_sealed, open, seal};
use crate::testing::{CountingRng, error_of};
use model::Secret;

fn key(byte: u8) -> Secret<[u8; 32]> {
    Secret::new([byte; 32])
}

/// Permanent: whatever changes, these open. Key: 32 times 0x42.
const VECTORS: [(&str, &str, &str); 3] = [
    ("secrets/admin", "s3cret", "{v1:1-0badcafe:AAECAwQFBgcICQoLB4uuJnbt8q_UWK309lnTZCQKSDXwW7FcRLA}"),
    (
        "secrets/ünïcode",
        "pässwörd \u{1f512}",
        "{v1:1-0badcafe:DA0ODxAREhMUFRYXji3r4tx_ia7WVjhEkCnkW6ETxCANtmShi94voTFJ7-JzkbM}",
    ),
    ("endpoint/7/password", "", "{v1:1-0badcafe:GBkaGxwdHh8gISIj55YsRBxNgWbqTleVNwb8ksmEhJ4}"),
];

#[test]
fn permanent_vectors_open() {
    for (context, plain, sealed) in VECTORS {
        let envelope = Envelope::parse(sealed).unwrap();
        assert_eq!(envelope.key_id, "1-0badcafe");
        assert_eq!(open(&key(0x42), &envelope, context).unwrap().expose(), plain.as_bytes());
    }
}

#[test]
fn sealing_is_reproducible_with_a_given_rng() {
    let rng = CountingRng::default();
    for (context, plain, sealed) in VECTORS {
        assert_eq!(seal(&key(0x42), "1-0badcafe", plain.as_bytes(), context, &rng).unwrap(), sealed);
    }
}

#[test]
fn every_changed_character_is_noticed() {
    let sealed = VECTORS[0].2;
    let start = sealed.rfind(':').unwrap() + 1;
    for at in start..sealed.len() - 1 {
        let mut bytes = sealed.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let text = String::from_utf8(bytes).unwrap();
        let result = Envelope::parse(&text).and_then(|e| open(&key(0x42), &e, VECTORS[0].0));
        assert!(result.is_err(), "character {at}");
    }
    for cut in start..sealed.len() - 1 {
        let text = format!("{}}}", &sealed[..cut]);
        let result = Envelope::parse(&text).and_then(|e| open(&key(0x42), &e, VECTORS[0].0));
        assert_eq!(error_of(result), OpenError::Damaged, "cut at {cut}");
    }
}

#[test]
fn a_relabelled_key_id_is_noticed() {
    let text = VECTORS[0].2.replace("1-0badcafe", "2-0badcafe");
    assert_eq!(error_of(open(&key(0x42), &Envelope::parse(&text).unwrap(), VECTORS[0].0)), OpenError::Damaged);
}

#[test]
fn moving_is_told_from_damage_and_from_a_wrong_key() {
    let envelope = Envelope::parse(VECTORS[0].2).unwrap();
    assert!(matches!(error_of(open(&key(0x42), &envelope, "secrets/other")), OpenError::WrongContext { .. }));
    assert_eq!(error_of(open(&key(0x43), &envelope, VECTORS[0].0)), OpenError::Damaged);
}

#[test]
fn what_is_not_sealed_is_said_so() {
    for text in ["", "{", "{}", "[plain]", "secret", "{v:1:x}", "{vault:x}", "{v1}", "v1:a:b", "{\u{e9}}"] {
        assert_eq!(Envelope::parse(text), Err(OpenError::NotSealed), "{text}");
        assert!(!is_sealed(text));
    }
    assert_eq!(Envelope::parse("{v2:a:b}"), Err(OpenError::UnknownFormat { format: "v2".to_owned() }));
    for text in ["{v1:a}", "{v1::b}", "{v1:a b:c}", "{v1:a:b\"c}", "{v1:a:b:c}"] {
        assert_eq!(Envelope::parse(text), Err(OpenError::Damaged), "{text}");
    }
}

#[test]
fn the_longest_value_fits_and_no_longer_one() {
    let rng = CountingRng::default();
    let sealed = seal(&key(1), "1-a", &vec![7; MAX_PLAINTEXT], "x", &rng).unwrap();
    assert_eq!(open(&key(1), &Envelope::parse(&sealed).unwrap(), "x").unwrap().expose().len(), MAX_PLAINTEXT);
    let long = vec![7; MAX_PLAINTEXT + 1];
    assert_eq!(seal(&key(1), "1-a", &long, "x", &rng), Err(SealError::TooLong { length: MAX_PLAINTEXT + 1 }));
}
