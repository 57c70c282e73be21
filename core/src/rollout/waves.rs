//! Which databases are migrated together, in which order.

use super::Rollout;
use crate::DatabaseName;

impl Rollout {
    /// Databases wave by wave, as positions in the list: canaries, then each share of them, then the rest, in
    /// the list's order. No wave is empty.
    pub fn waves(&self, databases: &[&DatabaseName]) -> Vec<Vec<usize>> {
        let position = |name: &DatabaseName| databases.iter().position(|database| *database == name);
        let canaries: Vec<usize> = self.canary.iter().filter_map(position).collect();
        let others = (0..databases.len()).filter(|index| !canaries.contains(index));
        let mut order = canaries.clone();
        order.extend(others);
        let all = databases.len();
        let mut waves = Vec::new();
        let mut from = 0;
        let ends =
            [canaries.len()].into_iter().chain(self.waves.iter().map(|share| share.of(all))).chain([all]);
        for end in ends {
            if end > from {
                waves.push(order[from..end].to_vec());
                from = end;
            }
        }
        waves
    }
}

#[cfg(test)]
mod tests {
    use super::super::Share::{Databases, Percent};
    use super::*;
    use crate::rollout::Share;

    fn waves(count: usize, canary: &[&'static str], shares: &[Share]) -> String {
        let rollout = Rollout {
            canary: canary.iter().copied().map(DatabaseName::embedded).collect(),
            waves: shares.to_vec().into(),
            ..Rollout::DEFAULT
        };
        let names: Vec<DatabaseName> =
            (0..count).map(|index| DatabaseName::new(format!("d{index}")).unwrap()).collect();
        let waves = rollout.waves(&names.iter().collect::<Vec<_>>());
        let mut seen: Vec<usize> = waves.concat();
        seen.sort_unstable();
        assert_eq!(seen, (0..count).collect::<Vec<_>>(), "each once");
        let wave = |wave: &Vec<usize>| wave.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        waves.iter().map(wave).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn canaries_come_first_and_shares_count_from_the_start() {
        assert_eq!(waves(4, &[], &[]), "0 1 2 3");
        assert_eq!(waves(4, &["d2"], &[]), "2 | 0 1 3");
        assert_eq!(waves(4, &["d3", "d1"], &[]), "3 1 | 0 2");
        assert_eq!(waves(4, &["d9"], &[]), "0 1 2 3");
        assert_eq!(waves(6, &[], &[Databases(1), Percent(50), Percent(100)]), "0 | 1 2 | 3 4 5");
        assert_eq!(waves(6, &["d5"], &[Databases(1), Percent(50)]), "5 | 0 1 | 2 3 4");
        assert_eq!(waves(6, &[], &[Percent(50)]), "0 1 2 | 3 4 5");
        assert_eq!(waves(2, &[], &[Databases(5)]), "0 1");
        assert_eq!(waves(0, &["d0"], &[Databases(1)]), "");
    }
}
