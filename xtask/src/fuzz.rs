//! `cargo xtask fuzz`: the targets of `fuzz/`, which are a workspace of their own, under libFuzzer.
//!
//! What makes a compiler count the code that an input reaches are flags of LLVM, which a stable rustc passes on. So
//! neither a nightly nor `cargo-fuzz` is needed; a C++ compiler is, for libFuzzer itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::{cargo, output};

const TARGETS: [&str; 5] = ["header", "route", "topology", "file", "replay"];

/// What is spent on all targets together where nothing is said.
const SECONDS: u64 = 60;

/// An input that takes longer than this hangs: the slowest take a tenth of a second of processor time, and a machine may
/// have much else to do.
const HANGS_AFTER: u64 = 60;

/// How much memory a run may take. What is reserved for the parser's stack and not used does not count.
const MEGABYTES: u64 = 2_048;

const FLAGS: [&str; 7] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cforce-frame-pointers=yes",
];

/// What somebody asks for.
#[derive(Debug, PartialEq, Eq)]
enum Task {
    /// To look for inputs that break a target.
    Search { targets: Vec<&'static str>, seconds: u64 },
    /// To run one input again.
    Replay { target: &'static str, input: PathBuf },
}

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let task = Task::parse(arguments)?;
    let place = Place::build()?;
    let found = match &task {
        Task::Search { targets, seconds } => {
            let each = (seconds / targets.len() as u64).max(1);
            targets.iter().map(|target| place.search(target, each)).collect::<Result<Vec<bool>, String>>()?
        }
        Task::Replay { target, input } => vec![place.replay(target, input)?],
    };
    Ok(if found.into_iter().any(|broken| broken) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Task {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut targets = Vec::new();
        let (mut seconds, mut replay) = (SECONDS, None);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value =
                || rest.next().ok_or_else(|| format!("`{argument}` of `cargo xtask fuzz` takes a value"));
            match argument.as_str() {
                "--seconds" => {
                    seconds = value()?.parse().map_err(|_| "`--seconds` takes a whole number".to_owned())?;
                }
                "--replay" => replay = Some(PathBuf::from(value()?)),
                name => {
                    let known = TARGETS.into_iter().find(|target| *target == name);
                    targets.push(known.ok_or_else(|| {
                        format!("there is no fuzz target `{name}`. There are: {}", TARGETS.join(", "))
                    })?);
                }
            }
        }
        match (replay, targets.as_slice()) {
            (Some(input), [target]) => Ok(Self::Replay { target, input }),
            (Some(_), _) => {
                Err("`--replay` takes one target: `cargo xtask fuzz file --replay INPUT`".to_owned())
            }
            (None, []) => Ok(Self::Search { targets: TARGETS.to_vec(), seconds }),
            (None, _) => Ok(Self::Search { targets, seconds }),
        }
    }
}

/// Where things are.
struct Place {
    root: PathBuf,
    /// What is built, and what is found out.
    folder: PathBuf,
    programs: PathBuf,
}

impl Place {
    fn build() -> Result<Self, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let root = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
        let folder = root.join("target/fuzz");
        let version = output(Command::new("rustc").arg("-vV"))?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.ok_or("`rustc -vV` names no host")?;
        let mut command = cargo();
        command
            .args(["build", "--release", "--locked", "--quiet", "--bins", "--target", host])
            .arg("--manifest-path")
            .arg(root.join("fuzz/Cargo.toml"))
            .arg("--target-dir")
            .arg(&folder)
            // Named with a target, they are not for build scripts.
            .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"));
        let status = command.status().map_err(|error| format!("cannot run {command:?}: {error}"))?;
        if !status.success() {
            return Err("the fuzz targets do not build (libFuzzer needs a C++ compiler)".to_owned());
        }
        let programs = folder.join(host).join("release");
        Ok(Self { root, folder, programs })
    }

    /// Whether an input that breaks the target was found.
    ///
    /// The order in which inputs are tried depends on the seed alone, so that a run that starts from nothing finds
    /// what another found, and in what order; how far it gets depends on the machine.
    fn search(&self, target: &str, seconds: u64) -> Result<bool, String> {
        let corpus = self.made(&["corpus", target])?;
        let found = self.made(&["found", target])?;
        let running = found.join("running");
        let mut seeds = vec![self.root.join("fuzz/seeds").join(target)];
        match target {
            "header" | "file" => seeds.push(self.root.join("migrations")),
            "topology" => {
                let fleet = self.made(&["fleet"])?;
                let file = "databases.toml";
                fs::copy(self.root.join(file), fleet.join(file))
                    .map_err(|error| format!("{file}: {error}"))?;
                seeds.push(fleet);
            }
            _ => {}
        }
        eprintln!("xtask: fuzzing `{target}` for {seconds} s");
        let before = inputs(&found);
        let mut command = Command::new(self.programs.join(target));
        command
            .args([
                "-seed=1",
                "-print_final_stats=1",
                "-verbosity=0",
                "-print_funcs=0",
                "-len_control=0",
                "-max_len=16384",
            ])
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-timeout={HANGS_AFTER}"))
            .arg(format!("-rss_limit_mb={MEGABYTES}"))
            .arg(format!("-artifact_prefix={}/", found.display()))
            .arg(&corpus)
            .args(seeds.iter().filter(|folder| folder.exists()))
            .env("FUZZ_RUNNING", &running);
        let status = command.status().map_err(|error| format!("cannot run {command:?}: {error}"))?;
        if status.success() {
            return Ok(false);
        }
        let input = inputs(&found).into_iter().find(|input| !before.contains(input));
        // Where the stack overflowed, libFuzzer saved nothing.
        let input = input.or_else(|| running.exists().then_some(running));
        match input {
            Some(input) => {
                let bytes = fs::read(&input).unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes);
                eprintln!("xtask: `{target}` breaks ({status}) on this input:\n{}", shortened(&text));
                eprintln!("xtask: again: cargo xtask fuzz {target} --replay {}", input.display());
            }
            None => eprintln!("xtask: `{target}` ended with {status}, and saved no input"),
        }
        Ok(true)
    }

    /// Whether an input breaks the target.
    fn replay(&self, target: &str, input: &Path) -> Result<bool, String> {
        if !input.is_file() {
            return Err(format!("there is no input `{}`", input.display()));
        }
        let mut command = Command::new(self.programs.join(target));
        command.arg(format!("-timeout={HANGS_AFTER}")).arg(format!("-rss_limit_mb={MEGABYTES}")).arg(input);
        let status = command.status().map_err(|error| format!("cannot run {command:?}: {error}"))?;
        eprintln!("xtask: `{target}` ended with {status}");
        Ok(!status.success())
    }

    fn made(&self, names: &[&str]) -> Result<PathBuf, String> {
        let folder = names.iter().fold(self.folder.clone(), |folder, name| folder.join(name));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(folder)
    }
}

/// The files that libFuzzer saved.
fn inputs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(|path| !path.ends_with("running")).collect();
    files.sort();
    files
}

fn shortened(text: &str) -> String {
    const MOST: usize = 2_000;
    let shown: String = text.chars().take(MOST).collect();
    if shown.len() < text.len() { format!("{shown}\n.. ({} bytes in all)", text.len()) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Task, String> {
        Task::parse(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn all_targets_share_a_minute_unless_something_is_said() {
        assert_eq!(parse("").unwrap(), Task::Search { targets: TARGETS.to_vec(), seconds: SECONDS });
        assert_eq!(
            parse("file --seconds 3600").unwrap(),
            Task::Search { targets: vec!["file"], seconds: 3600 }
        );
        assert_eq!(
            parse("file --replay a/b").unwrap(),
            Task::Replay { target: "file", input: PathBuf::from("a/b") }
        );
    }

    #[test]
    fn what_is_misspelt_is_named() {
        assert!(parse("fiel").unwrap_err().contains("There are: header, route, topology, file, replay"));
        assert!(parse("--seconds").unwrap_err().contains("takes a value"));
        assert!(parse("--seconds x").unwrap_err().contains("whole number"));
        assert!(parse("--replay x").unwrap_err().contains("one target"));
    }
}
