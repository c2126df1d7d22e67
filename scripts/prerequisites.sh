#!/usr/bin/env bash
# Installs what Kiln needs and this machine lacks: Debian packages, each named with its reason, and npm packages.
# Safe to repeat. usage: prerequisites.sh [--for run|boot|test]
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  echo "usage: $0 [--for run|boot|test]   run: build images; boot: and boot them; test: and run the tests" >&2
  exit 2
}
purpose=run
if [ "$#" -gt 0 ]; then
  [ "$#" -eq 2 ] && [ "$1" = --for ] || usage
  purpose="$2"
fi
case "$purpose" in run | boot | test) ;; *) usage ;; esac

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
run|openssl|makes the certificates of the platform
run|openssh-client|opens shells from the command line, and reaches build nodes
run|bzip2|reads lists of packages
run|xz-utils|reads lists of packages
run|zstd|reads lists of packages
run|procps|looks at processes
build|python3|compiles the SQLite binding
build|make|compiles the SQLite binding
build|g++|compiles the SQLite binding
boot|qemu-system-x86|boots images for x86_64 in a virtual machine
test|qemu-system-arm|boots images for aarch64 in a virtual machine
test|radosgw|a real S3 service for tests
test|ceph-mon|a real S3 service for tests
test|ceph-osd|a real S3 service for tests
test|ceph-common|a real S3 service for tests
test|awscli|an S3 client for tests
test|python3-boto3|an S3 client for tests
test|acl|access control lists of images in tests
test|attr|extended attributes of images in tests
test|openssh-server|build nodes of tests, in network namespaces of their own
test|rsync|copies over SSH in tests
'
binding=node_modules/better-sqlite3/build/Release/better_sqlite3.node
stale_modules() {
  [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]
}
wanted='run'
if [ ! -e "$binding" ] || stale_modules; then wanted="$wanted build"; fi
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
    apt-get -o DPkg::Lock::Timeout=120 update -qq
    # None of the services that come with them is wanted on this machine.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
      trap 'rm -f /usr/sbin/policy-rc.d' EXIT
      printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
      chmod 755 /usr/sbin/policy-rc.d
    fi
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo 'all Debian packages are there'
  fi
else
  echo 'this is no Debian system; install what provides these, then go on: see docs/operations.md' >&2
  sed -n 's/^\(run\|boot\)|\([^|]*\)|/  \2: /p' <<<"$packages" >&2
fi

# The SQLite binding is compiled here and against the headers of this Node.js, where it came with them: nothing is
# fetched but from the package registry.
export npm_config_build_from_source=true
prefix="$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")"
if [ -e "$prefix/include/node/node.h" ]; then
  export npm_config_nodedir="$prefix"
fi
if stale_modules; then
  echo 'installing npm packages: those of the lock file; the SQLite binding is compiled, which takes a minute or two'
  npm ci --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
else
  echo 'all npm packages are there'
fi
if [ ! -e "$binding" ]; then
  echo 'compiling the SQLite binding'
  npm rebuild --ignore-scripts=false --loglevel=error better-sqlite3
fi
