pub fn migrate() {}
