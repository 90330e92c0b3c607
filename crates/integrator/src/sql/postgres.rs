//! Values as PostgreSQL sends them (binary format of its documentation, and `src/backend/utils/adt` for numeric).

use sqlx::postgres::{PgRow, PgValueFormat};
use sqlx::{Row as _, TypeInfo as _, ValueRef as _};

use super::{Cell, SqlError};

/// A column of a row.
pub(super) fn read(row: &PgRow, index: usize) -> Result<Cell, SqlError> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(Cell::Null);
    }
    let info = raw.type_info().into_owned();
    let name = info.name().to_ascii_uppercase();
    let bytes = raw.as_bytes().map_err(|error| SqlError::Database(error.to_string()))?;
    if raw.format() == PgValueFormat::Text {
        return Ok(Cell::Text(String::from_utf8_lossy(bytes).into_owned()));
    }
    decode(&name, bytes).ok_or_else(|| {
        SqlError::Database(format!("a column of the type {name} cannot be read; cast it to text in the statement"))
    })
}

fn decode(name: &str, bytes: &[u8]) -> Option<Cell> {
    Some(match name {
        "BOOL" => Cell::Boolean(*bytes.first()? != 0),
        "INT2" => Cell::Integer(i64::from(i16::from_be_bytes(bytes.try_into().ok()?))),
        "INT4" => Cell::Integer(i64::from(i32::from_be_bytes(bytes.try_into().ok()?))),
        "INT8" => Cell::Integer(i64::from_be_bytes(bytes.try_into().ok()?)),
        "OID" => Cell::Integer(i64::from(u32::from_be_bytes(bytes.try_into().ok()?))),
        // The shortest text that is the same single precision number, as the database itself writes it.
        "FLOAT4" => Cell::Real(f32::from_be_bytes(bytes.try_into().ok()?).to_string().parse().ok()?),
        "FLOAT8" => Cell::Real(f64::from_be_bytes(bytes.try_into().ok()?)),
        "NUMERIC" => Cell::Decimal(numeric(bytes)?),
        "DATE" => Cell::Date(date(i64::from(i32::from_be_bytes(bytes.try_into().ok()?)))?),
        "TIME" => Cell::Time(clock(i64::from_be_bytes(bytes.try_into().ok()?))),
        "TIMESTAMP" | "TIMESTAMPTZ" => {
            let micros = i64::from_be_bytes(bytes.try_into().ok()?);
            let day = date(micros.div_euclid(DAY))?;
            Cell::Timestamp(format!("{day}T{}+00:00", clock(micros.rem_euclid(DAY))))
        }
        "UUID" => Cell::Uuid(uuid::Uuid::from_slice(bytes).ok()?.to_string()),
        "BYTEA" => Cell::Bytes(bytes.to_vec()),
        // jsonb has a version before its text.
        "JSONB" => Cell::Text(String::from_utf8(bytes.get(1..)?.to_vec()).ok()?),
        "VOID" => Cell::Null,
        "TEXT" | "VARCHAR" | "CHAR" | "BPCHAR" | "\"CHAR\"" | "NAME" | "JSON" | "XML" | "UNKNOWN" | "CITEXT" => {
            Cell::Text(String::from_utf8(bytes.to_vec()).ok()?)
        }
        _ => return None,
    })
}

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// Days since 2000-01-01.
fn date(days: i64) -> Option<String> {
    let epoch = time::Date::from_calendar_date(2000, time::Month::January, 1).ok()?;
    let date = epoch.checked_add(time::Duration::days(days))?;
    Some(format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day()))
}

fn clock(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = micros % 1_000_000;
    let digits = if fraction % 1000 == 0 { format!("{:03}", fraction / 1000) } else { format!("{fraction:06}") };
    format!("{hours:02}:{minutes:02}:{rest:02}.{digits}")
}

/// Groups of four decimal digits, the weight of the first, a sign and the digits after the point.
fn numeric(bytes: &[u8]) -> Option<String> {
    let mut words = bytes.chunks_exact(2).map(|pair| pair.try_into().map(i16::from_be_bytes));
    let mut next = || words.next()?.ok();
    let (count, weight, sign, scale) = (next()?, next()?, next()?, next()?);
    if sign as u16 == 0xC000 {
        return Some("NaN".to_owned());
    }
    let groups: Vec<i16> = (0..count).map_while(|_| next()).collect();
    let group = |at: i32| usize::try_from(at).ok().and_then(|at| groups.get(at)).copied().unwrap_or(0);
    let mut text = if sign as u16 == 0x4000 { "-".to_owned() } else { String::new() };
    let weight = i32::from(weight);
    if weight < 0 {
        text.push('0');
    }
    for at in 0..=weight {
        let digits = if at == 0 { group(at).to_string() } else { format!("{:04}", group(at)) };
        text.push_str(&digits);
    }
    let scale = usize::try_from(scale).ok()?;
    if scale > 0 {
        let mut fraction = String::new();
        let mut at = weight + 1;
        while fraction.len() < scale {
            fraction.push_str(&if at < 0 { "0000".to_owned() } else { format!("{:04}", group(at)) });
            at += 1;
        }
        text.push('.');
        text.push_str(fraction.get(..scale)?);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::{Cell, decode, numeric};

    fn words(words: &[i16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn numbers_of_the_documentation() {
        for (given, expected) in [
            (&[2, 0, 0, 2, 12, 3400][..], "12.34"),
            (&[1, 0, 0x4000, 0, 7], "-7"),
            (&[2, 1, 0, 0, 1, 2345], "12345"),
            (&[1, 1, 0, 0, 3], "30000"),
            (&[1, -2, 0, 8, 1], "0.00000001"),
            (&[0, 0, 0, 2], "0.00"),
        ] {
            assert_eq!(numeric(&words(given)).as_deref(), Some(expected));
        }
        assert_eq!(numeric(&[0, 1, 0]), None);
    }

    #[test]
    fn times() {
        let day = 8766_i32.to_be_bytes();
        assert_eq!(decode("DATE", &day), Some(Cell::Date("2024-01-01".into())));
        let at = (8766_i64 * 86_400_000_000 + 3_723_500_000).to_be_bytes();
        assert_eq!(decode("TIMESTAMP", &at), Some(Cell::Timestamp("2024-01-01T01:02:03.500+00:00".into())));
        assert_eq!(
            decode("TIMESTAMP", &(-1_i64).to_be_bytes()),
            Some(Cell::Timestamp("1999-12-31T23:59:59.999999+00:00".into()))
        );
        assert_eq!(decode("POINT", &[0; 16]), None);
    }
}
