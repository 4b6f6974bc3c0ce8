#!/usr/bin/env bash
# Boot Debian's Linux again and again, each time with another seed: the hypervisor hands out frames in another order.
#
# Usage: tests/linux/seeds.sh [N [FIRST]]      20 boots, with the seeds FIRST, FIRST+1, ...; default: seeds from 1 on
#
# Each boot goes through the short self-check.  The last line is "N passed, N failed"; logs are in build/log/linux-seeds.
# PARAVANE_JOBS: how many at a time (default: 2); and the limits of tests/lib/limits.sh.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
processor_limit=1800
. tests/lib/limits.sh

count=${1:-20}
first=${2:-1}
jobs=${PARAVANE_JOBS:-2}
log=build/log/linux-seeds
mkdir -p $log
rm -f $log/*.verdict
trap 'trap - TERM; kill $(jobs -p) 2>/dev/null; exit 130' INT TERM

boot() { # SEED
    local seed out=$log/$1.log begin=$SECONDS
    # Neighbours make seeds that look alike; the multiplication spreads them.
    seed=$(printf '%x' $((($1 * 0x9e3779b1) & 0xffffffff)))
    PARAVANE_CHECK=short bounded tools/run-linux amd64 --verbose --timeout "$limit" "${virtual_time[@]}" --seed "$seed" \
        </dev/null >"$out" 2>&1
    local status=$?
    if [ $status -eq 0 ] && grep -qaE 'self-check: [0-9]+ passed, 0 failed' "$out" &&
        ! grep -qaE 'frames behind|bug of the hypervisor' "$out"; then
        echo pass >"$log/$1.verdict"
        echo "seed $1 ($seed): passed, $((SECONDS - begin)) s"
    else
        echo "seed $1 ($seed): FAILED with status $status, $out:"
        tail -n 40 "$out" | tr -d '\r' | sed 's/^/    | /'
    fi
}

for ((seed = first; seed < first + count; seed++)); do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    boot $seed &
done
wait
passed=$(find $log -name '*.verdict' | wc -l)
echo "$passed passed, $((count - passed)) failed"
[ "$passed" -eq "$count" ]
