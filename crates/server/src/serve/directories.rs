//! The directories of `[user_store]` and `[[secondary_user_store]]` as the user stores of crate `identity`.

use std::collections::BTreeMap;
use std::sync::Arc;

use identity::{DirectoryStore, GroupSearch, LdapDirectory, LdapSettings, UserSearch};

use crate::config::{Config, Directory};
use crate::failure::Outcome;
use crate::installation::Secrets;

/// Every configured directory. Nothing is connected yet: a directory that is down does not keep the server from starting,
/// its people cannot sign in until it is back.
pub(crate) fn assemble(
    config: &Config,
    secrets: &Secrets,
    tls: &Arc<rustls::ClientConfig>,
) -> Outcome<Vec<DirectoryStore>> {
    // The protocols of HTTP mean nothing to a directory.
    let mut tls = rustls::ClientConfig::clone(tls);
    tls.alpn_protocols.clear();
    let tls = Arc::new(tls);
    config.directories.iter().map(|configured| directory(configured, secrets, &tls)).collect()
}

fn directory(configured: &Directory, secrets: &Secrets, tls: &Arc<rustls::ClientConfig>) -> Outcome<DirectoryStore> {
    let mut roles: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let groups = configured.groups.as_ref().map(|groups| {
        for (group, role) in &groups.roles {
            roles.entry(group.to_lowercase()).or_default().push(role.clone());
        }
        GroupSearch {
            base: groups.base.clone(),
            list_filter: groups.list_filter.clone(),
            name_attribute: groups.name_attribute.clone(),
            membership_attribute: groups.membership_attribute.clone(),
            nesting: groups.nesting,
        }
    });
    let settings = LdapSettings {
        servers: configured.servers.clone(),
        tls: Arc::clone(tls),
        bind_dn: secrets.text(&configured.bind_dn)?,
        bind_password: secrets.resolve(&configured.bind_password)?,
        users: UserSearch {
            base: configured.user_base.clone(),
            filter: configured.user_filter.clone(),
            list_filter: configured.user_list_filter.clone(),
            name_attribute: configured.user_name_attribute.clone(),
            id_attribute: configured.user_id_attribute.clone(),
        },
        groups,
        connect_timeout: configured.connect_timeout,
        read_timeout: configured.read_timeout,
        retry_delay: configured.retry_delay,
        connections: configured.max_connections,
    };
    Ok(DirectoryStore {
        domain: configured.domain.clone(),
        place: configured.servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        directory: Arc::new(LdapDirectory::new(settings)),
        roles,
        check_every: configured.check_interval,
        offline_grace: configured.offline_grace,
    })
}
