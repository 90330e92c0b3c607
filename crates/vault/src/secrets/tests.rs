use super::{AliasState, ResolveError, SecretSource, SecretTable, encrypt_file_text, list_aliases, rotate_file_text};
use crate::keyring::Keyring;
use crate::random::SystemRng;
use crate::testing::{NOW, error_of};
use std::sync::Arc;

const FILE: &str = "# top\r\n[server]\nhostname   =   'x' # keep\n\n[secrets]   # the secrets\n  admin = \"[adm\\\"in]\"   # one\n\
# between\n\"Key.Store\" = '[wso2]carbon]'\nlong=\"\"\"[two\nlines]\"\"\"\n\n[after]\nsecrets = \"[not me]\"\na=[1,\n 2]   \n";

fn keyring() -> Keyring {
    Keyring::generate(NOW, &SystemRng)
}

#[test]
fn sealing_keeps_every_other_byte_and_is_idempotent() {
    let keyring = keyring();
    let sealed = encrypt_file_text(FILE, &keyring, &SystemRng).unwrap();
    assert_eq!(sealed.changed, ["admin", "Key.Store", "long"]);
    // Put the plain values back: the result must be the file we began with.
    let mut restored = sealed.text.clone();
    for plain in ["\"[adm\\\"in]\"", "'[wso2]carbon]'", "\"\"\"[two\nlines]\"\"\""] {
        let start = restored.find("\"{v1:").unwrap();
        let end = start + restored[start..].find("}\"").unwrap() + 2;
        restored.replace_range(start..end, plain);
    }
    assert_eq!(restored, FILE);
    let again = encrypt_file_text(&sealed.text, &keyring, &SystemRng).unwrap();
    assert!(again.changed.is_empty());
    assert_eq!(again.text, sealed.text);

    let table = SecretTable::from_file_text(&sealed.text, Arc::new(keyring)).unwrap();
    assert_eq!(table.resolve("admin").unwrap().expose(), "adm\"in");
    assert_eq!(table.resolve("Key.Store").unwrap().expose(), "wso2]carbon");
    assert_eq!(table.resolve("long").unwrap().expose(), "two\nlines");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_survive() {
    let keyring = keyring();
    let text = "\u{feff}[secrets]\r\na = \"[ü]\"\r\nb = \"[2]\"\r\n";
    let sealed = encrypt_file_text(text, &keyring, &SystemRng).unwrap();
    assert!(sealed.text.starts_with("\u{feff}[secrets]\r\na = \"{v1:"));
    assert!(sealed.text.ends_with("}\"\r\n"));
    let table = SecretTable::from_file_text(&sealed.text, Arc::new(keyring)).unwrap();
    assert_eq!(table.resolve("a").unwrap().expose(), "ü");
}

#[test]
fn inline_tables_and_files_without_secrets_work() {
    let keyring = keyring();
    let sealed = encrypt_file_text("secrets = { a = \"[1]\", b = \"[]\" } # end\n", &keyring, &SystemRng).unwrap();
    assert!(sealed.text.ends_with("} # end\n"));
    assert_eq!(sealed.changed.len(), 2);
    for text in ["", "[server]\nx = 1\n", "[secrets]\n"] {
        let same = encrypt_file_text(text, &keyring, &SystemRng).unwrap();
        assert_eq!(same.text, text);
        assert!(same.changed.is_empty());
    }
}

#[test]
fn all_faults_come_at_once_with_place_and_without_values() {
    let keyring = keyring();
    let other = Keyring::generate(NOW, &SystemRng).seal(b"x", "secrets/d", &SystemRng).unwrap();
    let text = format!("[secrets]\na = \"hunter2\"\nb = \"[fine]\"\nd = \"{other}\"\n");
    let error = error_of(encrypt_file_text(&text, &keyring, &SystemRng));
    assert_eq!(error.faults.iter().map(|f| (f.line, f.column)).collect::<Vec<_>>(), [(2, 5), (4, 5)]);
    let printed = error.to_string();
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(printed.contains("ciphertool") && printed.contains("not in this keyring"), "{printed}");

    let error = error_of(encrypt_file_text("[secrets]\na = 5\nb.c = \"[x]\"\n\"{\" = \"[x]\"\n", &keyring, &SystemRng));
    assert_eq!(error.faults.len(), 3);
    assert_eq!(error.faults[0].line, 2);
    assert_eq!(error.faults[2].line, 4);
}

#[test]
fn a_syntax_error_does_not_print_the_line() {
    let error = error_of(list_aliases("[secrets]\npassword = \"[hunter2]\" oops\n"));
    assert_eq!(error.faults[0].line, 2);
    assert!(!error.to_string().contains("hunter2"));
    for text in ["[[secrets]]\na = \"[x]\"\n", "secrets = 3\n"] {
        assert_eq!(error_of(list_aliases(text)).faults.len(), 1);
    }
}

#[test]
fn values_cannot_be_swapped_between_aliases() {
    let keyring = Arc::new(keyring());
    let sealed = encrypt_file_text("[secrets]\na = \"[1]\"\nb = \"[2]\"\n", &keyring, &SystemRng).unwrap();
    let values: Vec<_> = sealed.text.lines().skip(1).map(|l| l.split_once(" = ").unwrap().1).collect();
    let swapped = format!("[secrets]\na = {}\nb = {}\n", values[1], values[0]);
    let table = SecretTable::from_file_text(&swapped, Arc::clone(&keyring)).unwrap();
    let text = error_of(table.resolve("a")).to_string();
    assert!(text.contains("sealed for another name"), "{text}");
    assert_eq!(error_of(encrypt_file_text(&swapped, &keyring, &SystemRng)).faults.len(), 2);
}

#[test]
fn rotation_reseals_and_lists() {
    let old = keyring();
    let sealed = encrypt_file_text("[secrets]\na = \"[1]\" # note\n", &old, &SystemRng).unwrap();
    let new = old.rotated(NOW, &SystemRng);
    let with_plain = format!("{}b = \"[2]\"\n", sealed.text);
    let info = list_aliases(&with_plain).unwrap();
    assert_eq!(info[0].state, AliasState::Sealed { key_id: old.current().to_string() });
    assert_eq!((info[1].alias.as_str(), info[1].line, &info[1].state), ("b", 3, &AliasState::Plain));
    let rotated = rotate_file_text(&with_plain, &new, &SystemRng).unwrap();
    assert_eq!(rotated.changed, ["a", "b"]);
    assert!(rotated.text.contains("}\" # note\n"));
    let only_new = Arc::new(new.without(1).unwrap());
    let table = SecretTable::from_file_text(&rotated.text, Arc::clone(&only_new)).unwrap();
    assert_eq!(table.resolve("a").unwrap().expose(), "1");
    assert!(rotate_file_text(&rotated.text, &only_new, &SystemRng).unwrap().changed.is_empty());
}

#[test]
fn resolving_says_why_not() {
    let table = SecretTable::new([("Admin".to_owned(), "[plain]".to_owned())], Arc::new(keyring()));
    let unknown = error_of(table.resolve("admin"));
    assert!(unknown.to_string().contains("did you mean 'Admin'?"), "{unknown}");
    let plain = error_of(table.resolve("Admin"));
    assert_eq!(plain, ResolveError::Plain { alias: "Admin".to_owned() });
    assert!(plain.to_string().contains("vault encrypt"));
}
