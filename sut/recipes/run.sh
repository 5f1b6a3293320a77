#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Plain shell, for cron or any CI: doctor, run, keep the report; the exit code is the verdict.
#
#   SUT=sut.yaml BASELINE=rspthreat-known.yaml OUT=reports ./run.sh
set -eu

sut=${SUT:-sut.yaml}
out=${OUT:-rspthreat-report}
baseline=${BASELINE:-}

rspthreat doctor "$sut" || echo "run.sh: something is in the way; judging what can be judged" >&2

code=0
rspthreat run --sut "$sut" --out "$out" ${baseline:+--baseline "$baseline"} || code=$?
case $code in
0) echo "run.sh: conforms" ;;
1) echo "run.sh: does not conform, or not as the baseline says: $out/index.html" >&2 ;;
2) echo "run.sh: the configuration is wrong" >&2 ;;
3) echo "run.sh: no sound verdict: see above what is in the way" >&2 ;;
*) echo "run.sh: nothing was judged" >&2 ;;
esac
exit "$code"
