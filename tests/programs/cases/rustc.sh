#!/bin/sh
# rustc: compiles with threads, runs a program with threads, and explains a mistake.
# package: rustc
# also: gcc
# uses: threads fork
prepare()
{
    cat >work.rs <<'RUST'
use std::collections::{BTreeMap, HashMap};
use std::sync::{mpsc, Arc, Mutex};
use std::thread;

#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Round(f64),
    Named { name: String, parts: Vec<Shape> },
}

fn build(depth: usize) -> Shape {
    match depth {
        0 => Shape::Round(1.5),
        n => Shape::Named { name: format!("depth {n}"), parts: vec![build(n - 1); 3] },
    }
}

fn count(shape: &Shape) -> usize {
    match shape {
        Shape::Round(r) => *r as usize,
        Shape::Named { name, parts } => name.len() + parts.iter().map(count).sum::<usize>(),
    }
}

fn main() {
    let shared = Arc::new(Mutex::new(BTreeMap::new()));
    let (sender, receiver) = mpsc::channel();
    let threads: Vec<_> = (0..4)
        .map(|t| {
            let (shared, sender) = (shared.clone(), sender.clone());
            thread::spawn(move || {
                let mut words: HashMap<String, Vec<usize>> = HashMap::new();
                for i in 0..30000 {
                    words.entry(format!("word {}", i % 1009)).or_default().push(i * t);
                }
                let total: usize = words.values().map(|v| v.iter().sum::<usize>()).sum();
                shared.lock().unwrap().insert(t, total);
                sender.send(Box::new(build(6 + t % 2))).unwrap();
            })
        })
        .collect();
    drop(sender);
    let sizes: usize = receiver.iter().map(|shape| count(&shape)).sum();
    threads.into_iter().for_each(|t| t.join().unwrap());
    println!("{:?} {sizes}", shared.lock().unwrap());
    std::process::exit(15);
}
RUST
}

work()
{
    run rustc --edition 2021 -C codegen-units=4 -C opt-level=1 -o work "$IN/work.rs"
    status=0
    run ./work || status=$?
    echo "exit status $status"
    printf 'fn main() { let x: u8 = "text"; let y = vec![1]; drop(y); drop(y); }\n' >wrong.rs
    run rustc wrong.rs || echo "exit status $?"
}
