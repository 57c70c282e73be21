pub fn migration() -> String {
    "CREATE TABLE account (id int)".into()
}
