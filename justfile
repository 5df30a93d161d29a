# The tasks of this project, under the names that the pipeline uses.

default:
    @just --list

# Everything that the pipeline runs
ci:
    bash .ci/run

# Formatting and lints
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Tiers 0 and 1
test:
    cargo test --workspace

# Tier 2: the kernel, as root
kernel:
    CHAOS_TEST_KERNEL=1 cargo test --workspace

# Tier 3: real servers and a Docker Engine
servers:
    CHAOS_TEST_SERVERS=1 CHAOS_TEST_DOCKER=1 cargo test --workspace

docs:
    RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --locked

bench:
    cargo bench -p chaos-benches

# Does it still compile for the other half of the developers?
platforms:
    cargo check --locked --target x86_64-pc-windows-gnu -p chaos-core -p chaos-faults-net -p chaos-validator
    cargo check --locked --target aarch64-apple-darwin -p chaos-core -p chaos-faults-net -p chaos-validator
