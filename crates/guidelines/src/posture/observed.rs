//! A fact that may not have been seen.

use crate::{Gap, Judgement};

/// A fact, or why it is not known. What nobody looked at is unknown, so a check cannot pass by omission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed<T> {
    /// Seen.
    Known(T),
    /// Not seen.
    Unknown(Gap),
    /// There is nothing of the kind; the text says why.
    Absent(String),
}

impl<T> Default for Observed<T> {
    fn default() -> Self {
        Self::Unknown(Gap::new("nobody looked", "a run of the audit that includes it"))
    }
}

impl<T> Observed<T> {
    /// Not seen, for a reason, and what would help.
    pub fn unknown(why: impl Into<String>, needs: impl Into<String>) -> Self {
        Self::Unknown(Gap::new(why, needs))
    }

    /// Judges a known fact; what is not known or not there is said as such.
    pub fn judge(&self, rule: impl FnOnce(&T) -> Judgement) -> Judgement {
        match self {
            Self::Known(fact) => rule(fact),
            Self::Unknown(gap) => Judgement::Unknown(gap.clone()),
            Self::Absent(why) => Judgement::NotApplicable(why.clone()),
        }
    }

    /// The fact, when it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(fact) => Some(fact),
            Self::Unknown(_) | Self::Absent(_) => None,
        }
    }

    /// The fact to change, when it is known.
    pub fn known_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Known(fact) => Some(fact),
            Self::Unknown(_) | Self::Absent(_) => None,
        }
    }
}

impl<E> Observed<Vec<E>> {
    /// Judges every element of a known list; an empty list holds with the evidence `none`.
    pub fn each(&self, noun: &str, mut rule: impl FnMut(&E) -> Option<crate::Fault>) -> Judgement {
        self.judge(|list| {
            let faults: Vec<_> = list.iter().filter_map(&mut rule).collect();
            Judgement::of(faults, format!("{} {noun}", list.len()))
        })
    }
}
