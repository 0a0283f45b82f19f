#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/man.sh SOURCE_DIR REMIT - the man page is clean mdoc and has every command with every
# option, and nothing else; the help of every command is golden.
set -u
remit=$2
man=$1/man/remit.1
golden=$1/tests/cli/golden/commands
bad=0
say() {
	echo "man: $1"
	bad=1
}

# What stands between this command's .It and the next.
section_of() {
	awk -v words="$1" '/^\.It / || /^\.El/ {
		on = index($0 " ", ".It Cm " words " ") == 1
	} on' "$man"
}

commands=$("$remit" --help | sed -nE 's/^  (.{20}) .*/\1/p' | sed 's/ *$//')
[ "$(wc -l <<<"$commands")" -gt 20 ] || say "remit --help cannot be read any more"
while read -r words; do
	section=$(section_of "$words")
	[ -n "$section" ] || { say "'$words' is not in the man page"; continue; }
	grep -qxF "\$ remit $words --help" "$golden" || say "the help of '$words' is not golden"
	usage=$("$remit" $words --help | head -1)
	for option in $(grep -oE -- '--[a-z-]+' <<<"$usage" | sort -u); do
		grep -qE "Fl ${option#-}( |$)" <<<"$section" ||
			say "'$words': $option is not in the man page"
	done
	for option in $(grep -oE 'Fl -[a-z-]+' <<<"$section" | sed 's/Fl //' | sort -u); do
		grep -qE -- "-$option([^a-z-]|$)" <<<"$usage" ||
			say "'$words': the man page has -$option, the program does not"
	done
done <<<"$commands"
while read -r words; do
	grep -qxF "$words" <<<"$commands" || say "the man page has '$words', the program does not"
done < <(sed -nE 's/^\.It Cm ([a-z -]+).*/\1/p' "$man" | sed -E 's/ *$//')

if command -v mandoc >/dev/null; then
	mandoc -T lint -W warning "$man" || say "mandoc complains"
else
	echo "man: mandoc is not installed: not linted"
fi
exit $bad
