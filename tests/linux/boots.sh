#!/usr/bin/env bash
# Boot Debian's Linux again and again on two processors, with 2, 4 and 8 vCPUs in turn, and memory handed out in another
# order each time; go through the self-check of several processors, and power off.
#
# Usage: tests/linux/boots.sh [N]      so many boots (default: 20)
#
# The last line is "N passed, N failed"; logs are in build/log/boots.  One at a time: each has both processors to itself.
# The limits are those of tests/lib/limits.sh.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

count=${1:-20}
pattern=
jobs=1
log=build/log/boots
processor_limit=3600

. tests/lib/runs.sh

bad='hypervisor broke|bug of the hypervisor|hypervisor fault|frames behind|not ok '
for ((number = 1; number <= count; number++)); do
    vcpus=$((2 << (number - 1) % 3))
    begin $number-with-$vcpus 0 "ok processors: $vcpus of them" 'ok translations' 'ok hotplug' 'ok dmesg' \
        'self-check: [0-9]+ passed, 0 failed' 'domain 1 \(vmlinuz\) powered off' \
        'audit after the release of domain 1 .*: every count is right' -- \
        env PARAVANE_CHECK=processors tools/run-linux amd64 --verbose --audit --timeout "$limit" --vcpus $vcpus --cpus 2 \
        --seed $number
done
runs_end
