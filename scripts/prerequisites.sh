#!/usr/bin/env bash
# Installs what Kiln needs and this machine lacks: Debian packages, each named with its reason, and npm packages.
# Safe to repeat. usage: prerequisites.sh [--for run|boot|test]
set -euo pipefail
cd "$(dirname "$0")/.."

purpose=run
if [ "${1:-}" = --for ]; then
  purpose="${2:-}"
fi
case "$purpose" in run | boot | test) ;; *) echo "usage: $0 [--for run|boot|test]" >&2; exit 2 ;; esac

packages='
run|debootstrap|makes the builder root from Debian packages
run|runc|runs each build in a sandbox
run|slirp4netns|gives a sandbox a network without touching that of the host
run|squashfs-tools|looks into root file systems
run|e2fsprogs|makes the bounded disk of a build
run|util-linux|namespaces for runners
run|mount|mounts disks and builder roots
run|iproute2|looks at network namespaces
run|ca-certificates|certificates that the host trusts
run|procps|looks at processes
build|python3|compiles the SQLite binding
build|make|compiles the SQLite binding
build|g++|compiles the SQLite binding
boot|qemu-system-x86|boots images in a virtual machine
test|openssl|makes certificates for tests
test|bzip2|packs recipes for tests
test|xz-utils|packs recipes for tests
test|zstd|packs recipes for tests
'
wanted='run'
[ -e node_modules/better-sqlite3/build/Release/better_sqlite3.node ] || wanted="$wanted build"
[ "$purpose" = run ] || wanted="$wanted boot"
[ "$purpose" = test ] && wanted="$wanted test"

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

if command -v dpkg-query >/dev/null; then
  missing=()
  while IFS='|' read -r kind name reason; do
    case " $wanted " in *" $kind "*) ;; *) continue ;; esac
    if ! installed "$name"; then
      echo "installing $name: $reason"
      missing+=("$name")
    fi
  done <<<"$(sed '/^$/d' <<<"$packages")"
  if [ "${#missing[@]}" -gt 0 ]; then
    if [ "$(id -u)" -ne 0 ]; then
      echo "run this as root, or install them yourself: apt-get install ${missing[*]}" >&2
      exit 1
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  fi
else
  echo 'this is no Debian system: see docs/operations.md for what has to be installed' >&2
fi

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo 'installing npm packages: the lock file names them; the SQLite binding is compiled, which takes a minute or two'
  npm ci --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
fi
