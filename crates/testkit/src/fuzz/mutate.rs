//! Mutations: of bytes, of words and numbers, of JSON trees, of tags.

use serde_json::Value;

use super::Shape;

/// Numbers at which things go wrong.
const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "1",
    "255",
    "65536",
    "2147483648",
    "-2147483649",
    "9223372036854775808",
    "18446744073709551616",
    "1e309",
    "0.1",
    "-0",
];
/// Text that readers disagree about.
const ODD: [&str; 16] = [
    "\0",
    "\r\n",
    "\n",
    "\t",
    "\u{feff}",
    "\u{202e}",
    "%00",
    "%2e%2e",
    "%",
    "\\",
    "\"",
    "'",
    "\u{f6}",
    "\u{1f980}",
    "..",
    "//",
];
/// Most copies of a piece.
const COPIES: usize = 600;
/// Most nodes of a tree that is changed.
const NODES: usize = 20_000;

/// Makes inputs.
pub(super) struct Mutator {
    state: u64,
    shape: Shape,
    words: &'static [&'static str],
}

impl Mutator {
    pub(super) const fn new(seed: u64, shape: Shape, words: &'static [&'static str]) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, shape, words }
    }

    /// A number below `end`; 0 for an empty range.
    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let wide = usize::try_from(self.state >> 16).unwrap_or(usize::MAX);
        wide.checked_rem(end).unwrap_or(0)
    }

    fn one_in(&mut self, chance: usize) -> bool {
        self.below(chance) == 0
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.below(list.len()))
    }

    /// One of the corpus, changed once or a few times.
    pub(super) fn next(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.pick(corpus).cloned().unwrap_or_default();
        for _ in 0..=self.below(4) {
            let structured = !self.one_in(4);
            input = match self.shape {
                Shape::Json if structured => self.json(&input, corpus),
                Shape::Markup if structured => self.tags(&input, corpus),
                _ => self.bytes(input, corpus),
            };
        }
        if self.shape != Shape::Bytes { String::from_utf8_lossy(&input).into_owned().into_bytes() } else { input }
    }

    /// A range within a length.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let most = (length - start).min(if self.one_in(4) { length } else { 16 });
        start..start + self.below(most + 1)
    }

    fn word(&mut self) -> Vec<u8> {
        let list = match self.below(4) {
            0 => &NUMBERS[..],
            1 => &ODD[..],
            _ => self.words,
        };
        self.pick(list).map(|word| word.as_bytes().to_vec()).unwrap_or_default()
    }

    fn bytes(&mut self, mut input: Vec<u8>, corpus: &[Vec<u8>]) -> Vec<u8> {
        let range = self.range(input.len());
        match self.below(8) {
            0 => {
                let at = self.below(input.len());
                let bit = 1 << self.below(8);
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= bit;
                }
            }
            1 => {
                input.drain(range);
            }
            2 => {
                let word = self.word();
                input.splice(range.start..range.start, word);
            }
            3 => {
                let word = self.word();
                input.splice(range, word);
            }
            4 => {
                // Depth and length: what is harmless once may not be so six hundred times.
                let piece = input.get(range.clone()).unwrap_or_default().to_vec();
                let copies = if self.one_in(8) { COPIES } else { 1 + self.below(4) };
                input.splice(range.end..range.end, piece.repeat(copies));
            }
            5 => {
                let other = self.pick(corpus).cloned().unwrap_or_default();
                let taken = self.range(other.len());
                input.splice(range, other.get(taken).unwrap_or_default().to_vec());
            }
            6 => self.number(&mut input),
            _ => {
                for byte in input.get_mut(range).unwrap_or_default() {
                    *byte =
                        if byte.is_ascii_uppercase() { byte.to_ascii_lowercase() } else { byte.to_ascii_uppercase() };
                }
            }
        }
        input
    }

    /// Another number in place of one.
    fn number(&mut self, input: &mut Vec<u8>) {
        let from = self.below(input.len());
        let Some(start) = input.iter().skip(from).position(u8::is_ascii_digit).map(|at| at + from) else { return };
        let length = input.iter().skip(start).take_while(|byte| byte.is_ascii_digit()).count();
        let number = self.pick(&NUMBERS).map(|text| text.as_bytes().to_vec()).unwrap_or_default();
        input.splice(start..start + length, number);
    }

    fn json(&mut self, input: &[u8], corpus: &[Vec<u8>]) -> Vec<u8> {
        let Ok(mut tree) = serde_json::from_slice::<Value>(input) else { return self.bytes(input.to_vec(), corpus) };
        let count = size(&tree).min(NODES);
        let place = self.below(count);
        let donor = match self.below(3) {
            0 => self.pick(corpus).and_then(|other| serde_json::from_slice(other).ok()).unwrap_or(Value::Null),
            _ => tree.clone(),
        };
        let taken = nth(&donor, &mut self.below(size(&donor).min(NODES))).cloned().unwrap_or_default();
        let word = String::from_utf8_lossy(&self.word()).into_owned();
        let choice = self.below(7);
        let Some(node) = nth_mut(&mut tree, &mut { place }) else { return input.to_vec() };
        match (choice, node) {
            (0, node) => *node = taken,
            (1, node) => *node = Value::String(word),
            (2, node) => *node = word.parse::<i64>().map_or(Value::Null, Value::from),
            (3, node) => *node = Value::Array(vec![node.take(), taken]),
            (4, Value::Object(members)) => {
                members.insert(word, taken);
            }
            (5, Value::Object(members)) => {
                let name = members.keys().next_back().cloned().unwrap_or_default();
                if let Some(value) = members.remove(&name) {
                    members.insert(word, value);
                }
            }
            (_, Value::Array(items)) if items.len() < 200 => items.push(taken),
            (_, node) => *node = Value::Null,
        }
        serde_json::to_vec(&tree).unwrap_or_default()
    }

    fn tags(&mut self, input: &[u8], corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut pieces = split(input);
        let other = self.pick(corpus).cloned().unwrap_or_default();
        let donated = split(&other);
        let range = self.range(pieces.len());
        match self.below(5) {
            0 => {
                pieces.drain(range);
            }
            1 => {
                let taken = self.range(donated.len());
                pieces.splice(range, donated.get(taken).unwrap_or_default().iter().copied());
            }
            2 => {
                let piece = pieces.get(range.clone()).unwrap_or_default().to_vec();
                let copies = if self.one_in(6) { COPIES } else { 2 };
                pieces.splice(range.end..range.end, piece.repeat(copies));
            }
            3 => {
                let (a, b) = (self.below(pieces.len()), self.below(pieces.len()));
                if a < pieces.len() && b < pieces.len() {
                    pieces.swap(a, b);
                }
            }
            _ => {
                // Inside one tag or text.
                let at = self.below(pieces.len());
                let Some(piece) = pieces.get(at).map(|piece| piece.to_vec()) else { return input.to_vec() };
                let changed = self.bytes(piece, corpus);
                let (before, after) = (pieces.get(..at).unwrap_or_default(), pieces.get(at + 1..).unwrap_or_default());
                return [before.concat(), changed, after.concat()].concat();
            }
        }
        pieces.concat()
    }
}

/// Tags, and what stands between them.
fn split(input: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let end = match rest.first() {
            Some(b'<') => rest.iter().position(|byte| *byte == b'>').map_or(rest.len(), |at| at + 1),
            _ => rest.iter().position(|byte| *byte == b'<').unwrap_or(rest.len()),
        };
        let (piece, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn size(value: &Value) -> usize {
    1 + match value {
        Value::Object(members) => members.values().map(size).sum(),
        Value::Array(items) => items.iter().map(size).sum(),
        _ => 0,
    }
}

fn nth<'a>(value: &'a Value, left: &mut usize) -> Option<&'a Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Object(members) => members.values().find_map(|member| nth(member, left)),
        Value::Array(items) => items.iter().find_map(|item| nth(item, left)),
        _ => None,
    }
}

fn nth_mut<'a>(value: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Object(members) => members.values_mut().find_map(|member| nth_mut(member, left)),
        Value::Array(items) => items.iter_mut().find_map(|item| nth_mut(item, left)),
        _ => None,
    }
}
