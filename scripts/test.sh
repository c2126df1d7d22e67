#!/usr/bin/env bash
# Everything that says whether Kiln works, with its own set-up: `npm test`. With --fast only what needs no root,
# no mounts and no builds.
set -euo pipefail
cd "$(dirname "$0")/.."

fast=no
for argument in "$@"; do
  case "$argument" in
    --fast) fast=yes ;;
    *) echo "test.sh: unknown argument $argument; there is only --fast" >&2; exit 2 ;;
  esac
done

started=$SECONDS
stage() { printf '\n== %s (%s s)\n' "$1" "$((SECONDS - started))"; }

if [ "$fast" = no ]; then
  stage 'Prerequisites'
  bash scripts/prerequisites.sh --for test
elif [ ! -d node_modules ]; then
  npm ci
fi

stage 'Build'
npm run --silent build
stage 'Types, lint, rooms, dead code, generated files'
npm run --silent check
stage 'Unit tests'
npm run --silent test:unit
if [ "$fast" = yes ]; then
  exit 0
fi
stage 'Whole services: contract of the reference, S3, export and import, crashes'
npm run --silent test:service
stage 'Builder root'
./bin/kiln builder build
stage 'Host tests: sandbox, runner, executor'
npm run --silent test:host
stage 'End-to-end tests: recipes in, images out, booted'
npm run --silent test:e2e
stage 'Done'
