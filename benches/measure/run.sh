#!/bin/sh
# Measures the instrument itself: recorder, judge, pacing, the generator's ceiling beside wrk and oha, and how exactly a
# server that is stopped for a known time is measured. Needs, on Debian: apt-get install nginx-light wrk util-linux; as root,
# for SCHED_RR. Arguments go to the program: --help lists them.
set -e
cd "$(dirname "$0")/../.."
exec cargo run --release --locked -p chaos-benches --bin measure-bench -- "$@"
