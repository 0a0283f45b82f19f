#!/bin/sh
# tests/drill/scenarios.sh REMIT SOURCE - every packaged scenario, each defence removed in turn.
exec "$1" drill "$2"/packs/scenarios/*.yaml
