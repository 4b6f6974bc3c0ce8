#!/usr/bin/env bash
# How fairly guests share the processor: the run `weights` of run.sh, whose guests measure it in virtual time.  Prints the
# largest error of a share, in percent of it, and the latest that a guest ran after its timer, in microseconds, as
# tools/bench wants them.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

log=build/log/several/weights.log
tests/several/run.sh '^weights$' || exit 1

most() { # WORD: the largest number that the guests say behind it
    tr -d '\r' <$log | sed -n "s/.*# $1=\([0-9]*\)\$/\1/p" | sort -n | tail -n 1
}
error=$(most share_error)
wake=$(most wake_us)
[ -n "$error" ] && [ -n "$wake" ] || { echo "$log has no figures"; exit 1; }
printf '{"name": "share_error", "value": %d.%d, "unit": "percent"}\n' $((error / 10)) $((error % 10))
printf '{"name": "wake_us", "value": %d, "unit": "microseconds"}\n' "$wake"
