//! Getting a secret from the person at the keyboard, a file, or a pipe.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;

use model::Secret;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::failure::{Failure, Outcome};
use crate::installation::read_secret_file;
use crate::terminal::Terminal;

/// Reads a secret: from the file if one is named, else a line of standard input. On a terminal it is not shown, and
/// asked for twice when `confirm` says so.
pub(super) fn read_secret(
    prompt: &str,
    file: Option<&Path>,
    confirm: bool,
    terminal: Terminal,
) -> Outcome<Secret<String>> {
    if let Some(file) = file {
        return read_secret_file(file);
    }
    if !std::io::stdin().is_terminal() {
        return line();
    }
    let first = hidden(prompt, terminal)?;
    if confirm && *hidden("Again: ", terminal)?.expose() != *first.expose() {
        return Err(Failure::usage("the two entries differ", "run the command again"));
    }
    Ok(first)
}

fn line() -> Outcome<Secret<String>> {
    let mut text = String::new();
    let read = std::io::stdin().lock().read_line(&mut text);
    read.map_err(|e| Failure::io(Path::new("standard input"), "read", &e))?;
    let secret = Secret::new(text.trim_end_matches(['\n', '\r']).to_owned());
    if secret.expose().is_empty() {
        return Err(Failure::usage("there is nothing on standard input", "type it, pipe it in, or name a file"));
    }
    Ok(secret)
}

/// Reads a line with echo off, and puts the terminal back as it was.
fn hidden(prompt: &str, terminal: Terminal) -> Outcome<Secret<String>> {
    terminal.say(prompt);
    let stdin = std::io::stdin();
    let before = tcgetattr(&stdin).ok();
    if let Some(before) = &before {
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        let _ = tcsetattr(&stdin, OptionalActions::Flush, &silent);
    }
    let read = line();
    if let Some(before) = before {
        let _ = tcsetattr(&stdin, OptionalActions::Flush, &before);
    }
    read
}
