#!/bin/bash
# Runs in the new root after all packages are installed.
set -euo pipefail

# Without a boot loader in the image nothing may have brought kernel and initrd to /boot.
for folder in /usr/lib/modules/*/; do
    release=$(basename "$folder")
    [ -e "$folder/vmlinuz" ] || continue
    [ -e "/boot/vmlinuz-$release" ] || cp "$folder/vmlinuz" "/boot/vmlinuz-$release"
    [ -e "/boot/initramfs-$release.img" ] || dracut --force "/boot/initramfs-$release.img" "$release"
done

systemctl set-default multi-user.target
systemctl enable NetworkManager.service sshd.service chronyd.service

# The node's packages come from where those of the image came from; the vendor's own repositories are elsewhere.
for file in /etc/yum.repos.d/*.repo; do
    case "$file" in
        */baseos.repo | */appstream.repo) ;;
        *) [ -e "$file" ] && sed -i 's/^enabled *= *1/enabled=0/' "$file" ;;
    esac
done

# A node gets its name from the network, its machine id at first boot, and makes its own host keys.
rm -f /etc/hostname /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
: > /etc/machine-id

dnf clean all
