#!/usr/bin/env bash
# Debian's stress-ng in Debian's Linux with two and with four vCPUs, on two processors: linux/stress, which fails with a
# stressor and at a warning of Linux's.
#
# Usage: tests/linux/stress.sh [PATTERN]      only the runs whose name matches the extended regular expression
#
# The last line is "N passed, N failed".  Logs: build/log/stress.  `make stress SECONDS=n` fetches and builds what is
# needed.  One at a time: each has both processors to itself.  Environment:
#   PARAVANE_STRESS_SECONDS   how long, each, on the guest's clock (default: 60); and the limits of tests/lib/limits.sh
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

pattern=${1:-}
jobs=1
log=build/log/stress
seconds=${PARAVANE_STRESS_SECONDS:-60}
processor_limit=$((1800 + 8 * seconds))

. tests/lib/runs.sh

bad='hypervisor broke|bug of the hypervisor|hypervisor fault|frames behind|not ok |stress-ng: (fail|error)'
for vcpus in 2 4; do
    begin stress-$vcpus 0 'stress: all is well' '^paravane: the command ended with status 0$' \
        'audit after the release of domain 1 .*: every count is right' -- \
        build/cli/paravane run --verbose --audit --timeout "$limit" --memory 512M --vcpus $vcpus --cpus 2 \
        --ramdisk build/linux/stress.img build/linux/amd64/vmlinuz -- /bin/stress "$seconds"
done
runs_end
