pub async fn back() {}
