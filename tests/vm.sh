#!/usr/bin/env bash
# Runs a test binary in a virtual machine with Debian's stock kernel, over this machine's own files, read-only (tier 4).
#
#   tests/vm.sh BINARY [ARGUMENT...]
#
# Needs, on Debian: qemu-system-x86, kmod, python3-venv. The kernel's package is downloaded and unpacked, not installed,
# and virtme-ng comes from PyPI; both are kept in $CHAOS_VM_DIR (default: a directory below the system's temporary one).
# Works without /dev/kvm, and is slow then. Its exit code is the binary's; 99 when the machine did not come so far.
set -euo pipefail

dir=${CHAOS_VM_DIR:-${TMPDIR:-/tmp}/chaos-vm}
mkdir -p "$dir"
log="$dir/last.log"

if [ ! -x "$dir/venv/bin/vng" ]; then
    python3 -m venv "$dir/venv"
    "$dir/venv/bin/pip" --quiet --disable-pip-version-check install 'virtme-ng>=1.40' >&2
fi
if ! compgen -G "$dir/kernel/boot/vmlinuz-*" >/dev/null; then
    package=$(apt-cache depends linux-image-amd64 | awk '/Depends:/ { print $2; exit }')
    (cd "$dir" && apt-get download -qq "$package" >&2 && dpkg -x "$package"_*.deb kernel && rm "$package"_*.deb)
fi
kernel=$(ls "$dir"/kernel/boot/vmlinuz-* | head -n 1)

script="$dir/run.sh"
{
    # What a stock kernel would load when it is asked for it; there is no udev in the machine.
    echo 'for module in sch_netem sch_prio sch_tbf sch_htb sch_ingress ifb cls_u32 act_mirred veth nf_tables; do'
    echo '    modprobe "$module"'
    echo 'done'
    printf 'cd %q\n' "$PWD"
    env | grep '^CHAOS_TEST_' | sed 's/^/export /' || true
    echo 'export RUST_BACKTRACE=0'
    # From memory: the machine's way to our files is slow.
    printf 'cp %q /run/test-binary\n/run/test-binary' "$1"
    shift
    printf ' %q' "$@"
    printf '\necho "vm: status $?"\n'
} >"$script"

limit=${CHAOS_VM_LIMIT:-1800}
PATH="$dir/venv/bin:$PATH" timeout "$limit" vng -v -r "$kernel" --disable-kvm --disable-microvm -m 2G --cpus 2 \
    -- sh "$script" >"$log" 2>&1 </dev/null || true
# Without what the kernel itself says.
grep -avE '^\[ *[0-9]+\.[0-9]+\]' "$log" | tr -d '\r' | grep -aE '^(running|test |failures|----|vm: |[a-z ].*panicked|assertion)' || true
status=$(tr -d '\r' <"$log" | sed -n 's/^vm: status \([0-9]*\)$/\1/p' | tail -n 1)
if [ -z "$status" ]; then
    echo "the virtual machine did not come to its end within $limit s; the last it said:" >&2
    tail -n 20 "$log" >&2
    exit 99
fi
exit "$status"
