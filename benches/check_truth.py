#!/usr/bin/env python3
"""Compares `narrows --format json` with the exact answers: check_truth.py NARROWS TRUTH.tsv LOG [ARGUMENTS...]

TRUTH.tsv has one row per endpoint: method, path, count, mean, p50, p95, p99; times in seconds, percentiles by nearest
rank. Counts and percentiles must be equal (the log states milliseconds), means to the truth's last digit. Exit 1 where
one differs or is missing."""
import csv, json, subprocess, sys

narrows, truth, log, *more = sys.argv[1:]
out = subprocess.run([narrows, "--format", "json", "--top", "1000", *more, log], stdout=subprocess.PIPE, check=True).stdout
found = {(row["method"] or "", row["endpoint"].removeprefix((row["method"] or "") + " ")): row for row in json.loads(out)["endpoints"]}
wrong = checked = 0
with open(truth) as file:
    for want in csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t"):
        checked += 1
        row = found.get((want["method"], want["path"]))
        if row is None:
            wrong += 1
            print("missing:", want["method"], want["path"])
            continue
        pairs = [("count", row["calls"], float(want["count"]), 0)]
        pairs += [(k, row[k + "_ns"] / 1e9, float(want[k]), 6e-7 if k == "mean" else 1e-9) for k in ("mean", "p50", "p95", "p99")]
        for name, got, expected, tolerance in pairs:
            if abs(got - expected) > tolerance:
                wrong += 1
                print(f"{want['method']} {want['path']}: {name} {got}, expected {expected}")
print(f"{checked} endpoints checked, {wrong} values differ")
sys.exit(1 if wrong or not checked else 0)
