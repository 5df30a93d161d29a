#!/bin/sh
# Measures the proxy beside its peers on loopback. Needs, on Debian:
#   apt-get install haproxy nginx-light libnginx-mod-stream socat iperf3 redis-server redis-tools
# Arguments go to the program: --help lists them.
set -e
cd "$(dirname "$0")/../.."
exec cargo run --release --locked -p chaos-benches --bin proxy-bench -- "$@"
