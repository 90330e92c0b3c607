use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("N06.1", "No API is deployed on an administrative context").always().both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.api_contexts.each("contexts", |(context, place)| {
        model::admin_context(context).map(|reserved| {
            let fix = format!("give the API another context; {reserved} belongs to administration and must stay unreachable at gateways");
            Fault::new(format!("an API is deployed on {context}"), fix).at(place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("services", |p| p.api_contexts.known_mut().unwrap().push(("/services/x".into(), "API x".into()))),
    ("carbon", |p| p.api_contexts.known_mut().unwrap().push(("/CARBON".into(), "API y".into()))),
];
