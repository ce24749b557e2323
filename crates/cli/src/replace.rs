//! Writing files that users have.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// Writes a file as a whole, or not at all: who is interrupted keeps the old one. The permissions stay, and a link stays one. With
/// `expected`, only where the file still holds that.
///
/// # Errors
/// It cannot be written, is read-only, or has changed.
pub(crate) fn file(path: &Path, bytes: &[u8], expected: Option<&[u8]>) -> io::Result<()> {
    let found = match fs::metadata(path) {
        Ok(found) => Some(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    // A pipe or a device is written in place.
    if found.as_ref().is_some_and(|found| !found.is_file()) {
        return fs::write(path, bytes);
    }
    // To take its place is in the rights of the folder; who made it read-only means it all the same.
    if found.as_ref().is_some_and(|found| found.permissions().readonly()) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
    }
    let path = if found.is_some() { fs::canonicalize(path)? } else { path.to_owned() };
    if expected.is_some_and(|expected| fs::read(&path).is_ok_and(|now| now != expected)) {
        return Err(io::Error::other("it has changed since it was read"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside = new_file(folder)?;
    beside.write_all(bytes)?;
    if let Some(found) = found {
        beside.as_file().set_permissions(found.permissions())?;
    }
    beside.as_file().sync_all()?;
    beside.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// A new file in a folder, with the permissions that the user's new files have.
fn new_file(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}
