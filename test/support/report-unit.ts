/** A unit that a test enables in an image: when a node is up, it says on the console what became of the changes. */

export const REPORT_UNIT = 'kiln-test-customized.service';

/** `says`: a word of the shell that runs it. The line comes before the prompt for a login. */
export function reportUnit(says: string): string {
  return `[Unit]
Description=Report of a customized node
After=ssh.service kilnos-netconfig.service systemd-resolved.service
Before=serial-getty@ttyS0.service serial-getty@ttyAMA0.service getty.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'echo "kiln-test-customized: ${says}"'
StandardOutput=journal+console

[Install]
WantedBy=multi-user.target
`;
}
