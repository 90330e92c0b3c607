//! CSV files as tables (RFC 4180; quotes, line breaks inside of quotes, any separator).

use std::path::{Component, Path};

use synapse::Configuration;
use synapse::artifact::DataSource;

use super::Problem;
use crate::sql::Cell;

/// Bytes of a file.
const BYTES: u64 = 16 << 20;

/// Reads the file of a connection: names of columns, and rows.
pub(super) async fn read(
    source: &DataSource,
    folder: &Path,
    configuration: &Configuration,
) -> Result<(Vec<String>, Vec<Vec<Cell>>), Problem> {
    let path = source.property(&["csv_datasource"]).unwrap_or_default();
    let text = match configuration.resource(path) {
        Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        None => file(folder, path).await?,
    };
    let number = |name: &str| source.property(&[name]).and_then(|text| text.trim().parse::<i64>().ok());
    let separator = source.property(&["csv_columnseperator"]).and_then(|text| text.chars().next()).unwrap_or(',');
    let mut records = parse(&text, separator).into_iter();
    let header = source.property(&["csv_hasheader"]).is_none_or(|text| text.eq_ignore_ascii_case("true"));
    let first = number("csv_headerrow").unwrap_or(1).max(1);
    let names = if header {
        for _ in 1..first {
            records.next();
        }
        records.next().unwrap_or_default()
    } else {
        named(source)
    };
    // The starting row counts from 1 and includes the header.
    let already = if header { first } else { 0 };
    let skip = number("csv_startingrow").unwrap_or(1).saturating_sub(1 + already).max(0);
    let most = number("csv_maxrowcount").filter(|rows| *rows >= 0).and_then(|rows| usize::try_from(rows).ok());
    let rows = records.skip(usize::try_from(skip).unwrap_or(0)).take(most.unwrap_or(usize::MAX));
    let rows: Vec<Vec<Cell>> = rows.map(|record| record.into_iter().map(Cell::Text).collect()).collect();
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let names = if names.is_empty() { (1..=width).map(|at| at.to_string()).collect() } else { names };
    Ok((names, rows))
}

/// Names of columns by their ordinals, for files without a header.
fn named(source: &DataSource) -> Vec<String> {
    let list = |name: &str| -> Vec<String> {
        source.property(&[name]).unwrap_or_default().split(',').map(|part| part.trim().to_owned()).collect()
    };
    let (names, ordinals) = (list("csv_columns"), list("csv_columnordinal"));
    let mut placed: Vec<String> = Vec::new();
    for (name, ordinal) in names.into_iter().zip(ordinals) {
        let at = ordinal.parse::<usize>().unwrap_or(0);
        if (1..=1000).contains(&at) && !name.is_empty() {
            placed.resize(placed.len().max(at), String::new());
            if let Some(slot) = placed.get_mut(at - 1) {
                *slot = name;
            }
        }
    }
    placed
}

/// A file below the integrator's folder: artifacts cannot reach other files.
async fn file(folder: &Path, path: &str) -> Result<String, Problem> {
    let gone = |reason: String| Problem::source(format!("the CSV file {path}: {reason}"));
    let relative = Path::new(path.trim_start_matches("./"));
    if path.contains("://") || !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(gone("it is not a path below the integrator's folder, or of the registry".to_owned()));
    }
    let folder = tokio::fs::canonicalize(folder).await.map_err(|error| gone(error.to_string()))?;
    let full = tokio::fs::canonicalize(folder.join(relative)).await.map_err(|error| gone(error.to_string()))?;
    if !full.starts_with(&folder) {
        return Err(gone("it leads out of the integrator's folder".to_owned()));
    }
    let size = tokio::fs::metadata(&full).await.map_err(|error| gone(error.to_string()))?.len();
    if size > BYTES {
        return Err(gone(format!("it is larger than {BYTES} bytes")));
    }
    let bytes = tokio::fs::read(&full).await.map_err(|error| gone(error.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Records of a text. Empty lines are left out.
fn parse(text: &str, separator: char) -> Vec<Vec<String>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut chars = text.chars().peekable();
    let (mut quoted, mut started) = (false, false);
    while let Some(c) = chars.next() {
        if quoted {
            if c != '"' {
                field.push(c);
            } else if chars.peek() == Some(&'"') {
                chars.next();
                field.push('"');
            } else {
                quoted = false;
            }
            continue;
        }
        match c {
            '"' if field.trim().is_empty() => {
                field.clear();
                (quoted, started) = (true, true);
            }
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' => {
                if started || !field.trim().is_empty() || !record.is_empty() {
                    record.push(std::mem::take(&mut field));
                    records.push(std::mem::take(&mut record));
                }
                field.clear();
                started = false;
            }
            _ if c == separator => {
                record.push(std::mem::take(&mut field));
                started = true;
            }
            other => field.push(other),
        }
    }
    if started || !field.trim().is_empty() || !record.is_empty() {
        record.push(field);
        records.push(record);
    }
    records
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn quotes_breaks_and_separators() {
        let expected = vec![vec!["a", "b\"c", ""], vec!["x\ny", ";", "z"]];
        assert_eq!(parse("\u{feff}a,\"b\"\"c\",\r\n\r\n\"x\ny\",;,z", ','), expected);
        assert_eq!(parse("1;2\n", ';'), vec![vec!["1", "2"]]);
        assert_eq!(parse("\"never closed", ','), vec![vec!["never closed"]]);
    }
}
