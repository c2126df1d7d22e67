#!/usr/bin/env bash
# A whole Ceph with a RADOS gateway on the loopback, for tests: one monitor, one store in memory, one gateway, all
# new folder. Prints, as JSON, the gateway's endpoint and the keys of a user once it answers, and goes on until its
# standard input ends (or Ctrl-C); then the processes and the folder are gone, also when who started it was killed.
# usage: test-ceph.sh FOLDER
set -euo pipefail

if [ "$#" -ne 1 ]; then
  sed -n '2,5s/^# //p' "$0" >&2
  exit 2
fi
folder="$1"

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

stop() {
  for file in "$folder"/*.pid; do
    [ -e "$file" ] || continue
    pid="$(cat "$file")"
    kill -9 "$pid" 2>/dev/null || continue
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$folder"
}

# A certificate authority of its own, and a certificate for the gateway.
certify() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=Ceph test CA' \
    -keyout "$folder/ca.key" -out "$folder/ca.crt" 2>>"$folder/setup.log"
  openssl req -newkey rsa:2048 -nodes -subj '/CN=127.0.0.1' \
    -keyout "$folder/gateway.key" -out "$folder/gateway.csr" 2>>"$folder/setup.log"
  openssl x509 -req -in "$folder/gateway.csr" -CA "$folder/ca.crt" -CAkey "$folder/ca.key" -CAcreateserial -days 2 \
    -extfile <(echo 'subjectAltName=IP:127.0.0.1') -out "$folder/gateway.crt" 2>>"$folder/setup.log"
  cat "$folder/gateway.crt" "$folder/gateway.key" >"$folder/gateway.pem"
}

start() {
  mkdir -p "$folder"/{mon,osd,mgr,run}
  folder="$(cd "$folder" && pwd)"
  local mon_port gateway_port tls_port fsid conf
  mon_port="$(free_port)"
  gateway_port="$(free_port)"
  tls_port="$(free_port)"
  certify
  fsid="$(cat /proc/sys/kernel/random/uuid)"
  conf="$folder/ceph.conf"
  cat >"$conf" <<CONF
[global]
fsid = $fsid
mon host = [v1:127.0.0.1:$mon_port]
public network = 127.0.0.0/8
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd crush update on start = false
osd class update on start = false
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data = $folder/mon
mon data avail crit = 1
mon max pg per osd = 1000
osd data = $folder/osd
osd objectstore = memstore
memstore device bytes = 8589934592
ms bind ipv4 = true
run dir = $folder/run
admin socket = $folder/run/\$name.asok
log file = $folder/\$name.log
mon cluster log file = $folder/cluster.log
pid file =
setuser =
setgroup =
[client.rgw]
rgw data = $folder/rgw
rgw frontends = beast endpoint=127.0.0.1:$gateway_port ssl_endpoint=127.0.0.1:$tls_port ssl_certificate=$folder/gateway.pem
rgw rados pool pg num min = 1
rgw enable usage log = false
CONF
  monmaptool --create --fsid "$fsid" --addv a "[v1:127.0.0.1:$mon_port]" "$folder/monmap" >"$folder/setup.log"
  ceph-mon -c "$conf" --mkfs -i a --monmap "$folder/monmap" >>"$folder/setup.log" 2>&1
  ceph-mon -c "$conf" -f -i a </dev/null >>"$folder/setup.log" 2>&1 &
  echo "$!" >"$folder/mon.pid"
  local osd_uuid
  osd_uuid="$(cat /proc/sys/kernel/random/uuid)"
  timeout 60 ceph -c "$conf" osd new "$osd_uuid" >>"$folder/setup.log" 2>&1
  # By itself the store does this at its start, and fails now and then since it does not know the cluster's id yet.
  timeout 60 ceph -c "$conf" osd crush add osd.0 1 root=default >>"$folder/setup.log" 2>&1
  ceph-osd -c "$conf" -i 0 --mkfs --osd-uuid "$osd_uuid" >>"$folder/setup.log" 2>&1
  ceph-osd -c "$conf" -f -i 0 </dev/null >>"$folder/setup.log" 2>&1 &
  echo "$!" >"$folder/osd.pid"
  radosgw -c "$conf" -f -n client.rgw </dev/null >>"$folder/setup.log" 2>&1 &
  echo "$!" >"$folder/rgw.pid"
  for _ in $(seq 600); do
    curl -s -o /dev/null "http://127.0.0.1:$gateway_port/" && break
    sleep 0.1
  done
  curl -s -o /dev/null "http://127.0.0.1:$gateway_port/" || { for log in "$folder"/*.log; do tail -n 20 "$log" >&2; done; exit 1; }
  radosgw-admin -c "$conf" -n client.rgw user create --uid kiln --display-name Kiln \
    --access-key kiln-test --secret-key kiln-test-secret >>"$folder/setup.log" 2>&1
  printf '{"endpoint":"http://127.0.0.1:%s","tlsEndpoint":"https://127.0.0.1:%s","caFile":"%s",' \
    "$gateway_port" "$tls_port" "$folder/ca.crt"
  printf '"accessKeyId":"kiln-test","secretAccessKey":"kiln-test-secret"}\n'
}

trap stop EXIT
trap 'exit 130' INT TERM HUP
start
cat >/dev/null
