#!/bin/sh
# A Docker Engine for the tests, with everything it has below one directory. Needs root and the package `docker.io`.
#
#   DOCKER_HOST=$(tests/docker-engine.sh start DIR)    starts it, and waits until it answers
#   tests/docker-engine.sh stop DIR                    ends it, and removes what it had
#
# It has no network of its own and changes no packet filter. DIR is short: socket paths have at most 107 bytes.
set -eu

fail() {
    echo "docker-engine.sh: $*" >&2
    exit 1
}

[ $# -eq 2 ] || fail "usage: docker-engine.sh start|stop DIR"
mkdir -p "$2"
dir=$(cd "$2" && pwd -P)
[ "${#dir}" -le 60 ] || fail "$dir is too long: 60 bytes at most"
export DOCKER_HOST="unix://$dir/sock"
# Only a directory that this script has made its own is emptied.
mark="$dir/docker-engine.sh"

# The pid in a file, if that process lives and is the program named in $2. A dead one that nobody has reaped does not.
alive() {
    pid=$(cat "$1" 2>/dev/null) || return 1
    [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] &&
        ! grep -q '^State:.*Z' "/proc/$pid/status" 2>/dev/null
}

# Ends the process of a pid file: asks, waits for $3 tenths of a second, kills.
end() {
    alive "$1" "$2" || return 0
    kill "$pid"
    n=0
    while alive "$1" "$2"; do
        n=$((n + 1))
        if [ "$n" -gt "$3" ]; then
            kill -9 "$pid"
            sleep 0.2
            return 0
        fi
        sleep 0.1
    done
}

start() {
    command -v dockerd >/dev/null || fail "there is no dockerd; apt-get install docker.io"
    [ "$(id -u)" -eq 0 ] || fail "needs root"
    [ -e "$mark" ] || [ -z "$(ls -A "$dir")" ] || fail "$dir holds something else"
    : >"$mark"
    if ! alive "$dir/pid" dockerd; then
        rm -f "$dir/pid" "$dir/sock"
        # `--containerd-namespace`: apart from the machine's own engine, if there is one.
        setsid dockerd --host "$DOCKER_HOST" --pidfile "$dir/pid" \
            --data-root "$dir/data" --exec-root "$dir/run" \
            --containerd-namespace chaos-test --containerd-plugins-namespace chaos-test-plugins \
            --bridge=none --iptables=false --ip6tables=false \
            </dev/null >"$dir/log" 2>&1 &
        started=$!
    fi
    n=0
    until docker version >/dev/null 2>&1; do
        n=$((n + 1))
        if [ "$n" -gt 600 ] || { [ -n "${started:-}" ] && ! kill -0 "$started" 2>/dev/null; }; then
            tail -n 20 "$dir/log" >&2
            fail "the engine does not answer"
        fi
        sleep 0.1
    done
    echo "$DOCKER_HOST"
}

stop() {
    [ -e "$mark" ] || fail "nothing was started in $dir"
    if alive "$dir/pid" dockerd; then
        docker ps -aq 2>/dev/null | xargs -r docker rm -f >/dev/null 2>&1 || true
    fi
    end "$dir/pid" dockerd 200
    # Only there when the engine was killed.
    end "$dir/run/containerd/containerd.pid" containerd 50
    # What is still mounted, the innermost first.
    cut -d ' ' -f 2 /proc/mounts | grep "^$dir/" | sort -r | while read -r mount; do
        umount -l "$mount"
    done
    rm -rf "$dir/data" "$dir/run" "$dir/pid" "$dir/sock" "$dir/log" "$mark"
    rmdir "$dir" 2>/dev/null || true
}

case $1 in
start) start ;;
stop) stop ;;
*) fail "usage: docker-engine.sh start|stop DIR" ;;
esac
