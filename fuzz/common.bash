# SPDX-License-Identifier: Apache-2.0
# What the fuzzing scripts share. Work directories are .cache/fuzz/<target>/{corpus,crashers}; the corpora in fuzz/corpus
# are only read, so that they stay small.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=$(realpath -m ../.cache/fuzz)

say() { printf 'fuzz: %s\n' "$*"; }
fail() {
	say "$*" >&2
	exit 2
}

# The targets to run: those named, or all that the engine can run.
chosen() {
	local name all
	all=$(grep -v " not-$engine\$" targets | cut -d' ' -f1)
	for name in "$@"; do
		grep -qx "$name" <<<"$all" || fail "no target $name; there are: ${all//$'\n'/ }"
	done
	if (($# > 0)); then printf '%s\n' "$@"; else echo "$all"; fi
}

# prepare TARGET: the work directory with the corpus. What an earlier run found is put aside: it may be mended.
prepare() {
	local dir=$work/$1/crashers
	[[ -z $(ls -A "$dir" 2>/dev/null) ]] || mv "$dir" "$dir.$(date +%Y%m%d-%H%M%S)"
	mkdir -p "$work/$1/corpus" "$dir"
	cp "corpus/$(awk -v name="$1" '$1 == name { print $2 }' targets)"/* "$work/$1/corpus/"
}

# scratch: a directory for temporary files, which go-fuzz does not always remove.
scratch() {
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
}

# build_gofuzz: the engine and the instrumented targets in $tmp. The packages in gofuzz/preserve are not instrumented:
# the rewritten source of those with compiler directives does not compile.
build_gofuzz() {
	say 'instrumenting (a minute or two)'
	(
		cd gofuzz
		go build -o "$tmp/go-fuzz" github.com/dvyukov/go-fuzz/go-fuzz
		TMPDIR=$tmp go tool go-fuzz-build -preserve "$(paste -sd, preserve)" -o "$tmp/targets.zip" github.com/rspthreat/rspthreat/fuzz
	)
}

# go-fuzz builds without modules, and the program gets the defaults of Go 1.20 for what GODEBUG decides. These are the
# ones that this code could notice.
godebug=panicnil=0,asynctimerchan=0,tls10server=0,tls3des=0,tlsrsakex=0,tlsmlkem=1,x509negativeserial=0

# report TARGET: one line for each crasher of its own, and failure if there is any. go-fuzz tells crashers apart by the
# panic's text and functions; numbers in the text are values, not other faults, so they do not count here.
report() {
	local file key dir=$work/$1/crashers
	local -A seen=()
	for file in "$dir"/*.output; do
		[[ -e $file ]] || continue
		key=$(
			grep -m1 -E '^(panic:|fatal error:|program hanged|SIG)' "$file" | sed -E 's/0x[0-9a-f]+|[0-9]+/N/g; s/"[^"]*"/S/g' | cut -c1-160
			grep -oE '^github.com/rspthreat/[^({]+' "$file" | head -5
		) || true
		[[ -n ${seen[$key]-} ]] && continue
		seen[$key]=yes
		say "$1: $(head -1 <<<"$key"): ${file%.output}"
	done
	((${#seen[@]} == 0))
}
