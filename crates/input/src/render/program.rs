//! Running another program: without a shell, without input, with bounds on its time and on what it prints.

use std::env;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::files::described;
use crate::read::size;

/// How much of a program's error output is kept.
const ERROR_BYTES: u64 = 64 << 10;

/// How much of an error is shown, in characters.
const ERROR_CHARACTERS: usize = 500;

/// How often a program that has closed its output is asked whether it has ended.
const PAUSE: Duration = Duration::from_millis(2);

/// The program `name` in `path`, in the form of the variable `PATH`, or in that variable.
///
/// Directories that are not absolute do not count: a repository that is scanned must not bring the programs along.
pub(super) fn find(name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    let path = path.map(OsStr::to_owned).or_else(|| env::var_os("PATH"))?;
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&path)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(&file))
        .find(|candidate| is_executable(candidate))
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

/// Runs `program` in `directory` and returns what it prints, at most `limit` bytes.
///
/// # Errors
/// What went wrong, to be read after the program's name: that it could not be started, took longer than
/// `timeout`, printed too much, or failed, with the first line of its error.
pub(super) fn run(
    program: &Path,
    arguments: &[&str],
    directory: &Path,
    limit: u64,
    timeout: Duration,
) -> Result<Vec<u8>, String> {
    let child = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        // What is rendered must not depend on whose machine renders it: helm takes the release's namespace
        // from the user's current context, if it finds one.
        .env("KUBECONFIG", if cfg!(windows) { "NUL" } else { "/dev/null" })
        .env_remove("HELM_NAMESPACE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("could not be run: {}", described(&error)))?;
    let mut child = Running(child);
    let deadline = Instant::now() + timeout;
    let too_long = || format!("ran longer than {} s and was stopped", timeout.as_secs_f64());
    let output = child.0.stdout.take().map(|pipe| reader(pipe, limit + 1, false));
    let errors = child.0.stderr.take().map(|pipe| reader(pipe, ERROR_BYTES, true));
    let output = taken(output, deadline).ok_or_else(too_long)?;
    if output.len() as u64 > limit {
        return Err(format!("printed more than the {} that are read", size(limit)));
    }
    let status = child.wait(deadline).ok_or_else(too_long)?;
    if status.success() {
        return Ok(output);
    }
    let errors = taken(errors, deadline).unwrap_or_default();
    Err(match first_error(&String::from_utf8_lossy(&errors)) {
        Some(line) => format!("failed: {line}"),
        None => format!("failed with {status}"),
    })
}

/// A child process that does not outlive its handle.
struct Running(Child);

impl Running {
    fn wait(&mut self, deadline: Instant) -> Option<ExitStatus> {
        loop {
            match self.0.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => thread::sleep(PAUSE),
                _ => return None,
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail where the process has ended, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads a pipe in a thread of its own, at most `limit` bytes; with `drain`, the rest is read and dropped, so that
/// the program is not held up. The thread is not waited for: a grandchild may keep the pipe open.
fn reader(mut pipe: impl Read + Send + 'static, limit: u64, drain: bool) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // An error of a pipe is its end: what the program meant to say is told by its exit status.
        let _ = pipe.by_ref().take(limit).read_to_end(&mut bytes);
        if drain {
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        }
        let _ = sender.send(bytes);
    });
    receiver
}

fn taken(receiver: Option<Receiver<Vec<u8>>>, deadline: Instant) -> Option<Vec<u8>> {
    receiver?.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
}

/// What a program's error output says went wrong: one line, without what differs from run to run.
fn first_error(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let warning = |line: &str| line.starts_with('#') || line.to_ascii_lowercase().starts_with("warning");
    let marked = lines.iter().enumerate().find_map(|(at, line)| Some((at, marked(line)?)));
    let (at, mut message) = marked.or_else(|| {
        let mut others =
            lines.iter().enumerate().filter(|(_, line)| !warning(line) && log_header(line).is_none());
        others.next().map(|(at, line)| (at, (*line).to_owned()))
    })?;
    for line in &lines[at + 1..] {
        // A line that ends so says nothing without the next.
        if !message.ends_with(':') {
            break;
        }
        message.push(' ');
        message.push_str(line);
    }
    Some(shortened(message.trim_end_matches('.')))
}

/// The message of a line that is marked as an error.
fn marked(line: &str) -> Option<String> {
    let after = ["Error:", "error:"].iter().find_map(|mark| line.strip_prefix(mark));
    after.map(|message| message.trim().to_owned()).or_else(|| logged(line))
}

/// A long message without its middle: errors that wrap one another say where at the beginning, and what at the end.
fn shortened(message: &str) -> String {
    let length = message.chars().count();
    if length <= ERROR_CHARACTERS {
        return message.to_owned();
    }
    let half = ERROR_CHARACTERS / 2;
    let characters = || message.chars();
    characters().take(half).chain(" … ".chars()).chain(characters().skip(length - half)).collect()
}

/// The severity and the message of a line in the form of Kubernetes' logs:
/// `E1125 19:35:29.323803   16901 run.go:72] "command failed" err="no such file"`.
fn log_header(line: &str) -> Option<(char, &str)> {
    let mut characters = line.chars();
    let severity = characters.next().filter(|severity| "IWEF".contains(*severity))?;
    let (header, message) = characters.as_str().split_once("] ")?;
    let dated = header.len() > 4 && header.bytes().take(4).all(|byte| byte.is_ascii_digit());
    dated.then_some((severity, message))
}

/// The error that such a line tells.
fn logged(line: &str) -> Option<String> {
    let (_, message) = log_header(line).filter(|(severity, _)| "EF".contains(*severity))?;
    Some(match message.split_once(" err=\"") {
        Some((_, error)) => {
            let error = error.strip_suffix('"').unwrap_or(error);
            error.split("\\n").next().unwrap_or(error).replace("\\\"", "\"")
        }
        None => message.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_tells_is_found_among_warnings() {
        let says = |text: &str| first_error(text).unwrap_or_default();
        let helm =
            "WARNING: Kubernetes configuration file is group-readable.\nError: no chart.\n\nUse --debug\n";
        assert_eq!(says(helm), "no chart");
        assert_eq!(says("# Warning: 'bases' is deprecated\nno such flag\n"), "no such flag");
        let kubectl = "W1125 19:35:29.1 1 x.go:1] old\n\
                       E1125 19:35:29.323803   16901 run.go:72] \"command failed\" err=\"no \\\"a\\\"\\nb\"\n";
        assert_eq!(says(kubectl), "no \"a\"");
        assert_eq!(first_error("\n"), None);
        let schema = "Error: values do not fit:\nweb:\n- (root): port is required\n- more\n";
        assert_eq!(says(schema), "values do not fit: web: - (root): port is required");
        let long = says(&format!("a{}z", "ä".repeat(1000)));
        assert_eq!(long.chars().count(), ERROR_CHARACTERS + 3);
        assert!(long.starts_with('a') && long.ends_with('z'));
    }

    #[test]
    fn programs_are_not_taken_from_relative_directories() {
        assert_eq!(find("sh", Some(OsStr::new("."))), None);
        assert_eq!(find("sh", Some(OsStr::new(""))), None);
    }
}
