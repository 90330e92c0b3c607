//! Listeners and TLS settings of a WSO2 product, with what is in effect when a setting is left out.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use guidelines::{ListenerFacts, TlsEndpoint, TlsRole, Wso2Product};

use super::Settings;

/// What WSO2's templates write when the protocols are left out.
const OLD: &str = "TLSv1,TLSv1.1,TLSv1.2";

/// A place of TLS settings: name, side, whether it carries API traffic, keys, protocols when left out.
struct Place {
    name: &'static str,
    role: TlsRole,
    gateway: bool,
    protocols: &'static str,
    ciphers: &'static str,
    shipped: &'static str,
    /// Only looked at when something below this prefix is set; empty = always.
    when: &'static str,
}

const API_MANAGER: &[Place] = &[
    Place {
        name: "console listener",
        role: TlsRole::Listener,
        gateway: false,
        protocols: "transport.https.sslHostConfig.properties.protocols",
        ciphers: "transport.https.sslHostConfig.properties.ciphers",
        shipped: "+TLSv1,+TLSv1.1,+TLSv1.2",
        when: "",
    },
    Place {
        name: "gateway listener",
        role: TlsRole::Listener,
        gateway: true,
        protocols: "transport.passthru_https.listener.parameters.HttpsProtocols",
        ciphers: "transport.passthru_https.listener.parameters.PreferredCiphers",
        shipped: "TLSv1,TLSv1.1,TLSv1.2,TLSv1.3",
        when: "",
    },
    Place {
        name: "gateway sender",
        role: TlsRole::Sender,
        gateway: true,
        protocols: "transport.passthru_https.sender.parameters.HttpsProtocols",
        ciphers: "transport.passthru_https.sender.parameters.PreferredCiphers",
        shipped: "TLSv1,TLSv1.1,TLSv1.2,TLSv1.3",
        when: "",
    },
    Place {
        name: "binary receiver",
        role: TlsRole::Listener,
        gateway: false,
        protocols: "transport.binary.receiver.ssl_enabled_protocols",
        ciphers: "transport.binary.receiver.ciphers",
        shipped: OLD,
        when: "",
    },
    Place {
        name: "WebSocket listener",
        role: TlsRole::Listener,
        gateway: false,
        protocols: "apim.wss.ssl_enabled_protocols",
        ciphers: "apim.wss.ciphers",
        shipped: "TLSv1.1,TLSv1.2",
        when: "apim.wss.",
    },
];

const MICRO_INTEGRATOR: &[Place] = &[
    Place {
        name: "listener",
        role: TlsRole::Listener,
        gateway: true,
        protocols: "transport.http.listener.secured_protocols",
        ciphers: "transport.http.listener.preferred_ciphers",
        shipped: OLD,
        when: "",
    },
    Place {
        name: "sender",
        role: TlsRole::Sender,
        gateway: true,
        protocols: "transport.http.sender.secured_protocols",
        ciphers: "transport.http.sender.preferred_ciphers",
        shipped: OLD,
        when: "",
    },
    Place {
        name: "management API",
        role: TlsRole::Listener,
        gateway: false,
        protocols: "internal_api_ssl_config.parameter.httpsProtocols",
        ciphers: "internal_api_ssl_config.parameter.preferredCiphers",
        shipped: OLD,
        when: "",
    },
];

pub(super) fn tls(settings: &Settings) -> Vec<TlsEndpoint> {
    let places = if settings.product == Wso2Product::ApiManager { API_MANAGER } else { MICRO_INTEGRATOR };
    let in_use =
        |place: &&Place| place.when.is_empty() || settings.entries.keys().any(|key| key.starts_with(place.when));
    let mut endpoints: Vec<TlsEndpoint> = places.iter().filter(in_use).map(|place| endpoint(settings, place)).collect();
    // Whatever else names protocols, in any section.
    for (key, setting) in &settings.entries {
        let last = key.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let named = matches!(
            last.as_str(),
            "ssl_enabled_protocols" | "sslenabledprotocols" | "httpsprotocols" | "secured_protocols"
        );
        if named && !endpoints.iter().any(|endpoint| endpoint.protocol_key == *key) {
            endpoints.push(TlsEndpoint {
                name: key.rsplit_once('.').map_or(key.as_str(), |(section, _)| section).to_owned(),
                role: if key.contains("sender") { TlsRole::Sender } else { TlsRole::Listener },
                gateway: false,
                protocol_key: key.clone(),
                protocol_place: setting.place.clone(),
                protocols: words(&setting.value.text()),
                cipher_key: key.replace(key.rsplit('.').next().unwrap_or_default(), "ciphers"),
                cipher_place: setting.place.clone(),
                ciphers: None,
                groups: None,
            });
        }
    }
    endpoints
}

fn endpoint(settings: &Settings, place: &Place) -> TlsEndpoint {
    let ciphers = settings.entries.get(place.ciphers).map(|setting| words(&setting.value.text()));
    TlsEndpoint {
        name: place.name.to_owned(),
        role: place.role,
        gateway: place.gateway,
        protocol_key: place.protocols.to_owned(),
        protocol_place: settings.place_of(place.protocols),
        protocols: words(&settings.text_or(place.protocols, place.shipped)),
        cipher_key: place.ciphers.to_owned(),
        cipher_place: settings.place_of(place.ciphers),
        ciphers: ciphers.filter(|list| !list.is_empty()),
        groups: None,
    }
}

/// The words of a list, whatever separates them; a leading plus is Tomcat's way to add one.
fn words(text: &str) -> Vec<String> {
    let words = text.split([',', ':', ' ', '\n']).map(|word| word.trim().trim_start_matches('+').to_owned());
    words.filter(|word| !word.is_empty()).collect()
}

/// A listener: name, key and number of its port, what switches it off, TLS, for administration.
type Port = (&'static str, &'static str, u16, &'static str, bool, bool);

const API_MANAGER_PORTS: &[Port] = &[
    ("console", "transport.https.properties.port", 9443, "", true, true),
    ("plain console", "transport.http.properties.port", 9763, "transport.http.enable", false, true),
    ("gateway", "transport.passthru_https.listener.port", 8243, "", true, false),
    (
        "plain gateway",
        "transport.passthru_http.listener.port",
        8280,
        "transport.passthru_http.listener.enable",
        false,
        false,
    ),
];

const MICRO_INTEGRATOR_PORTS: &[Port] = &[
    ("listener", "transport.http.listener.secured_port", 8243, "transport.http.listener.secured_enable", true, false),
    ("plain listener", "transport.http.listener.port", 8280, "transport.http.listener.enable", false, false),
    ("management API", "mediation.internal_https_api_port", 9154, "", true, true),
];

pub(super) fn listeners(settings: &Settings) -> Vec<ListenerFacts> {
    let (ports, shipped_offset) = match settings.product {
        Wso2Product::ApiManager => (API_MANAGER_PORTS, 0),
        Wso2Product::MicroIntegrator => (MICRO_INTEGRATOR_PORTS, 10),
    };
    let offset: u16 = settings.text_or("server.offset", "").trim().parse().unwrap_or(shipped_offset);
    let listener = |(name, key, number, switch, tls, administrative): &Port| {
        if !switch.is_empty() && settings.text_or(switch, "true") == "false" {
            return None;
        }
        let port: u16 = settings.text_or(key, "").trim().parse().unwrap_or(*number);
        let section = key.rsplit_once('.').map_or("", |(section, _)| section);
        let address_key = match settings.product {
            Wso2Product::MicroIntegrator if *tls && !administrative => "transport.http.listener.secured_bind_address",
            Wso2Product::MicroIntegrator if !tls => "transport.http.listener.bind_address",
            _ => "",
        };
        let candidates = [
            address_key.to_owned(),
            format!("{section}.bind_address"),
            format!("{section}.address"),
            format!("{section}.parameters.bind-address"),
        ];
        let set = candidates.iter().find_map(|key| settings.entries.get(key));
        let address: IpAddr = set
            .map_or(Ok(Ipv4Addr::UNSPECIFIED.into()), |setting| match setting.value.text().as_str() {
                "localhost" => Ok(Ipv4Addr::LOCALHOST.into()),
                text => text.parse(),
            })
            .unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        Some(ListenerFacts {
            name: (*name).to_owned(),
            port_key: (*key).to_owned(),
            address_key: address_key.to_owned(),
            off: if switch.is_empty() { String::new() } else { format!("{switch} = false") },
            address: SocketAddr::new(address, port.saturating_add(offset)),
            tls: *tls,
            administrative: *administrative,
        })
    };
    ports.iter().filter_map(listener).collect()
}
