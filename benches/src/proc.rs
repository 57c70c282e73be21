//! What Linux says about processes in `/proc`. Elsewhere there is nothing to say.

use std::fs;
use std::time::Duration;

/// The unit of times in `/proc/*/stat`: hundredths of a second on every Linux that Rust runs on.
const TICK: Duration = Duration::from_millis(10);

/// The processor time of this process so far.
pub fn own_cpu() -> Option<Duration> {
    Some(Stat::read(&fs::read_to_string("/proc/self/stat").ok()?)?.own)
}

/// The processor time of a process, of its children now and of those that have ended.
pub fn family_cpu(parent: u32) -> Option<Duration> {
    let mut total = Duration::ZERO;
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        // A process may end while it is looked at.
        let Ok(text) = fs::read_to_string(entry.path().join("stat")) else { continue };
        match Stat::read(&text) {
            Some(stat) if stat.pid == parent => total += stat.own + stat.ended_children,
            Some(stat) if stat.parent == parent => total += stat.own,
            _ => {}
        }
    }
    Some(total)
}

/// The most memory that this process has had resident, in bytes.
pub fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

struct Stat {
    pid: u32,
    parent: u32,
    own: Duration,
    ended_children: Duration,
}

impl Stat {
    fn read(text: &str) -> Option<Self> {
        // The second field, the program's name in brackets, may hold anything.
        let (pid, rest) = text.split_once(" (")?;
        let fields: Vec<&str> = rest.rsplit_once(") ")?.1.split(' ').collect();
        let ticks = |index: usize| fields.get(index)?.parse().ok().map(|ticks: u32| TICK * ticks);
        Some(Self {
            pid: pid.parse().ok()?,
            parent: fields.get(1)?.parse().ok()?,
            own: ticks(11)? + ticks(12)?,
            ended_children: ticks(13)? + ticks(14)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_is_no_field() {
        let text = "12 (a) b) S 7 1 1 0 -1 0 0 0 0 0 3 4 5 6 20 0 1";
        let stat = Stat::read(text).unwrap();
        assert_eq!((stat.pid, stat.parent), (12, 7));
        assert_eq!((stat.own, stat.ended_children), (TICK * 7, TICK * 11));
    }
}
