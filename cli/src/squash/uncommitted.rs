//! Files that git would not bring back: what a squash replaces is deleted.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

/// Those of these files in a folder that are in no commit as they are now. None where there is no git, or no repository:
/// whoever works without one has other ways to bring files back.
pub(super) fn among(files: &BTreeSet<String>, folder: &Path) -> Vec<String> {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C").arg(folder).args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
        let output = git.output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    // The names that `status` writes begin at the top of the repository.
    let prefix = git(&["rev-parse", "--show-prefix"]);
    let status = git(&["status", "--porcelain", "-z", "--untracked-files=all", "--", "."]);
    let (Some(prefix), Some(status)) = (prefix, status) else { return Vec::new() };
    // `XY name`, each with a NUL behind it.
    let name = |entry: &'_ str| {
        entry.get(3..)?.strip_prefix(prefix.trim_end_matches(['\r', '\n'])).map(ToOwned::to_owned)
    };
    status.split('\0').filter_map(name).filter(|file| files.contains(file)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_git_would_not_bring_back() {
        let repository = tempfile::tempdir().unwrap();
        let folder = repository.path().join("app/migrations");
        fs::create_dir_all(folder.join("users")).unwrap();
        let files = ["V1__a.sql", "V2__it's ä.sql", "users/V3__c.sql", "V4__kept.sql"];
        for file in files {
            fs::write(folder.join(file), "SELECT 1;").unwrap();
        }
        let gone: BTreeSet<String> = files[..3].iter().map(|file| (*file).to_owned()).collect();
        assert_eq!(among(&gone, &folder), [""; 0], "there is no repository");

        let git = |arguments: &[&str]| {
            let name = ["-c", "user.name=t", "-c", "user.email=t@localhost"];
            let status = Command::new("git").current_dir(&repository).args(name).args(arguments).status();
            assert!(status.unwrap().success(), "{arguments:?}");
        };
        git(&["init", "--quiet"]);
        assert_eq!(among(&gone, &folder), ["V1__a.sql", "V2__it's ä.sql", "users/V3__c.sql"]);
        git(&["add", "."]);
        git(&["commit", "--quiet", "-m", "all"]);
        fs::write(folder.join("V4__kept.sql"), "SELECT 4;").unwrap();
        assert_eq!(among(&gone, &folder), [""; 0]);
        fs::write(folder.join("V2__it's ä.sql"), "SELECT 2;").unwrap();
        assert_eq!(among(&gone, &folder), ["V2__it's ä.sql"]);
    }
}
