#!/bin/sh
# Makes a builder root for another machine: in a sandbox on the builder root of this one, in which programs of the other run.
#
# Usage: foreign_root.sh ARCHITECTURE SUITE MIRROR PACKAGES ID_SHIFT WASTE...
#
# PACKAGES are divided by commas. /work/root gets the root, /work/out its squashfs with shifted ids; the last lines of standard
# output, after one that says "packages:", are names and versions of what is in it. The files of ours come from /work/files.
set -eu
architecture=$1 suite=$2 mirror=$3 packages=$4 id_shift=$5
shift 5
root=/work/root

debootstrap --arch="$architecture" --variant=minbase --force-check-gpg --foreign --include="$packages" \
  "$suite" "$root" "$mirror" /usr/share/debootstrap/scripts/sid
chroot "$root" /debootstrap/debootstrap --second-stage

cp -R /work/files/. "$root/"
for waste in "$@"; do
  rm -rf "${root:?}/$waste"
  mkdir -p "$root/$waste"
done
mkdir -p "$root/var/cache/apt/archives/partial" "$root/var/lib/apt/lists/partial"
rm -f "$root"/etc/ssh/ssh_host_* "$root"/test-dev-null

echo 'packages:'
dpkg-query --root="$root" -W -f '${Package} ${Version}\n'
mksquashfs "$root" /work/out/root.squashfs -comp zstd -Xcompression-level 3 -noappend -no-progress -quiet \
  -uid-gid-offset "$id_shift" -wildcards -e 'proc/*' 'sys/*' 'dev/*' 'mnt/*' 'tmp/*' >&2
