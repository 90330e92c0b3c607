//! A container image with nothing but the program, and manifests for Kubernetes that pass the restricted standard.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::Facts;

/// User id in the image; has no account anywhere.
const UID: u32 = 65_532;

/// Where the home is in the image.
const HOME: &str = "/var/lib/portcullis";

pub(super) fn image(facts: &Facts) -> String {
    let mut ports = String::new();
    let mut publish = String::new();
    for (_, address) in facts.exposed() {
        let _ = write!(ports, " {}", address.port());
        let _ = write!(publish, " -p {0}:{0}", address.port());
    }
    let expose = if ports.is_empty() { String::new() } else { format!("EXPOSE{ports}\n") };
    format!(
        "# Made by `portcullis harden container` from {home}/deployment.toml.\n\
         # Build: podman build -t portcullis .    (the program lies beside this file)\n\
         # Run, with a read-only root, no capability, and the home as the only thing that is written:\n\
         #   podman run --read-only --cap-drop=all --security-opt=no-new-privileges --pids-limit=256 --memory=1g \\\n\
         #     --ulimit=core=0 --tmpfs=/tmp:rw,noexec,nosuid,nodev,size=16m \\\n\
         #     -v {home}:{HOME}:rw,noexec,nosuid,nodev{publish} portcullis\n\
         FROM gcr.io/distroless/cc-debian12:nonroot\n\
         COPY --chmod=0555 portcullis /usr/bin/portcullis\n\
         USER {UID}:{UID}\n\
         VOLUME {HOME}\n\
         {expose}\
         STOPSIGNAL SIGTERM\n\
         ENTRYPOINT [\"/usr/bin/portcullis\", \"--home\", \"{HOME}\"]\n\
         CMD [\"serve\"]\n",
        home = facts.home.display(),
    )
}

pub(super) fn manifests(facts: &Facts) -> String {
    let mut text = format!(
        "# Made by `portcullis harden kubernetes` from {}/deployment.toml.\n\
         # The claim `portcullis` holds the home; one pod at a time, because the home has one writer.\n",
        facts.home.display()
    );
    text.push_str(
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: portcullis\n  labels:\n    pod-security.kubernetes.io/enforce: restricted\n---\n",
    );
    text.push_str(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: portcullis\n  namespace: portcullis\nspec:\n",
    );
    text.push_str(
        "  replicas: 1\n  strategy:\n    type: Recreate\n  selector:\n    matchLabels:\n      app: portcullis\n",
    );
    text.push_str("  template:\n    metadata:\n      labels:\n        app: portcullis\n    spec:\n");
    text.push_str(
        "      automountServiceAccountToken: false\n      enableServiceLinks: false\n      securityContext:\n",
    );
    let _ = write!(
        text,
        "        runAsNonRoot: true\n        runAsUser: {UID}\n        runAsGroup: {UID}\n        fsGroup: {UID}\n        seccompProfile:\n          type: RuntimeDefault\n"
    );
    text.push_str("      containers:\n        - name: portcullis\n          image: portcullis:latest\n          args: [\"serve\"]\n          ports:\n");
    for (section, address) in &facts.listeners {
        let _ = writeln!(text, "            - containerPort: {} # {section}", address.port());
    }
    text.push_str(
        "          securityContext:\n            allowPrivilegeEscalation: false\n            readOnlyRootFilesystem: true\n            capabilities:\n              drop: [\"ALL\"]\n",
    );
    text.push_str("          resources:\n            requests:\n              cpu: 100m\n              memory: 128Mi\n            limits:\n              memory: 1Gi\n");
    let status = facts.listeners.iter().find(|(section, address)| *section == "status" && !address.ip().is_loopback());
    if let Some((_, address)) = status {
        for (probe, path) in [("livenessProbe", "/livez"), ("readinessProbe", "/readyz")] {
            let _ = writeln!(
                text,
                "          {probe}:\n            httpGet:\n              path: {path}\n              port: {}\n              scheme: HTTPS",
                address.port()
            );
        }
    } else {
        text.push_str("          # For probes of the kubelet, set bind_address of [status] to 0.0.0.0.\n");
    }
    let _ = write!(
        text,
        "          volumeMounts:\n            - name: home\n              mountPath: {HOME}\n            - name: tmp\n              mountPath: /tmp\n      volumes:\n        - name: home\n          persistentVolumeClaim:\n            claimName: portcullis\n        - name: tmp\n          emptyDir:\n            medium: Memory\n            sizeLimit: 16Mi\n"
    );
    services(&mut text, facts);
    text
}

fn services(text: &mut String, facts: &Facts) {
    let open: Vec<u16> = facts.exposed().map(|(_, address)| address.port()).collect();
    if !open.is_empty() {
        text.push_str("---\napiVersion: v1\nkind: Service\nmetadata:\n  name: portcullis\n  namespace: portcullis\nspec:\n  selector:\n    app: portcullis\n  ports:\n");
        for port in &open {
            let _ = writeln!(text, "    - name: p{port}\n      port: {port}\n      targetPort: {port}");
        }
    }
    text.push_str("---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: portcullis\n  namespace: portcullis\nspec:\n  podSelector:\n    matchLabels:\n      app: portcullis\n  policyTypes: [\"Ingress\", \"Egress\"]\n");
    if open.is_empty() {
        text.push_str("  ingress: []\n");
    } else {
        text.push_str("  ingress:\n    - ports:\n");
        for port in &open {
            let _ = writeln!(text, "        - port: {port}\n          protocol: TCP");
        }
    }
    text.push_str("  egress:\n    # Names.\n    - ports:\n        - port: 53\n          protocol: UDP\n        - port: 53\n          protocol: TCP\n");
    if let Some((host, port)) = &facts.database {
        let to = match host.parse::<IpAddr>() {
            Ok(ip) => format!(
                "      to:\n        - ipBlock:\n            cidr: {ip}/{}\n",
                if ip.is_ipv4() { 32 } else { 128 }
            ),
            Err(_) => String::new(),
        };
        let _ = write!(
            text,
            "    # The database, {host}.\n    - ports:\n        - port: {port}\n          protocol: TCP\n{to}"
        );
    }
    text.push_str(
        "    # Backends over TLS; narrow this to the networks that yours are in. Metadata services stay out.\n",
    );
    text.push_str("    - ports:\n        - port: 443\n          protocol: TCP\n      to:\n        - ipBlock:\n            cidr: 0.0.0.0/0\n            except: [\"169.254.0.0/16\"]\n");
    text.push_str("---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: portcullis\n  namespace: portcullis\nspec:\n  maxUnavailable: 1\n  selector:\n    matchLabels:\n      app: portcullis\n");
}
