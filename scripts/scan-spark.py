#!/usr/bin/env python3
"""Scans a list of domains on a Spark cluster that exists already.

Every scan is `starttrace scan -`, a filter from lines to lines, run by RDD.pipe;
Spark decides which machine runs it, and runs it again where a machine dies. Of
N scans each reads the whole list and takes its share of it (--shard I/N), so that
every line keeps its number, and each asks one provider for the N-th part at once
of what one scan would. What they write is put together into one NDJSON file, with
one run line in front and one summary of all behind.

  spark-submit scripts/scan-spark.py partners.txt partners.ndjson --scans 8 \\
      --starttrace /usr/local/bin/starttrace -- --ehlo probe.acme.example

The list may be anywhere that Spark reads; the output is a file on the driver. The
program must stand on every machine under the same path, and every machine must be
allowed to connect to port 25. Endpoints are shared within one scan, not among
them: with N scans a host of many domains may be probed N times, so let N be the
number of machines, not of cores. A share counts when it is whole: one that fails
is scanned again from its beginning, and nothing is written twice.
"""

import argparse
import json
import os
import shlex
import sys

from pyspark import StorageLevel
from pyspark.sql import SparkSession

# The share comes first on standard input, the list behind it. 1 and 3 are answers
# (something below --fail-on; something that cannot be told), not failures.
SHARE = """
read -r share || exit 0
"$@" --shard "$share"
status=$?
case $status in 0|1|3) exit 0 ;; *) exit $status ;; esac
"""


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", help="the list, anywhere that Spark reads")
    parser.add_argument("output", help="the NDJSON file to write")
    parser.add_argument("--scans", type=int, required=True, help="scans, one a machine")
    parser.add_argument("--starttrace", default="starttrace", help="the program, on every machine")
    # What stands behind -- is scan's.
    words, options = sys.argv[1:], []
    if "--" in words:
        cut = words.index("--")
        words, options = words[:cut], words[cut + 1:]
    args = parser.parse_args(words)
    args.options = options
    return args


def scanned(spark, args):
    """The lines that all scans write, one partition a scan."""
    whole = spark.broadcast(spark.textFile(args.list).collect())
    scans = args.scans
    options = [option for option in args.options if option not in ("-q", "--quiet")]
    command = ["sh", "-c", SHARE, "sh", args.starttrace, "scan", "-", "-q", *options]
    return (
        spark.parallelize(range(1, scans + 1), scans)
        .mapPartitions(lambda shares: (
            line for share in shares for line in [f"{share}/{scans}", *whole.value]))
        .pipe(" ".join(map(shlex.quote, command)),
              env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}, checkCode=True)
        .persist(StorageLevel.DISK_ONLY)
    )


def add(total, part):
    """Adds what one scan counted to what the others did."""
    if total is None:
        return part
    for name in ("lines", "endpoints", "connections", "policies"):
        total[name] += part[name]
    for name in ("protection", "answers"):
        for key, count in part[name].items():
            total[name][key] = total[name].get(key, 0) + count
    findings = {finding["code"]: finding for finding in total["findings"]}
    for finding in part["findings"]:
        if finding["code"] in findings:
            findings[finding["code"]]["domains"] += finding["domains"]
        else:
            total["findings"].append(finding)
    providers = {provider["provider"]: provider for provider in total["providers"]}
    for provider in part["providers"]:
        known = providers.get(provider["provider"])
        if known is None:
            total["providers"].append(provider)
            continue
        known["domains"] += provider["domains"]
        for key, count in provider["protection"].items():
            known["protection"][key] = known["protection"].get(key, 0) + count
    total["complete"] = total["complete"] and part["complete"]
    total["started"] = min(total["started"], part["started"])
    total["ended"] = max(total["ended"], part["ended"])
    total["duration_ms"] = max(total["duration_ms"], part["duration_ms"])
    return total


def put_together(lines, out, name):
    """One run line, every domain line once, one summary; how many lines."""
    severity = ["error", "warning", "note"]
    run, total, summaries, seen, twice = None, None, 0, set(), 0
    for line in lines:
        document = json.loads(line)
        kind, data = document["type"], document["data"]
        if kind == "run" and run is None:
            run = document
            data["list"]["name"] = name
            data["options"].pop("shard", None)
            out.write(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")
        elif kind == "domain":
            number = data["input"]["line"]
            if number in seen:
                twice += 1
                continue
            seen.add(number)
            out.write(line + "\n")
        elif kind == "summary":
            summaries += 1
            total = add(total, data)
    if total is not None:
        total["list"]["name"] = name
        total["findings"].sort(key=lambda f: (severity.index(f["severity"]), -f["domains"]))
        total["providers"].sort(key=lambda p: -p["domains"])
        document = {"schema": run["schema"], "type": "summary", "data": total}
        out.write(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")
    return len(seen), summaries, twice, total


def main():
    args = arguments()
    spark = SparkSession.builder.appName("starttrace scan").getOrCreate().sparkContext
    lines = scanned(spark, args)
    # All scans at the same time; then their output, one after the other.
    count = lines.count()
    partial = args.output + ".part"
    with open(partial, "w", encoding="utf-8") as out:
        domains, summaries, twice, total = put_together(
            lines.toLocalIterator(), out, os.path.basename(args.list))
        out.flush()
        os.fsync(out.fileno())
    os.replace(partial, args.output)
    print(f"{args.output}: {domains} domain lines of {args.scans} scans ({count} lines written)",
          file=sys.stderr)
    if twice or summaries != args.scans or not total["complete"] or total["lines"] != domains:
        print(f"scan-spark: not whole: {summaries} of {args.scans} scans came to their end, "
              f"{twice} lines came twice", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
