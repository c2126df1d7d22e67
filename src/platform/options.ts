/**
 * Every setting of Kiln, as one table. The environment, the configuration file, the flags of `kiln serve` and
 * docs/configuration.md all come from it.
 */
export interface Option<T extends string | number | boolean = string | number | boolean> {
  readonly kind: T extends string ? 'string' : T extends number ? 'integer' : 'boolean';
  readonly default: T;
  readonly description: string;
  /** Smallest value of an integer. */
  readonly min?: number;
  /** Values that a string may have. */
  readonly choices?: readonly string[];
}

const text = (value: string, description: string, choices?: readonly string[]): Option<string> => ({
  kind: 'string',
  default: value,
  description,
  ...(choices ? { choices } : {}),
});
const integer = (value: number, min: number, description: string): Option<number> => ({
  kind: 'integer',
  default: value,
  min,
  description,
});

export const OPTIONS = {
  'server.host': text(
    '127.0.0.1',
    'Address to listen on; without authentication only a loopback address is accepted',
  ),
  'server.port': integer(9000, 0, 'TCP port to listen on; 0 lets the system choose one'),
  'server.url': text('', 'Address under which runners reach the service; made from host and port unless set'),
  'log.level': text('info', 'Least important messages to write', [
    'debug',
    'info',
    'warn',
    'error',
    'silent',
  ]),
  'state.folder': text('/var/lib/kiln', 'Folder of records, artifacts and workspaces'),
  'cache.folder': text(
    '/var/cache/kiln',
    'Folder of builder roots and packages; may be deleted while Kiln is stopped',
  ),
  'artifacts.url_seconds': integer(432_000, 60, 'How long a signed address is good for, in seconds'),
  'ims.job_namespace': text('ims', 'Kubernetes namespace that jobs name on the wire of the reference'),
  'ims.access_subnet': text('cmn', 'Network in the host names of job shells on the wire of the reference'),
  'ims.access_domain': text('shasta.local', 'Domain of the host names of job shells on that wire'),
  'artifacts.store': text('embedded', 'Where objects are kept: in the state folder, or on an S3 service', [
    'embedded',
    's3',
  ]),
  's3.endpoint': text(
    '',
    'Address of the S3 service, for example https://rgw.example.com; that of AWS when empty',
  ),
  's3.region': text('us-east-1', 'Region of the S3 service; most others than AWS take any'),
  's3.access_key_file': text('', 'File with the access key; what the AWS tools find when empty'),
  's3.secret_key_file': text('', 'File with the secret key'),
  's3.ca_file': text(
    '',
    'PEM file of the certificate authority of the S3 service; the system has it when empty',
  ),
  's3.path_style': text('yes', 'Whether buckets are part of the path rather than of the host name', [
    'yes',
    'no',
  ]),
  's3.ims_bucket': text('ims', 'Bucket of recipes'),
  's3.boot_images_bucket': text('boot-images', 'Bucket of images'),
  's3.part_mib': integer(16, 5, 'Size of the parts in which large objects are sent, in MiB'),
  'jobs.concurrency': integer(1, 1, 'How many jobs run on this machine at the same time'),
  'jobs.local': text(
    'yes',
    'Whether this machine runs jobs; with no, all but inspections go to build nodes',
    ['yes', 'no'],
  ),
  'jobs.emulation': text(
    'yes',
    'Whether jobs for another architecture run here by emulation, when no build node for it is ready',
    ['yes', 'no'],
  ),
  'nodes.check_seconds': integer(30, 1, 'How often build nodes are looked at, in seconds'),
  'jobs.inspections': integer(2, 1, 'How many inspections of recipes run at the same time, besides the jobs'),
  'jobs.customizations': integer(8, 1, 'How many customize jobs run at the same time, besides the others'),
  'jobs.heartbeat_seconds': integer(30, 2, 'Silence after which a runner counts as lost, in seconds'),
  'jobs.grace_seconds': integer(120, 1, 'How long a runner goes on while the service is away, in seconds'),
  'jobs.env_size_gib': integer(60, 1, 'Disk space that a job may fill unless it says otherwise, in GiB'),
  'jobs.mem_size_gib': integer(8, 1, 'Memory that a job may use unless it says otherwise, in GiB'),
  'jobs.cpus': integer(0, 0, 'Processors that a job may use; 0 for all of them'),
  'jobs.pids': integer(8192, 64, 'Processes that a job may have'),
  'jobs.log_mib': integer(64, 1, 'Log that is kept of a job, in MiB'),
  'deadlines.default_seconds': integer(
    900,
    1,
    'Time that a step may take unless it has a setting of its own, in seconds',
  ),
  'deadlines.apply_seconds': integer(14_400, 1, 'Time that the changes to an image may take, in seconds'),
  'deadlines.prepare_seconds': integer(14_400, 1, 'Time that installing the root may take, in seconds'),
  'deadlines.squash_seconds': integer(7_200, 1, 'Time that squashing may take, in seconds'),
  'deadlines.publish_seconds': integer(7_200, 1, 'Time that publishing may take, in seconds'),
  'recipe.max_mib': integer(256, 1, 'What a recipe may unpack to, in MiB'),
  'recipe.max_entries': integer(20_000, 1, 'Files and folders that a recipe may have'),
  'repositories.wait_seconds': integer(
    500,
    0,
    'How long a job waits for its package repositories, in seconds',
  ),
  'squashfs.zstd_level': integer(3, 1, 'Level of compression of the root file system, 1 to 22'),
  'trust.ca_file': text(
    '',
    'PEM file of certificates that builds and images trust besides those of the platform; empty for none',
  ),
  'authority.certificate_file': text(
    '',
    'PEM file of a certificate authority that issues the server certificate of the package repositories; Kiln makes one when empty',
  ),
  'authority.key_file': text('', 'PEM file with the private key of that authority, without a passphrase'),
  'packages.certificate_file': text(
    '',
    'PEM file of a ready server certificate for packages.local, with its chain; one is issued when empty',
  ),
  'packages.key_file': text('', 'PEM file with the private key of that certificate, without a passphrase'),
  'packages.names': text(
    '',
    'More host names and addresses for the issued server certificate, separated by commas',
  ),
  'packages.server': text(
    'embedded',
    'Who serves packages.local: this service, a server of the site, or nobody',
    ['embedded', 'external', 'none'],
  ),
  'packages.host': text('127.0.0.1', 'Address at which this service serves packages to nodes'),
  'packages.port': integer(9443, 0, 'TCP port for that; 0 lets the system choose one'),
  'packages.address': text('', 'IP address of the external server, such as a Nexus or a web server'),
  'packages.upload_user': text('kiln', 'User who may upload packages over HTTPS'),
  'packages.upload_password_file': text(
    '',
    'File with the password of that user; one is made in the state folder unless given',
  ),
  'packages.silence_seconds': integer(
    15,
    1,
    'Silence after which the upstream of a proxy counts as hanging, in seconds',
  ),
  'shells.listen': text('127.0.0.1', 'Address at which shells of jobs are reached'),
  'shells.host': text('', 'Host name that clients are told to connect to; the address above unless set'),
  'shells.first_port': integer(22_000, 1, 'First TCP port for shells of jobs'),
  'shells.last_port': integer(22_999, 1, 'Last TCP port for shells of jobs'),
  'shells.idle_minutes': integer(
    240,
    1,
    'How long a shell stays open when nothing goes on in it, in minutes',
  ),
  'shells.total_minutes': integer(1_440, 1, 'How long a shell stays open at all, in minutes'),
  'cache.images_gib': integer(50, 0, 'Root file systems that are kept for the next customize job, in GiB'),
  'checkpoints.hours': integer(
    72,
    0,
    'How long the work of a job that failed is kept for `kiln jobs retry`, in hours; 0 keeps nothing',
  ),
  'builder.suite': text('forky', 'Debian suite that the builder root is made of'),
  'builder.mirror': text('', "Package mirror of the builder root; the host's own apt sources unless set"),
  'builder.extra_packages': text('', 'More packages for the builder root, separated by commas'),
} as const satisfies Record<string, Option<string> | Option<number>>;

export type OptionName = keyof typeof OPTIONS;
type Widen<T> = T extends string ? string : T extends number ? number : boolean;
export type Settings = { readonly [K in OptionName]: Widen<(typeof OPTIONS)[K]['default']> };

/** For example `server.port` → `KILN_SERVER_PORT`. */
export function environmentName(option: string): string {
  return `KILN_${option.replace('.', '_').toUpperCase()}`;
}

/** For example `server.port` → `--server-port`. */
export function flagName(option: string): string {
  return `--${option.replaceAll(/[._]/g, '-')}`;
}
