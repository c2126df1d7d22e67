#!/bin/bash
# Runs in the new root once the bootstrap packages are there, before all others are installed. The packages of
# dracut and the kernel make the initrd when they are configured: what it must hold is said here, so that it is
# right, and need not be made again by config.sh.
set -euo pipefail

mkdir -p /etc/dracut.conf.d
cat > /etc/dracut.conf.d/10-netboot.conf <<'CONF'
# The initrd of a node that fetches its root over the network and lays an overlay on it.
hostonly="no"
# Level 9 takes an eighth of the time of the level 15 that dracut would take, for one per cent more to load.
compress="zstd -9 -q -T0"
add_dracutmodules+=" livenet dmsquash-live network-legacy "
# With systemd-networkd in the initrd the network comes up, but livenet never hears of it.
omit_dracutmodules+=" systemd-networkd "
add_drivers+=" squashfs overlay loop virtio_net virtio_pci "
CONF

# The script of the kernel's package would make the initrd, and the trigger of dracut's own package once more at the end.
# dracut reads its configuration as shell, and ends here at the first. config.sh takes this away, for kernels that come later.
cat > /etc/dracut.conf.d/00-once.conf <<'CONF'
case "${DPKG_MAINTSCRIPT_PACKAGE:-}" in linux-image-*) exit 0 ;; esac
CONF
