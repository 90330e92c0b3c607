//! Classes of cipher suites that the guidelines name, told by their names; WSO2's, IANA's and OpenSSL's spellings.

use crate::{Fault, Judgement, Posture, TlsEndpoint, TlsRole};

/// DES and Triple DES.
pub(super) fn is_des(name: &str) -> bool {
    has(name, &["DES"])
}

/// RC4 and RC2.
pub(super) fn is_rc4(name: &str) -> bool {
    has(name, &["RC4", "RC2", "ARCFOUR"])
}

/// MD5 as the hash.
pub(super) fn is_md5(name: &str) -> bool {
    has(name, &["MD5"])
}

/// DSS keys.
pub(super) fn is_dss(name: &str) -> bool {
    has(name, &["DSS", "DSA"]) && !name.to_ascii_uppercase().contains("ECDSA")
}

/// No ephemeral key exchange.
pub(super) fn is_static(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let tls13 = name.starts_with("TLS_AES_") || name.starts_with("TLS_CHACHA20_") || name.starts_with("TLS13_");
    !(tls13 || name.contains("DHE") || name.contains("EDH") || name.contains("SCSV"))
}

/// CBC, or anything else that is not authenticated encryption.
pub(super) fn is_not_sealed(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    !(name.contains("GCM") || name.contains("CHACHA20") || name.contains("CCM") || name.contains("SCSV"))
}

/// No encryption, export strength, or no authentication.
pub(super) fn is_nothing(name: &str) -> bool {
    has(name, &["NULL", "EXPORT", "EXP1024", "ANON", "ADH", "AECDH"]) && !name.to_ascii_uppercase().starts_with("ADHE")
}

/// Finite-field Diffie-Hellman.
pub(super) fn is_finite_field(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    (name.contains("DHE_") || name.contains("DHE-") || name.contains("EDH")) && !name.contains("ECDHE")
}

/// Any of the classes above but finite-field Diffie-Hellman.
pub(super) fn is_weak(name: &str) -> bool {
    [is_des, is_rc4, is_md5, is_dss, is_static, is_not_sealed, is_nothing].iter().any(|class| class(name))
}

/// Words of a suite's name, so that `DES` is not found in `DESTINATION`.
fn has(name: &str, words: &[&str]) -> bool {
    let name = name.to_ascii_uppercase();
    let mut parts = name.split(['_', '-']);
    parts.any(|part| words.iter().any(|word| part == *word || (part.ends_with(word) && part.len() <= word.len() + 1)))
        || words.iter().any(|word| word.len() > 3 && name.contains(word))
}

/// Finds suites of a class in the lists of one side.
pub(super) fn judge(posture: &Posture, role: TlsRole, class: &str, member: fn(&str) -> bool) -> Judgement {
    posture.tls.judge(|all| {
        let listed = all.iter().filter(|endpoint| endpoint.role == role);
        let listed: Vec<&TlsEndpoint> = listed.filter(|endpoint| endpoint.ciphers.is_some()).collect();
        if listed.is_empty() {
            let why = "no endpoint has a list of ciphers, so the Java version decides";
            return Judgement::Unknown(crate::Gap::new(why, "a list of ciphers in deployment.toml"));
        }
        let faults = listed.iter().filter_map(|endpoint| {
            let found: Vec<&str> =
                endpoint.ciphers.iter().flatten().map(String::as_str).filter(|name| member(name)).collect();
            (!found.is_empty()).then(|| {
                let observed = format!("{} offers {class}: {}", endpoint.name, found.join(", "));
                let fix = format!("remove them from {}", endpoint.cipher_key);
                Fault::new(observed, fix).at(&endpoint.cipher_place)
            })
        });
        Judgement::of(faults.collect(), format!("{} lists of ciphers", listed.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::{is_des, is_dss, is_finite_field, is_md5, is_not_sealed, is_nothing, is_rc4, is_static, is_weak};

    #[test]
    fn classes_are_told_by_name() {
        assert!(
            is_des("SSL_RSA_WITH_3DES_EDE_CBC_SHA") && is_des("TLS_RSA_WITH_DES_CBC_SHA") && is_des("DES-CBC3-SHA")
        );
        assert!(is_rc4("SSL_RSA_WITH_RC4_128_MD5") && is_rc4("RC4-SHA"));
        assert!(is_md5("SSL_RSA_WITH_RC4_128_MD5") && !is_md5("TLS_AES_128_GCM_SHA256"));
        assert!(is_dss("TLS_DHE_DSS_WITH_AES_128_GCM_SHA256") && !is_dss("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"));
        assert!(is_static("TLS_RSA_WITH_AES_128_GCM_SHA256") && is_static("TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256"));
        assert!(!is_static("TLS_AES_256_GCM_SHA384") && !is_static("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"));
        assert!(is_not_sealed("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"));
        assert!(is_nothing("TLS_RSA_WITH_NULL_SHA") && is_nothing("TLS_DH_anon_WITH_AES_128_GCM_SHA256"));
        assert!(is_nothing("SSL_RSA_EXPORT_WITH_RC4_40_MD5"));
        assert!(is_finite_field("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"));
        assert!(!is_finite_field("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"));
        for strong in
            ["TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"]
        {
            assert!(!is_weak(strong), "{strong}");
        }
    }
}
