//! The nearest known word to a wrong one.

/// The candidate with the fewest single-letter changes (insert, remove, replace, swap), if that is at most a third
/// of the word's letters (and at least two are tolerated). Case, `-` and `_` do not count.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let wanted = folded(word);
    let limit = (wanted.len() / 3).max(2);
    candidates
        .into_iter()
        .map(|candidate| (distance(&wanted, &folded(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.len().max(2))
        .min_by_key(|(distance, candidate)| (*distance, *candidate))
        .map(|(_, candidate)| candidate.to_owned())
}

/// Whether a word is another one with a slip of the finger: one letter, or two in a word of eight or more.
pub(super) fn is_slip(word: &str, right: &str) -> bool {
    let limit = if right.len() < 8 { 1 } else { 2 };
    word != right && distance(&folded(word), &folded(right)) <= limit
}

fn folded(word: &str) -> Vec<char> {
    word.chars().filter(|letter| !matches!(letter, '-' | '_')).flat_map(char::to_lowercase).take(128).collect()
}

/// Optimal string alignment distance.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, a) in left.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, b) in right.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&last, column) + usize::from(a != b);
            let mut best = replaced.min(at(&last, column + 1) + 1).min(at(&line, column) + 1);
            let swapped = row > 0 && column > 0 && left.get(row - 1) == Some(b) && right.get(column - 1) == Some(a);
            if swapped {
                best = best.min(at(&before, column - 1) + 1);
            }
            line.push(best);
        }
        before = std::mem::replace(&mut last, line);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_nothing_far() {
        let known = ["hostname", "offset", "node_ip"];
        assert_eq!(nearest("hostnmae", known).as_deref(), Some("hostname"));
        assert_eq!(nearest("Host-Name", known).as_deref(), Some("hostname"));
        assert_eq!(nearest("nodeip", known).as_deref(), Some("node_ip"));
        assert_eq!(nearest("banana", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(distance(&folded("ab"), &folded("ba")), 1);
    }
}
