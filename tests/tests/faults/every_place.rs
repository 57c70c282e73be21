//! Every place of a run, struck in each of three ways.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use sharded_migrations_tests::postgres::{Cluster, Options};

use crate::lane::{Lane, said};
use crate::proxy::{Point, Proxy};
use crate::strike::{Part, Undisturbed};

/// Every so many points the schema is compared as `pg_dump` writes it as well, which takes long.
const DUMPS: usize = 40;

/// How many runs are struck at once on one server.
const LANES: usize = 3;

/// How many runs stand still when their server is killed.
const RUNS: usize = 8;

#[test]
fn a_process_killed_in_transactions() {
    strike_each("SIGKILL, in transactions", Part::IN_TRANSACTIONS, kill);
}

#[test]
fn a_connection_cut_in_transactions() {
    strike_each("connection cut, in transactions", Part::IN_TRANSACTIONS, cut);
}

#[test]
fn a_server_killed_in_transactions() {
    crash_each("server killed, in transactions", Part::IN_TRANSACTIONS);
}

#[test]
fn a_process_killed_outside_transactions() {
    strike_each("SIGKILL, outside transactions", Part::OUTSIDE, kill);
}

#[test]
fn a_connection_cut_outside_transactions() {
    strike_each("connection cut, outside transactions", Part::OUTSIDE, cut);
}

#[test]
fn a_server_killed_outside_transactions() {
    crash_each("server killed, outside transactions", Part::OUTSIDE);
}

#[test]
fn a_process_killed_while_it_takes_back() {
    strike_each("SIGKILL, taking back", Part::BACK, kill);
}

fn kill(lane: &Lane, run: &Undisturbed, point: &Point) {
    let (mut process, proxy) = run.stand(lane, point);
    process.kill().unwrap();
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), None, "{}", said(&output));
    proxy.cut_all();
    lane.eye.end_sleepers();
    lane.assert_is_there(&output);
}

fn cut(lane: &Lane, run: &Undisturbed, point: &Point) {
    let (process, proxy) = run.stand(lane, point);
    proxy.cut();
    lane.eye.end_sleepers();
    // The process sees it, and ends by itself.
    let output = process.wait_with_output().unwrap();
    run.assert_says_so(lane, point, &output);
    lane.assert_is_there(&output);
}

fn strike_each(what: &str, part: Part, strike: fn(&Lane, &Undisturbed, &Point)) {
    let cluster = Cluster::shared();
    let lanes: Vec<_> = (0..LANES).map(|_| Lane::new(cluster)).collect();
    let run = Undisturbed::run(&lanes[0], part);
    println!("{what}: {} places", run.points.len());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for lane in lanes {
            let (run, next) = (&run, &next);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let Some(point) = run.points.get(number) else { return };
                    strike(&lane, run, point);
                    run.assert_ends_alike(&lane, point, number % DUMPS == 0);
                }
            });
        }
    });
    println!("{what}: {} faults", run.points.len());
}

fn crash_each(what: &str, part: Part) {
    let mut cluster = Cluster::start(Options::default());
    let mut lanes: Vec<_> = (0..RUNS).map(|_| Lane::new(&cluster)).collect();
    let run = Undisturbed::run(&lanes[0], part);
    for (number, points) in run.points.chunks(RUNS).enumerate() {
        let standing: Vec<_> = thread::scope(|scope| {
            let run = &run;
            let start = |(lane, point)| scope.spawn(move || run.stand(lane, point));
            let threads: Vec<_> = lanes.iter().zip(points).map(start).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        cluster.stop_immediate();
        // What stood still hears of the end as well.
        standing.iter().for_each(|(_, proxy): &(_, Proxy)| proxy.cut_all());
        let outputs: Vec<_> =
            standing.into_iter().map(|(process, _)| process.wait_with_output().unwrap()).collect();
        cluster.restart();
        lanes.iter_mut().for_each(|lane| lane.reconnect(&cluster));
        thread::scope(|scope| {
            for (index, ((lane, point), output)) in lanes.iter().zip(points).zip(&outputs).enumerate() {
                let run = &run;
                scope.spawn(move || {
                    run.assert_says_so(lane, point, output);
                    lane.assert_is_there(output);
                    run.assert_ends_alike(lane, point, index == number % RUNS && number % 5 == 0);
                });
            }
        });
    }
    println!("{what}: {} faults", run.points.len());
}
