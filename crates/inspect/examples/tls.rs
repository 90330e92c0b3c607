//! Prints what the prober sees of a listener: `cargo run -p inspect --example tls -- 127.0.0.1:443 name`.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a tool for the agreement test")]

use std::time::Duration;

use inspect::tls::{Target, survey};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().and_then(|a| a.parse().ok()).expect("an address and port");
    let name = arguments.next().unwrap_or_default();
    let target = Target { address, name, timeout: Duration::from_secs(3) };
    match survey(&target) {
        Err(problem) => println!("error {problem}"),
        Ok(found) => {
            for (version, suites) in &found.accepted {
                for suite in suites {
                    println!("suite {} 0x{:04x} {}", version.name().replace(' ', ""), suite.0, suite.name());
                }
            }
            for group in &found.groups {
                println!("group {}", group.name());
            }
            println!("dhe {:?}", found.finite_field_bits);
            println!("compression {}", found.compression);
            println!("secure-renegotiation {}", found.secure_renegotiation);
            println!("client-renegotiation {:?}", found.client_renegotiation);
            println!("downgrade-refused {}", found.downgrade_refused);
            for leaf in found.leaves() {
                println!("certificate {leaf:?}");
            }
        }
    }
}
