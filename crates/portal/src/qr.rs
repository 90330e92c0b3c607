//! The picture of a link, as the path of an inline SVG.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around the code (ISO 18004).
const BORDER: i32 = 4;

/// A QR code: the side of its square view box, and the path of its dark modules.
pub(crate) struct Picture {
    pub(crate) side: i32,
    pub(crate) path: String,
}

/// `None` for a text that no QR code holds (about 2,300 bytes).
pub(crate) fn picture(text: &str) -> Option<Picture> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let begin = x;
            while x < code.size() && code.get_module(x, y) {
                x += 1;
            }
            if x > begin {
                // Writing to a string cannot fail.
                let _ = write!(path, "M{} {}h{}v1h-{}z", begin + BORDER, y + BORDER, x - begin, x - begin);
            }
            x += 1;
        }
    }
    Some(Picture { side: code.size() + 2 * BORDER, path })
}

#[cfg(test)]
mod tests {
    use super::picture;

    #[test]
    fn the_path_draws_the_modules_of_the_code() {
        let found = picture("otpauth://totp/a?secret=ABC").unwrap();
        let code = qrcodegen::QrCode::encode_text("otpauth://totp/a?secret=ABC", qrcodegen::QrCodeEcc::Medium).unwrap();
        assert_eq!(found.side, code.size() + 8);
        let drawn: i32 = found
            .path
            .split('M')
            .skip(1)
            .map(|run| run.split(['h', 'v']).nth(1).unwrap().parse::<i32>().unwrap())
            .sum();
        let dark = (0..code.size())
            .flat_map(|y| (0..code.size()).map(move |x| (x, y)))
            .filter(|(x, y)| code.get_module(*x, *y))
            .count();
        assert_eq!(usize::try_from(drawn).unwrap(), dark);
        assert!(picture(&"a".repeat(5000)).is_none());
    }
}
