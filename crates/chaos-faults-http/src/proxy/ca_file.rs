//! The certificate of a proxy's authority, in a file.

use chaos_core::FaultError;
use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

/// What our files begin with. Readers of PEM pass over what is before the first certificate.
const MARK: &str = "# The authority of a chaos HTTP proxy, for tests only. Gone with it.\n";

/// A file that is removed when it is dropped, if it is still what was written.
#[derive(Debug)]
pub(crate) struct CaFile {
    path: PathBuf,
    text: String,
}

impl CaFile {
    /// Writes the certificate. A file of ours that a killed process has left is replaced, any other refused.
    pub(crate) fn write(path: PathBuf, pem: &str) -> Result<Self, FaultError> {
        let text = format!("{MARK}{pem}");
        let failed = |e| FaultError::host(format!("write {}", path.display()), e);
        match create(&path, &text) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if !fs::read_to_string(&path).is_ok_and(|old| old.starts_with(MARK)) {
                    return Err(FaultError::conflict(
                        format!("the file {}", path.display()),
                        "another program wrote it; choose another path, or remove it",
                    ));
                }
                fs::remove_file(&path).map_err(failed)?;
                create(&path, &text).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        Ok(Self { path, text })
    }
}

impl Drop for CaFile {
    fn drop(&mut self) {
        if fs::read_to_string(&self.path).is_ok_and(|text| text == self.text)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "cannot remove a certificate");
        }
    }
}

/// Creates the file, whole or not at all.
fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(text.as_bytes()).inspect_err(|_| {
        // It is ours, and of no use.
        fs::remove_file(path).ok();
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_as_long_as_the_proxy_and_one_of_another_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        let first = CaFile::write(path.clone(), "one\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{MARK}one\n"));
        drop(first);
        assert!(!path.exists());
        // What a SIGKILL leaves.
        fs::write(&path, format!("{MARK}one\n")).unwrap();
        let second = CaFile::write(path.clone(), "two\n").unwrap();
        drop(second);
        assert!(!path.exists());

        fs::write(&path, "mine").unwrap();
        let error = CaFile::write(path.clone(), "three\n").unwrap_err();
        assert!(error.to_string().contains("another program"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");

        fs::remove_file(&path).unwrap();
        let fourth = CaFile::write(path.clone(), "four\n").unwrap();
        fs::write(&path, "mine").unwrap();
        drop(fourth);
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }
}
