/**
 * How the SUSE family sets name servers and time servers: a stand-in for netconfig, which makes resolv.conf of what is set in
 * /etc/sysconfig/network/config, and the file in which chrony finds the pool of the distribution.
 */
import { own, textFile } from './own-package.ts';
import type { RpmPackage } from './spec.ts';

const CONFIGURATION = [
  '# What netconfig sets, beside what it is told of a network; "auto" takes both.',
  'NETCONFIG_DNS_POLICY="auto"',
  'NETCONFIG_DNS_FORWARDER="resolver"',
  'NETCONFIG_DNS_STATIC_SEARCHLIST=""',
  'NETCONFIG_DNS_STATIC_SERVERS=""',
];

const SCRIPT = [
  '#!/bin/sh',
  '# Stands in for netconfig of the SUSE family. It knows `netconfig update [-f]`, the names and the name servers that are set',
  '# in /etc/sysconfig/network/config, and nothing of leases. As there, a resolv.conf that somebody wrote stays without -f.',
  'set -eu',
  'case "$*" in update | "update -f") ;; *) echo "usage: netconfig update [-f]" >&2; exit 1 ;; esac',
  '. /etc/sysconfig/network/config',
  '[ -n "$NETCONFIG_DNS_POLICY" ] || exit 0',
  'made=/run/netconfig/resolv.conf',
  'mkdir -p /run/netconfig',
  '{',
  '  [ -z "$NETCONFIG_DNS_STATIC_SEARCHLIST" ] || echo "search $NETCONFIG_DNS_STATIC_SEARCHLIST"',
  '  for server in $NETCONFIG_DNS_STATIC_SERVERS; do echo "nameserver $server"; done',
  '} > "$made"',
  'if [ -e /etc/resolv.conf ] && [ ! -L /etc/resolv.conf ] && [ "$*" != "update -f" ]; then',
  '  echo "/etc/resolv.conf was written by somebody else, and stays" >&2',
  '  exit 20',
  'fi',
  'ln -sfn "$made" /etc/resolv.conf',
];

const UNIT = [
  '[Unit]',
  'Description=Name servers of /etc/sysconfig/network/config',
  'Before=network-online.target nss-lookup.target',
  'Wants=nss-lookup.target',
  '',
  '[Service]',
  'Type=oneshot',
  'RemainAfterExit=yes',
  'ExecStart=/usr/sbin/netconfig update',
  '',
  '[Install]',
  'WantedBy=multi-user.target',
];

/** There wicked or NetworkManager call it; here it has a unit of its own. */
export function netconfig(): RpmPackage {
  return own('kilnos-netconfig', 'Stand-in for netconfig of the SUSE family, for name servers that are set', {
    provides: ['sysconfig-netconfig'],
    files: [
      'mkdir -p etc/sysconfig/network usr/sbin usr/lib/systemd/system',
      textFile('etc/sysconfig/network/config', CONFIGURATION),
      textFile('usr/sbin/netconfig', SCRIPT),
      'chmod 755 usr/sbin/netconfig',
      textFile('usr/lib/systemd/system/kilnos-netconfig.service', UNIT),
    ].join('\n'),
    conffiles: ['/etc/sysconfig/network/config'],
  });
}

export function chronyPool(): RpmPackage {
  return own('kilnos-chrony-pool', 'The pool of the distribution, in a file beside the one of chrony', {
    requires: ['chrony'],
    files: `mkdir -p etc/chrony.d
${textFile('etc/chrony.d/pool.conf', ['pool 2.kilnos.pool.example iburst'])}`,
    conffiles: ['/etc/chrony.d/pool.conf'],
  });
}
