#!/usr/bin/env bash
# The main job on the samples, from nothing: each command stands above what it prints.
#
#   demo/run.sh PATH-TO-QUELL
#
# Works in ./demo-store and ./demo-out, which it removes first.
set -euo pipefail
cd "$(dirname "$0")/.."

quell=${1:?usage: demo/run.sh PATH-TO-QUELL}
PATH="$(cd "$(dirname "$quell")" && pwd):$PATH"
export QUELL_STORE=demo-store NO_COLOR=1
person=robin@example.com

say() { printf '\n# %s\n' "$*"; }

# Prints a command as it could be typed, and runs it; the exit code it must end with comes first.
run() {
    local expected=$1 code=0 word line='$'
    shift
    for word in "$@"; do
        if [[ $word =~ ^[A-Za-z0-9@%+=:,./_-]+$ ]]; then line+=" $word"; else line+=" '$word'"; fi
    done
    printf '%s\n' "$line"
    "$@" 2>&1 || code=$?
    if [ "$code" -ne 0 ]; then printf '(exit code %d)\n' "$code"; fi
    if [ "$code" -ne "$expected" ]; then
        printf 'demo: expected exit code %d\n' "$expected" >&2
        exit 1
    fi
}

filter() {
    run 0 quell filter data/recipients.csv -o "demo-out/$1.csv" \
        --contact-column customer --list news \
        --suppressed "demo-out/$1-withheld.csv" --report "demo-out/$1-report.json"
}

# How many kept rows hold the person's address.
rows_of_person() { grep -ci "$person" "demo-out/$1.csv" || true; }

rm -rf demo-store demo-out
mkdir demo-out

say 'A store, and what the company knows about whom not to mail.'
run 0 quell init
for kind in contacts unsubscribes preferences suppressions; do
    run 0 quell import "$kind" "data/$kind.csv"
done

say "May $person be mailed? Exit code 1 says no, and the answer says why."
run 1 quell check "$person" --list news --list offers

say 'The batch: exactly the rows that may be mailed, byte for byte.'
filter before
run 0 head -n 3 demo-out/before.csv
run 0 head -n 6 demo-out/before-withheld.csv
run 0 cat demo-out/before-report.json
echo

say 'Without permission nobody becomes reachable again. Exit code 5: refused.'
run 5 quell resubscribe "$person"

say 'With permission, evidence and a name: every contact, every global record, in one transaction.'
run 0 quell resubscribe "$person" --permission phone \
    --evidence 'call of 2026-11-20, ticket 4711' --by 'front desk'

say 'The very next batch holds the person, for every list but the one that was left.'
filter after
run 0 quell check "$person" --list news
run 1 quell check "$person" --list offers

say 'Everything that ever happened to the address.'
run 0 quell history "$person"

say 'Files people have: a vendor'\''s export, rules for domains, a hashed list of a third party, recipients as JSON.'
run 0 quell inspect data/suppression_bounces.csv
run 0 quell import data/suppression_bounces.csv
run 0 quell import domains data/domains.csv
run 0 quell import digests data/digests.txt
run 0 quell filter data/recipients.ndjson --suppressed demo-out/withheld.ndjson
run 0 cat demo-out/withheld.ndjson

before=$(rows_of_person before) after=$(rows_of_person after)
printf '\nrows of %s among the kept ones: %d before, %d after\n' "$person" "$before" "$after"
if [ "$before" -ne 0 ] || [ "$after" -eq 0 ]; then
    echo 'demo: the person should be withheld before and reachable after' >&2
    exit 1
fi
printf 'The files are in demo-out/.\n'
