#[cfg(test)]
use crate::testing::file;
use crate::{Check, CheckMeta, Fault, FileKind, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::must("A03.1", "Private key files are readable by the service's user only").always().both(),
    run,
);

fn run(posture: &Posture) -> Judgement {
    posture.files.judge(|all| {
        let keys: Vec<_> = all.iter().filter(|file| file.kind == FileKind::PrivateKey).collect();
        // Who starts a WSO2 product cannot be told from its home.
        let uid = if posture.is_wso2 { None } else { posture.process.known().map(|process| process.uid) };
        let faults = keys.iter().filter_map(|file| {
            let foreign = uid.filter(|uid| *uid != file.owner);
            (file.others() != 0 || foreign.is_some()).then(|| {
                let owner = foreign.map_or_else(String::new, |uid| format!("chown {uid} {} && ", file.path));
                let observed = format!("mode {:04o}, owner {}", file.mode & 0o7777, file.owner);
                Fault::new(observed, format!("{owner}chmod 600 {}", file.path)).at(&file.path)
            })
        });
        Judgement::of(faults.collect(), format!("{} key files", keys.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("group reads", |p| file(p, FileKind::PrivateKey).mode = 0o100_640),
    ("others read", |p| file(p, FileKind::PrivateKey).mode = 0o100_604),
    ("another owner", |p| file(p, FileKind::PrivateKey).owner = 0),
];
