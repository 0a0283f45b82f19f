#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/golden.sh [--update] SOURCE_DIR REMIT MAKE_LOG TRANSCRIPT... - runs transcripts, prints TAP.
#
# A transcript is what somebody would see at a terminal:
#
#	## a remark
#	% a shell command that prepares something and must succeed, prints nothing
#	$ remit ...
#	a line of its standard output
#	! a line of its standard error
#	= its exit status
#
# All commands of a transcript run in one empty directory, with $SOURCE and $MAKE_LOG set. --update
# writes what was seen over what was expected: read the diff before you commit it.
set -u
update=no
[ "$1" = --update ] && { update=yes; shift; }
export SOURCE MAKE_LOG
SOURCE=$(realpath "$1")
remit_binary=$(realpath "$2")
MAKE_LOG=$(realpath "$3")
shift 3
unset REMIT_SOCKET REMIT_LOG
export LC_ALL=C TZ=UTC
umask 022
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
n=0
failed=0

remit() { "$remit_binary" "$@"; }

# $1: the command line; what it does as lines of a transcript.
run() {
	local status
	(cd "$tmp/work" && eval "$1") >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	cat "$tmp/out"
	sed 's/^/! /' "$tmp/err"
	echo "= $status"
}

judge() { # command, file of what was expected
	n=$((n + 1))
	if diff -u --label expected --label got "$2" "$tmp/got" >"$tmp/diff"; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		sed 's/^/# /' "$tmp/diff"
		failed=1
	fi
}

# A command without "= status" would be no test.
finish_command() {
	if [ -n "$command" ] && [ $update = no ]; then
		n=$((n + 1))
		failed=1
		echo "not ok $n - $command"
		echo "# the transcript does not say how it ends"
	fi
	command=""
}

one_transcript() {
	local line command="" new=$tmp/new
	: >"$new"
	: >"$tmp/want"
	while IFS= read -r line || [ -n "$line" ]; do
		case "$line" in
		'$ '*|'% '*|'## '*|'')
			# An empty line is output while a command has not ended with its status.
			if [ -n "$command" ] && [ -z "$line" ]; then
				echo >>"$tmp/want"
				continue
			fi
			echo "$line" >>"$new"
			case "$line" in
			'$ '*)
				finish_command
				command=${line#\$ }
				run "$command" >"$tmp/got"
				cat "$tmp/got" >>"$new"
				: >"$tmp/want"
				;;
			'% '*)
				if ! (cd "$tmp/work" && eval "${line#% }") >"$tmp/out" 2>&1; then
					echo "Bail out! $line"
					sed 's/^/# /' "$tmp/out"
					exit 1
				fi
				;;
			esac
			;;
		*)
			echo "$line" >>"$tmp/want"
			if [ "${line#= }" != "$line" ]; then
				[ $update = yes ] || judge "$command" "$tmp/want"
				command=""
			fi
			;;
		esac
	done <"$1"
	finish_command
	[ $update = no ] || cp "$new" "$1"
}

for transcript in "$@"; do
	rm -rf "$tmp/work"
	mkdir "$tmp/work"
	one_transcript "$transcript"
done
[ $update = no ] || exit 0
echo "1..$n"
exit $failed
