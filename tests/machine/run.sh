#!/usr/bin/env bash
# A machine with a Debian system on its disk: it boots, keeps its files, has a network, and survives a power cut.
#
# Usage: tests/machine/run.sh [MODE [PATTERN]]
#   MODE      paravane (default): as a PV guest, GRUB first; native: with QEMU's own devices, which proves the tests
#   PATTERN   only the rows whose name matches the extended regular expression
#
# The last line is "N passed, N failed".  What each run said is in build/log/machine.  `make test-machine` builds what
# is needed.  Environment: PARAVANE_JOBS (how many at a time, default: 1), the limits of tests/lib/limits.sh, and for
# less than the full run: PARAVANE_CUTS (of the power, for each format of a disk, default: 10), PARAVANE_FIO_SECONDS
# (120).  PARAVANE_SEED draws the same once more.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

mode=${1:-paravane}
case $mode in native | paravane) ;; *) sed -n '4,11s/^# \{0,1\}//p' "$0"; exit 2 ;; esac
pattern=${2:-}
jobs=${PARAVANE_JOBS:-1}
log=build/log/machine
processor_limit=1800


. tests/lib/runs.sh

bad='hypervisor broke|bug of the hypervisor|frames behind|not ok:'

rows=(boot fetch login kept cut-raw cut-qcow2 verify exchange replug)
[ "$mode" = native ] || rows+=(mounted dies share-dies given-up)
for row in "${rows[@]}"; do
    begin "$mode-$row" 0 'all is well' -- tests/machine/rows.py "$mode" "$row"
done
runs_end
