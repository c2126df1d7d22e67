#!/bin/bash
# Runs in the new root after all packages are installed.
set -euo pipefail

systemctl enable ssh.service

# See post_bootstrap.sh.
rm /etc/dracut.conf.d/00-once.conf

# A node gets its name from the network and its machine id at first boot.
rm -f /etc/hostname
: > /etc/machine-id

# The private keys that openssh-server made belong to nobody's node; each node makes its own before sshd starts.
rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
mkdir -p /etc/systemd/system/ssh.service.d
cat > /etc/systemd/system/ssh.service.d/10-host-keys.conf <<'CONF'
[Service]
ExecStartPre=
ExecStartPre=/usr/bin/ssh-keygen -A
ExecStartPre=/usr/sbin/sshd -t
CONF

apt-get clean
rm -rf /var/lib/apt/lists/*
