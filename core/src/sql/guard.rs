//! Work that may panic, or wants more stack than there is: what becomes of it is a value.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// Does some work on threads with a stack of so many bytes each; what kept it from being done. One thread will do
/// where the system gives no more.
pub(super) fn on_stacks(threads: usize, bytes: usize, work: impl Fn() + Sync) -> Result<(), String> {
    thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().stack_size(bytes).spawn_scoped(scope, &work);
        let (spawned, refused): (Vec<_>, Vec<_>) = (0..threads).map(spawn).partition(Result::is_ok);
        if spawned.is_empty() {
            return refused.into_iter().find_map(Result::err).map_or(Ok(()), |error| Err(error.to_string()));
        }
        let ended: Vec<_> = spawned.into_iter().flatten().map(thread::ScopedJoinHandle::join).collect();
        ended.into_iter().find_map(Result::err).map_or(Ok(()), |panic| Err(reason(&*panic)))
    })
}

/// What the work gives, or what it says when it panics.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| reason(&*panic))
}

fn reason(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it did not say why".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_cannot_be_or_dies_is_told_of() {
        assert_eq!(on_stacks(2, 1 << 20, || ()), Ok(()));
        assert_eq!(on_stacks(2, 1 << 20, || panic!("torn")), Err("torn".to_owned()));
        let more_than_there_is = on_stacks(2, 1 << 60, || ());
        assert!(more_than_there_is.is_err_and(|error| error.contains("os error")));
    }

    #[test]
    fn a_panic_is_told_as_what_it_said() {
        assert_eq!(caught(|| 1), Ok(1));
        let text: Result<(), String> = caught(|| panic!("at {}", 3));
        assert_eq!(text, Err("at 3".into()));
        let other: Result<(), String> = caught(|| std::panic::panic_any(3));
        assert_eq!(other, Err("it did not say why".into()));
    }
}
