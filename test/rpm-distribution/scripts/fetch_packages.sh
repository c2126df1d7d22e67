#!/bin/sh
# Downloads packages and all that they depend on, and tells what they are.
#
# Usage: fetch_packages.sh MIRROR SUITE ARCHITECTURE FOLDER PACKAGE... [/ PACKAGE...]...
#
# What a slash divides is resolved by itself, and all of it is taken: packages of two groups may exclude each other.
#
# apt works on an empty system here, so that the answer does not depend on what the builder root has. It checks the
# index against the archive's keys and each file against the index. The index's date is not checked: mirrors of
# closed networks stand still, and debootstrap, which made the builder root from the same mirror, does not look at it.
#
# For each package, standard output has its control fields, a line "File:" with the name of the file, and a field
# "Conffiles:" with one path a line. What apt says goes to standard error.
set -eu
mirror=$1 suite=$2 architecture=$3 folder=$4
shift 4

apt=$(mktemp -d)
mkdir -p "$apt/state/lists/partial" "$apt/partial" "$folder/partial"
touch "$apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" > "$apt/sources.list"
cat > "$apt/apt.conf" <<CONF
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State "$apt/state";
Dir::State::status "$apt/status";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Cache::archives "$folder";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
export APT_CONFIG="$apt/apt.conf"

apt-get update >&2
fetch_group() {
  # With no archives at hand it names them all; with those of the folder, only what is missing there.
  apt-get install --yes --print-uris -o Dir::Cache::archives="$apt" "$@" |
    sed -n "s/^'[^']*' \([^ ]*\) .*/\1/p" >> "$apt/named"
  apt-get install --yes --download-only "$@" >&2
}
group=
for word in "$@" /; do
  if [ "$word" = / ]; then
    # Names of packages have no spaces.
    fetch_group $group
    group=
  else
    group="$group $word"
  fi
done
sort -u "$apt/named" > "$apt/files"

while read -r file; do
  dpkg-deb --field "$folder/$file"
  echo "File: $file"
  dpkg-deb --ctrl-tarfile "$folder/$file" > "$apt/control.tar"
  if tar -tf "$apt/control.tar" ./conffiles > /dev/null 2>&1; then
    echo "Conffiles:"
    tar -xOf "$apt/control.tar" ./conffiles | sed -n 's|^/| /|p'
  fi
  echo
done < "$apt/files"
