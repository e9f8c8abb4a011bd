#!/usr/bin/env bash
# Times narrows beside its peers in one run: peers.sh NARROWS ACCESS.log [ACCESS.jsonl] [RUNS]
#
# Each answers the same question: count, mean and exact p50, p95, p99 per endpoint, ids in the path taken out. The log is
# nginx combined with ` rt=SECONDS` behind it. awk is always there; duckdb joins in where its Python package is
# installed (PYTHON names the interpreter). Whole processes are timed: user and system seconds, the least of RUNS (default 3); the log is read once
# before, so that it comes out of the page cache. On a busy machine compare the rows of one run, not of two.
set -euo pipefail
narrows=$1 log=$2 json=${3:-} runs=${4:-3} python=${PYTHON:-python3}
export LC_ALL=C
times=$(mktemp) script=$(mktemp) answer=$(mktemp)
trap 'rm -f "$times" "$script" "$answer"' EXIT

cat >"$script" <<'AWK'
{
  if (!match($0, /"[A-Z]+ [^ "]+ HTTP/)) next
  split(substr($0, RSTART + 1, RLENGTH), request, " ")
  path = request[2]; sub(/[?].*/, "", path)
  # Not every awk counts repetitions: `{8}` is left out.
  gsub(/\/([0-9a-f]+-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+|CR[0-9]+|[0-9]+)/, "/{id}", path)
  if (!match($0, / rt=[0-9.]+/)) next
  key = request[1] " " path
  n = ++count[key]; seconds = substr($0, RSTART + 4, RLENGTH - 4); sum[key] += seconds; seen[key, seconds]++
  if (seconds > top[key]) top[key] = seconds
}
END {
  # Times are whole milliseconds: count up through them to the ranks.
  for (key in count) {
    line = key "\t" count[key] "\t" sum[key] / count[key]; below = 0; split("0.5 0.95 0.99", share, " "); at = 1
    for (ms = 0; ms <= top[key] * 1000 + 1 && at <= 3; ms++) {
      below += seen[key, sprintf("%.3f", ms / 1000)]
      while (at <= 3 && below >= share[at] * count[key]) { line = line "\t" ms / 1000; at++ }
    }
    print line
  }
}
AWK

duck() {
  "$python" - "$1" "$2" <<'PY'
import duckdb, sys
kind, path = sys.argv[1:]
con = duckdb.connect()
con.execute("set threads=1")
rows = {
    "text": r"""select regexp_extract(l, '"([A-Z]+) ', 1) m, regexp_extract(l, '"[A-Z]+ ([^ "?]+)', 1) p,
      cast(regexp_extract(l, ' rt=([0-9.]+)', 1) as double) t
      from read_csv(?, columns={'l': 'varchar'}, delim='\1', quote='', escape='', header=false) where l like '% HTTP/%'""",
    "json": "select request_method m, split_part(request_uri, '?', 1) p, cast(request_time as double) t from read_json_auto(?, format='newline_delimited')",
}[kind]
print(con.execute(
    "select m, regexp_replace(p, '/([0-9a-f]{8}-[0-9a-f-]{27}|CR[0-9]{20}|[0-9]+)', '/{id}', 'g') e, count(*), avg(t), "
    "quantile_disc(t, [0.5, 0.95, 0.99]) from (" + rows + ") group by 1, 2", [path]).fetchall())
PY
}

row() { # NAME FILE COMMAND...
  local name=$1 file=$2 bytes i failed=; shift 2
  bytes=$(stat -c %s "$file"); cat "$file" >/dev/null; : >"$times"
  for ((i = 0; i < runs; i++)); do
    { TIMEFORMAT='%U %S %R'; time "$@" >"$answer" 2>/dev/null || failed=1; } 2>>"$times"
  done
  # A program that fails is no peer, and one that says nothing has not answered.
  if [ -n "$failed" ] || [ ! -s "$answer" ]; then printf '| %-28s | failed |\n' "$name"; return; fi
  awk -v name="$name" -v bytes="$bytes" '
    { cpu = $1 + $2; if (NR == 1 || cpu < least) least = cpu; if (NR == 1 || $3 < wall) wall = $3 }
    END { printf "| %-28s | %6.0f | %7.2f | %7.2f | %8.0f |\n", name, bytes / 1e6, least, wall, bytes / 1e6 / (least > 0 ? least : 0.01) }' "$times"
}

printf '| %-28s | %6s | %7s | %7s | %8s |\n|---|--:|--:|--:|--:|\n' program MB 'CPU [s]' 'wall [s]' 'MB/CPU s'
row 'narrows, 1 thread' "$log" "$narrows" --threads 1 "$log"
row 'narrows, 2 threads' "$log" "$narrows" --threads 2 "$log"
row "awk" "$log" awk -f "$script" "$log"
has_duck() { "$python" -c 'import duckdb' 2>/dev/null; }
if has_duck; then row 'duckdb, 1 thread' "$log" duck text "$log"; fi
if [ -n "$json" ]; then
  row 'narrows, JSON, 1 thread' "$json" "$narrows" --threads 1 "$json"
  row 'narrows, JSON, 2 threads' "$json" "$narrows" --threads 2 "$json"
  if has_duck; then row 'duckdb, JSON, 1 thread' "$json" duck json "$json"; fi
fi
