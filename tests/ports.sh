# SPDX-License-Identifier: Apache-2.0
# tests/ports.sh - sourced by tests that listen.

# free_ports COUNT: prints the first of so many ports in a row that nothing uses. Below 32768: what
# is above, the kernel gives to whoever connects somewhere, and then nobody can listen there.
free_ports() {
	local first port
	while :; do
		first=$((10000 + RANDOM % 22000))
		for ((port = first; port < first + $1; port++)); do
			[ -z "$(ss -Hltn "sport = :$port")" ] || continue 2
		done
		echo "$first"
		return
	done
}
