# Runs the runner on a build node: by the Node.js of the builder root, which is mounted for it alone.
# usage: enter.sh FOLDER BUILDER_ROOT RUNNER WORDS...   (digests of the two, and the words of the runner)
folder=$1 root=$folder/files/$2 runner=$folder/runners/$3/dist/runner.js
shift 3
mkdir -p "$folder/builder" || exit 1
[ -f "$root" ] && [ -f "$runner" ] || { echo "the node has not what it was sent: $root, $runner" >&2; exit 4; }
exec unshare --mount --propagation private sh -euc '
mount -o loop,ro "$1" "$2"
# Its Node.js looks for parts of itself there; what the node has itself comes first.
mount -t overlay -o "lowerdir=/usr/share:$2/usr/share" overlay /usr/share
for name in x86_64 aarch64; do
  libraries=$2/usr/lib/$name-linux-gnu
  if [ -d "$libraries" ]; then break; fi
done
case $name in
  x86_64) loader=$2/usr/lib64/ld-linux-x86-64.so.2 ;;
  *) loader=$2/usr/lib/ld-linux-aarch64.so.1 ;;
esac
# A program that starts Node.js so: it is told of by one path.
printf "#!/bin/sh\nexec %s --library-path %s --argv0 %s %s \"\$@\"\n" "$loader" "$libraries" "$2/usr/bin/node" "$2/usr/bin/node" >"$4/node.$$"
chmod 755 "$4/node.$$"
mv "$4/node.$$" "$4/node"
export KILN_NODE="$4/node" KILN_NODE_FOLDER="$4" KILN_RUNNER="$3"
shift 4
exec "$KILN_NODE" "$KILN_RUNNER" "$@"
' sh "$root" "$folder/builder" "$runner" "$folder" "$@"
