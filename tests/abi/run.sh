#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Compare abi/ with the public headers of Xen (Debian: libxen-dev), in the 64-bit and in the 32-bit layout; count the
# faults of its mark-up, of each kind, and see that each kind is noticed where it is planted.
#
# Usage: tests/abi/run.sh
#   CC             the compiler (default: gcc); clang works too
#   PARAVANE_XEN   directory with xen/xen.h in it (default: where the compiler looks)
#
# One line for each group; the last line is "N passed, N failed".  Nothing is linked or run, so the 32-bit half needs
# no 32-bit libraries.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
exec python3 -B tests/abi/compare.py
