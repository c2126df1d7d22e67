# Says what this machine is and has, one NAME=VALUE a line. usage: look.sh FOLDER TOOL...
folder=$1
shift
mkdir -p "$folder" && chmod 711 "$folder" || exit 1
echo "machine=$(uname -m)"
echo "kernel=$(uname -r)"
echo "system=$(. /etc/os-release 2>/dev/null && echo "$PRETTY_NAME")"
echo "family=$(. /etc/os-release 2>/dev/null && echo "$ID $ID_LIKE")"
echo "cpus=$(getconf _NPROCESSORS_ONLN)"
echo "memory_kib=$(sed -n 's/^MemTotal: *\([0-9]*\) kB$/\1/p' /proc/meminfo)"
echo "disk_free_kib=$(df -Pk "$folder" | sed -n '2s/^[^ ]* *[0-9]* *[0-9]* *\([0-9]*\) .*/\1/p')"
echo "uid=$(id -u)"
# What a program is made for cannot be put on: byte 18 of an ELF file is its machine.
echo "elf_machine=$(od -An -tu1 -j18 -N1 /proc/self/exe | tr -d ' ')"
for tool in "$@"; do
  command -v "$tool" >/dev/null 2>&1 || echo "missing=$tool"
done
for feature in overlay squashfs ext4; do
  grep -qw "$feature" /proc/filesystems || modprobe "$feature" 2>/dev/null || echo "missing_filesystem=$feature"
done
[ -e /dev/loop-control ] || modprobe loop 2>/dev/null || echo "missing_filesystem=loop"
unshare --user true 2>/dev/null || echo "missing_feature=user namespaces"
for file in "$folder"/files/*; do
  [ -f "$file" ] && echo "file=${file##*/}"
done
for file in "$folder"/runners/*; do
  [ -d "$file" ] && echo "runner=${file##*/}"
done
exit 0
