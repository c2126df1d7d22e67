# Gives a file that is there whole its name, which is its SHA-256; unpacks it too, when it is a runner.
# usage: finish.sh FOLDER SHA256 [runner]
file=$1/files/$2
sum=$(sha256sum "$file.part") || exit 1
if [ "${sum%% *}" != "$2" ]; then
  rm -f "$file.part"
  echo "it arrived with the SHA-256 ${sum%% *}" >&2
  exit 3
fi
if [ "${3:-}" = runner ]; then
  rm -rf "$1/runners/$2.new"
  mkdir -p "$1/runners/$2.new" && tar -xf "$file.part" -C "$1/runners/$2.new" && sync -f "$1/runners/$2.new" || exit 1
  mv "$1/runners/$2.new" "$1/runners/$2" && rm -f "$file.part"
else
  sync "$file.part" && mv "$file.part" "$file"
fi
