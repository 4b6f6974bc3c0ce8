#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The rows of the budget for tools/bench.
exec "$(dirname "$0")/run.sh" --figures
