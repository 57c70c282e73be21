//! `--report`: the page of a run, looked at in a browser.

use std::path::Path;

use sharded_migrations_tests::browser;
use sharded_migrations_tests::project::Project;
use sharded_migrations_tests::sqlite::SqliteFolder;
use tempfile::TempDir;

use crate::program::{end, program};

/// Four hundred files in two groups, one of which has a table in the way, and one a history that does not fit.
struct Fleet {
    folder: SqliteFolder,
    project: Project,
}

const FILES: [(&str, &str); 4] = [
    ("V1__account.sql", "-- #[route(everywhere)]\nCREATE TABLE account (id int);\n"),
    ("V2__a_b.sql", "-- #[route(group = \"users\")]\nCREATE TABLE \"a<b&c\" (id int);\n"),
    ("V3__orders.sql", "-- #[route(group = \"shops\")]\nCREATE TABLE orders (id int);\n"),
    ("V4__trap.sql", "-- #[route(everywhere)]\nCREATE TABLE trap (id int);\n"),
];

impl Fleet {
    fn new() -> Self {
        let folder = SqliteFolder::new();
        let at = |name: &str| folder.url(name);
        let toml = format!(
            "[groups.users]\n[groups.shops]\n\
             [databases.\"users_{{001..380}}\"]\ngroup = \"users\"\nurl = \"{}\"\n\
             [databases.\"shops_{{01..20}}\"]\ngroup = \"shops\"\nurl = \"{}\"\n\
             [rollout]\ncanary = [\"users_001\"]\nwaves = [\"10%\"]\non_failure = \"continue\"\n",
            at("users_{001..380}"),
            at("shops_{01..20}"),
        );
        let project = FILES
            .iter()
            .fold(Project::new().databases_toml(&toml), |project, (file, text)| project.file(file, text));
        Self { folder, project }
    }

    fn sql(&self, database: &str, sql: &str) {
        rusqlite::Connection::open(self.folder.path(database)).unwrap().execute_batch(sql).unwrap();
    }

    fn migrate(&self, report: &Path) -> (i32, String, String) {
        let report = report.to_str().unwrap();
        end(program("--migrate --verbosity quiet --report")
            .arg(report)
            .env("FLEET_PROJECT", self.project.path()))
    }
}

/// Run in the page: what a reader could see of it, as attributes of its body.
const LOOK: &str = "<script>
const all = selector => [...document.querySelectorAll(selector)];
const shown = element => element.offsetWidth > 0 && element.offsetHeight > 0;
const say = (name, value) => document.body.setAttribute('data-' + name, value);
say('fits', document.documentElement.scrollWidth <= window.innerWidth);
say('rows', all('table.matrix tbody tr').map(row => row.cells[0].innerText.trim().split('\\n')[0]).join('; '));
say('cells', all('table.matrix tbody tr').map(row => [...row.cells].slice(2).map(cell => cell.className).join(' ')).join('; '));
say('tracks', all('.track').filter(shown).length);
say('bars', all('.track i').filter(shown).length);
say('outside', all('.track i').filter(bar => bar.offsetLeft + bar.offsetWidth > bar.parentElement.offsetWidth + 2).length);
say('headings', all('h2').map(heading => heading.innerText).join('; '));
say('failure', all('pre').map(block => block.innerText).join('; '));
say('colours', new Set(all('table.matrix td').map(cell => getComputedStyle(cell).backgroundColor)).size);
</script>";

/// What the script has found.
fn seen(dom: &str, name: &str) -> String {
    let (_, rest) =
        dom.split_once(&format!("data-{name}=\"")).unwrap_or_else(|| panic!("no {name} in {dom}"));
    let value = rest.split('"').next().unwrap();
    value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[test]
fn a_page_shows_what_four_hundred_databases_did() {
    let fleet = Fleet::new();
    let folder = TempDir::new().unwrap();
    let report = folder.path().join("rollout.html");
    fleet.sql("users_033", "CREATE TABLE trap (x int)");
    fleet.sql("users_120", "CREATE TABLE trap (x int)");
    let (code, _, err) = fleet.migrate(&report);
    assert_eq!(code, 4, "{err}");
    let page = std::fs::read_to_string(&report).unwrap();
    // It needs nothing from elsewhere.
    for part in ["http:", "https:", "<script", "<link", "src=", "url(", "@import"] {
        assert!(!page.contains(part), "{part} is in the page");
    }
    assert!(page.len() < 400_000, "{} bytes", page.len());

    let looked_at = folder.path().join("looked_at.html");
    std::fs::write(&looked_at, page.replace("</body>", &format!("{LOOK}</body>"))).unwrap();
    for size in [(1400, 900), (420, 800)] {
        let dom = browser::open(&looked_at, size, &folder.path().join("picture.png"));
        assert_eq!(seen(&dom, "fits"), "true", "{size:?}");
        assert_eq!(seen(&dom, "headings"), "Failures; The fleet; The time");
        assert_eq!(
            seen(&dom, "rows"),
            "users_001..users_032 and 346 more (378 databases); users_033, users_120 (2 databases); \
             shops_01..shops_20 (20 databases)"
        );
        assert_eq!(
            seen(&dom, "cells"),
            "applied applied elsewhere applied; applied applied elsewhere failed; applied elsewhere applied applied"
        );
        assert_eq!(
            (seen(&dom, "tracks"), seen(&dom, "bars"), seen(&dom, "outside")),
            ("401".into(), "400".into(), "0".into())
        );
        assert_eq!(seen(&dom, "colours"), "4");
        let failure = seen(&dom, "failure");
        for part in [
            "migration 4 trap failed on `users_033`",
            "migrations/V4__trap.sql:2:14",
            "CREATE TABLE trap (id int);",
        ] {
            assert!(failure.contains(part), "{part} is not in {failure}");
        }
    }

    // What was before, what is refused, and a name that is markup.
    fleet.sql("users_033", "DROP TABLE trap");
    fleet.sql("users_120", "UPDATE sharded_migrations_history SET name = '<b>' WHERE version = 2");
    let (code, _, err) = fleet.migrate(&report);
    assert_eq!(code, 4, "{err}");
    let page = std::fs::read_to_string(&report).unwrap();
    assert!(page.contains("it was called `&lt;b&gt;`") && !page.contains("<b>`"), "{page}");
    std::fs::write(&looked_at, page.replace("</body>", &format!("{LOOK}</body>"))).unwrap();
    let dom = browser::open(&looked_at, (1400, 900), &folder.path().join("picture.png"));
    assert_eq!(seen(&dom, "headings"), "Refused or waiting; The fleet; The time");
    assert_eq!(
        seen(&dom, "cells"),
        "before before elsewhere before; before before elsewhere applied; unknown unknown elsewhere unknown; \
         before elsewhere before before"
    );
}

#[test]
fn a_report_that_cannot_be_written_is_said_before_anything_is_done() {
    let fleet = Fleet::new();
    let (code, out, err) = fleet.migrate(Path::new("/no/such/folder/rollout.html"));
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(
        err.contains("the report `/no/such/folder/rollout.html` (`--report`) cannot be written"),
        "{err}"
    );
    assert!(!fleet.folder.path("users_001").exists());
    let (code, _, err) = end(&mut program("--migrate=plan --report x.html"));
    assert_eq!(code, 2);
    assert!(err.contains("`--report` is for `apply`, `down` alone"), "{err}");
}
