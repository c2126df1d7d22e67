/**
 * The error catalogue: every way in which Kiln fails, with its stable code, HTTP status, title and what the
 * reader can do about it. Nothing is thrown at a client that is not listed here; `docs/errors.md` is generated
 * from this table.
 */
export interface CatalogueEntry {
  /** HTTP status when the failure answers a request. */
  readonly status: number;
  readonly title: string;
  /** What to do about it, for the person who reads the message. */
  readonly hint: string;
}

export const ERROR_CATALOGUE = {
  // Requests
  'bad-request': {
    status: 400,
    title: 'The request cannot be read',
    hint: 'Send a JSON body that matches the API documentation at /kiln/v1/docs.',
  },
  'validation-failed': {
    status: 422,
    title: 'The request has fields that are not allowed or not valid',
    hint: 'Each entry of "errors" names the field and what was expected there.',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The content type is not accepted here',
    hint: 'Send application/json, or the archive itself as application/octet-stream where an archive is expected.',
  },
  'payload-too-large': {
    status: 413,
    title: 'The body is larger than this request may be',
    hint: 'Upload large data as an object; the limit is named in the detail.',
  },
  'not-found': {
    status: 404,
    title: 'There is nothing at this address',
    hint: 'The API is listed at /kiln/v1/docs.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'This address does not have that method',
    hint: 'The API is listed at /kiln/v1/docs.',
  },
  unauthorized: {
    status: 401,
    title: 'The token or signature is missing or not valid',
    hint: 'Signed addresses expire and belong to one method; ask for a new one.',
  },
  'internal-error': {
    status: 500,
    title: 'Kiln failed in a way that it does not know',
    hint: 'The service log has the details under the instance id of this message.',
  },
  // Records
  'recipe-not-found': {
    status: 404,
    title: 'There is no such recipe',
    hint: '`kiln recipes list` shows those there are.',
  },
  'image-not-found': {
    status: 404,
    title: 'There is no such image',
    hint: '`kiln images list` shows those there are.',
  },
  'image-without-history': {
    status: 404,
    title: 'The image has no history',
    hint: 'Only images that were made from another one have one: by `kiln images run`, `kiln images edit` or a customize job.',
  },
  'recording-not-found': {
    status: 404,
    title: 'There is no such recording',
    hint: '`kiln jobs replay ID --list` shows those there are. A session is recorded when it has a terminal, and there once it is over.',
  },
  'public-key-not-found': {
    status: 404,
    title: 'There is no such public key',
    hint: '`kiln public-keys list` shows those there are.',
  },
  'job-not-found': {
    status: 404,
    title: 'There is no such job',
    hint: '`kiln jobs list` shows those there are.',
  },
  'node-not-found': {
    status: 404,
    title: 'There is no such build node',
    hint: 'Register the node first; its name has to be written exactly as it was registered.',
  },
  'node-in-use': {
    status: 409,
    title: 'Jobs run on this build node',
    hint: 'Wait for them, or cancel them; `kiln nodes drain XNAME` keeps new ones away.',
  },
  'node-lost': {
    status: 502,
    title: 'The build node that the job ran on is lost',
    hint: 'See `kiln nodes doctor XNAME`. `kiln jobs retry ID` runs the job again, on another node if that one is still away.',
  },
  'no-node': {
    status: 422,
    title: 'No machine can run this job',
    hint: '`kiln nodes list` shows the build nodes, `kiln nodes doctor XNAME` what keeps jobs from one.',
  },
  'bad-cursor': {
    status: 422,
    title: 'This is no cursor of a list',
    hint: 'Send the header x-next-cursor of the page before as it is, or no cursor for the first page.',
  },
  'idempotency-key-reused': {
    status: 422,
    title: 'This idempotency key came with another request before',
    hint: 'Choose a new key for a new request; the same key only goes with the same body.',
  },
  'idempotency-key-spent': {
    status: 409,
    title: 'What this idempotency key created is deleted',
    hint: 'Send the request with a new key to create it again.',
  },
  'link-taken': {
    status: 409,
    title: 'Another record already uses this link',
    hint: 'Upload the object under a key of its own, or use the record that has it.',
  },
  'link-is-set': {
    status: 409,
    title: 'A link is written once and cannot be changed',
    hint: 'Create a new record for the new object.',
  },
  'object-not-found': {
    status: 422,
    title: 'There is no object at that address',
    hint: 'Upload the object first, then link it.',
  },
  'bad-bucket': {
    status: 422,
    title: 'There is no such bucket',
    hint: 'Recipes are kept in the bucket "ims", images in "boot-images".',
  },
  'bad-object-key': {
    status: 422,
    title: 'This is not a key that the store accepts',
    hint: 'A key has 1 to 1024 bytes, no empty, "." or ".." segment and no control characters.',
  },
  'checksum-mismatch': {
    status: 422,
    title: 'The data does not have the checksum that was announced',
    hint: 'Send it again; when it happens twice, check the source of the data.',
  },
  'store-unreachable': {
    status: 503,
    title: 'The object store does not answer',
    hint: 'Check that the service of the setting s3.endpoint runs and is reached from here, then try again.',
  },
  'store-refused': {
    status: 500,
    title: 'The object store refuses the credentials of Kiln',
    hint: 'Check the files of the settings s3.access_key_file and s3.secret_key_file, and what their user may do.',
  },
  'job-failed-elsewhere': {
    status: 500,
    title: 'The job failed in the service that it was taken over from',
    hint: 'Look into the log of that service; it is not part of what can be taken over.',
  },
  'root-unreadable': {
    status: 422,
    title: 'The root file system cannot be unpacked',
    hint: 'Send a squashfs, or a tar that is plain or compressed with gzip, xz, bzip2 or zstd.',
  },
  'artifacts-missing': {
    status: 422,
    title: 'The image lacks an artifact',
    hint: 'Upload it with PUT /kiln/v1/images/ID/artifacts/NAME, or import a root file system that holds it.',
  },
  'import-unreadable': {
    status: 422,
    title: 'The archive cannot be imported',
    hint: 'Send a tar as `kiln export` writes it, or use `kiln import --from-ims` for the data of the reference.',
  },
  'export-torn': {
    status: 409,
    title: 'Something changed while it was exported',
    hint: 'Try again; the archive that broke off is of no use.',
  },
  's3-elsewhere': {
    status: 409,
    title: 'Kiln does not serve S3 itself here',
    hint: 'Use the S3 service that s3.endpoint names, with keys of that service.',
  },
  'store-bucket-missing': {
    status: 500,
    title: 'The object store does not have the bucket',
    hint: 'Create it, or name those there are with the settings s3.ims_bucket and s3.boot_images_bucket.',
  },
  'range-not-satisfiable': {
    status: 416,
    title: 'The object does not have these bytes',
    hint: 'Ask for a range inside the size that the detail names.',
  },
  'manifest-invalid': {
    status: 422,
    title: 'The manifest of the image is not valid',
    hint: 'A manifest is JSON of version 1.0 that lists one rootfs, each artifact with type and link.',
  },
  'recipe-in-use': {
    status: 409,
    title: 'A job that is not finished uses this recipe',
    hint: 'Wait for the job, or cancel it with `kiln jobs cancel ID`.',
  },
  // Jobs
  'recipe-without-archive': {
    status: 422,
    title: 'The recipe has no archive yet',
    hint: 'Upload one with `kiln recipes update ID --from DIR`.',
  },
  'recipe-type-not-supported': {
    status: 422,
    title: 'Kiln builds kiwi-ng recipes only',
    hint: 'A packer recipe can be recorded but not built; make a Kiwi-NG description of it.',
  },
  'architecture-not-supported': {
    status: 422,
    title: 'That cannot be done for this architecture here',
    hint: 'The detail says what it would take.',
  },
  'emulation-unavailable': {
    status: 422,
    title: 'Programs of the image cannot be run on this host',
    hint: 'Build on a host of the architecture of the image, or with Linux 6.7 or later; on an older one install `qemu-user-static` and `binfmt-support`.',
  },
  'image-without-manifest': {
    status: 422,
    title: 'The image has no manifest yet',
    hint: 'Upload its artifacts with `kiln images upload ID --rootfs FILE`, or import a root file system.',
  },
  'shell-without-key': {
    status: 422,
    title: 'Nobody could log in to the shell',
    hint: 'Name a public key with public_key_id; `kiln public-keys create` registers one.',
  },
  'job-without-shell': {
    status: 409,
    title: 'The job has no shell that is open',
    hint: '`kiln jobs describe ID` shows where the job stands.',
  },
  'playbook-failed': {
    status: 422,
    title: 'A playbook failed',
    hint: 'Correct the task that is named; `kiln jobs retry ID` goes on with the changes before it. `kiln jobs logs ID` has the rest.',
  },
  'playbook-unreadable': {
    status: 422,
    title: 'A playbook cannot be run',
    hint: 'Check its path, its syntax and the pattern of its hosts with `ansible-playbook --syntax-check`.',
  },
  'playbook-source-unreachable': {
    status: 502,
    title: 'The source of a playbook cannot be fetched',
    hint: 'Check the address and the name of branch or tag; the host that builds has to reach it.',
  },
  'retry-not-possible': {
    status: 409,
    title: 'The job cannot go on from there',
    hint: '`kiln jobs describe ID` shows what is kept of it; `--from` with its first step starts over.',
  },
  'checkpoint-gone': {
    status: 410,
    title: 'What was kept of the job is not there any more',
    hint: 'Start over with `kiln jobs retry ID --from` and its first step; `checkpoints.hours` says how long work is kept.',
  },
  'checkpoint-failed': {
    status: 500,
    title: 'What was done in the shell could not be kept',
    hint: 'The shell stays open. When its disk is full, `df -h` in it shows that; a new job has a larger one with --build-env-size.',
  },
  'secrets-missing': {
    status: 422,
    title: 'The job needs secrets that were forgotten when it ended',
    hint: 'Give them again: `kiln jobs retry ID --secret NAME=FILE`.',
  },
  'shell-failed': {
    status: 422,
    title: 'The user of the shell said that the work failed',
    hint: '`kiln jobs retry ID` opens the shell again with what was done; the original image is as it was.',
  },
  'shell-timed-out': {
    status: 408,
    title: 'The time of the shell is over',
    hint: '`kiln jobs retry ID` opens it again with what was done. Give shells more time with `kiln jobs extend ID`, or raise shells.idle_minutes or shells.total_minutes.',
  },
  'shell-could-not-open': {
    status: 500,
    title: 'The shell could not be opened',
    hint: 'The log of the job says why. Ports come from shells.first_port to shells.last_port.',
  },
  'command-failed': {
    status: 422,
    title: 'A command that changes the image failed',
    hint: 'Its output is in the log. The original image is as it was.',
  },
  'image-unreadable': {
    status: 422,
    title: 'The root file system of the image cannot be mounted',
    hint: 'It has to be a squashfs, with a compression that the kernel of this host knows.',
  },
  'job-is-over': {
    status: 409,
    title: 'The job has ended already',
    hint: '`kiln jobs describe ID` shows how it ended.',
  },
  'inspection-failed': {
    status: 422,
    title: 'The recipe could not be inspected',
    hint: 'The log says more: `kiln jobs list`, then `kiln jobs logs ID`.',
  },
  'no-report': {
    status: 404,
    title: 'The job has no report',
    hint: 'Only inspections of recipes end with one; `kiln jobs describe ID` shows how the job stands.',
  },
  'job-is-running': {
    status: 409,
    title: 'The job has not ended yet',
    hint: 'Cancel it first with `kiln jobs cancel ID`.',
  },
  'job-fenced': {
    status: 409,
    title: 'This report belongs to an earlier attempt of the job',
    hint: 'The runner that sent it must stop; a newer attempt or the end of the job has replaced it.',
  },
  'job-cancelled': {
    status: 409,
    title: 'The job was cancelled',
    hint: 'Create a new job to build the image.',
  },
  'runner-lost': {
    status: 500,
    title: 'The process that ran the job is gone',
    hint: 'It was killed, or the host ran out of memory; look at the last log lines. `kiln jobs retry` goes on with what was kept.',
  },
  'runner-could-not-start': {
    status: 500,
    title: 'The job could not be started',
    hint: 'The detail has the exact error; `kiln doctor` checks what a host needs.',
  },
  'server-lost': {
    status: 500,
    title: 'The runner lost its connection to the service for too long',
    hint: 'The service was down longer than the grace time of the runner; create the job again.',
  },
  'step-deadline': {
    status: 500,
    title: 'A step took longer than its limit',
    hint: 'Look at the last log lines for what it was doing; limits are the settings deadlines.*.',
  },
  'job-out-of-memory': {
    status: 500,
    title: 'The job needed more memory than it was given',
    hint: 'Create it again with a larger job_mem_size (GiB).',
  },
  'workspace-full': {
    status: 500,
    title: 'The build environment is full',
    hint: 'Create the job again with a larger build_env_size (GiB).',
  },
  'host-disk-full': {
    status: 500,
    title: 'The disk of the build host is full',
    hint: 'Free space below the state folder of Kiln, then create the job again.',
  },
  'sandbox-failed': {
    status: 500,
    title: 'The sandbox could not be started',
    hint: 'The detail has the exact error; `kiln doctor` checks what a host needs.',
  },
  'builder-root-failed': {
    status: 500,
    title: 'The builder root could not be made',
    hint: 'The detail has the last lines of the tool; check that the package mirror is reachable.',
  },
  'step-failed': {
    status: 500,
    title: 'A step failed in a way that Kiln does not know',
    hint: 'The log of the job has the details.',
  },
  // Recipes, found by the runner
  'recipe-not-an-archive': {
    status: 422,
    title: 'The recipe is not a tar archive',
    hint: 'Pack the folder of the description with `kiln recipes create --from DIR`, or with tar.',
  },
  'recipe-archive-hostile': {
    status: 422,
    title: 'The recipe archive holds entries that a recipe must not have',
    hint: 'Paths and links stay inside the recipe, and only files, folders and links are allowed; pack it again.',
  },
  'recipe-archive-too-large': {
    status: 422,
    title: 'The recipe archive unpacks to more than is allowed',
    hint: 'Keep packages and images out of the recipe; the limits are the settings recipe.*.',
  },
  'recipe-no-config': {
    status: 422,
    title: 'The recipe has no config.xml at its top',
    hint: 'Pack the content of the folder that holds config.xml, not the folder itself.',
  },
  'recipe-template-invalid': {
    status: 422,
    title: 'The templates of the recipe cannot be rendered',
    hint: 'Each entry of "errors" names file and line; a value is given with --template-dictionary-key and -value.',
  },
  'recipe-xml-malformed': {
    status: 422,
    title: 'config.xml is not well-formed XML',
    hint: 'Each entry of "errors" names the line.',
  },
  'recipe-schema-invalid': {
    status: 422,
    title: 'config.xml does not follow the schema of Kiwi',
    hint: 'Each entry of "errors" names the line and what is allowed there.',
  },
  'recipe-unbuildable': {
    status: 422,
    title: 'The recipe names something that Kiwi would fail on late',
    hint: 'Each entry of "errors" says what, and how to mend it.',
  },
  // Signatures
  'signing-key-not-found': {
    status: 404,
    title: 'There is no such signing key',
    hint: '`kiln signing-keys list` shows those there are.',
  },
  'signing-key-invalid': {
    status: 422,
    title: 'This is no public key that packages can be verified with',
    hint: 'Give one OpenPGP public key that is good today, armored or binary.',
  },
  'package-signature-wrong': {
    status: 422,
    title: 'A package is not signed by a key that is trusted',
    hint: 'If its signer is right, register the key with `kiln signing-keys add`. To take unsigned packages, say package_gpgcheck="false" for the repository in the recipe.',
  },
  'repository-signature-wrong': {
    status: 422,
    title: 'The metadata of a repository is not signed by a key that is trusted',
    hint: 'If its signer is right, register the key with `kiln signing-keys add`. To take unsigned metadata, say repository_gpgcheck="false" for the repository in the recipe.',
  },
  // Package repositories
  'repository-not-found': {
    status: 404,
    title: 'There is no such package repository',
    hint: '`kiln repositories list` shows those there are.',
  },
  'repository-exists': {
    status: 409,
    title: 'There is a package repository with this name already',
    hint: 'Choose another name, or change the one there is with `kiln repositories update`.',
  },
  'repository-invalid': {
    status: 422,
    title: 'A package repository cannot be like this',
    hint: 'The detail says what does not go together; `kiln repositories create --help` has examples.',
  },
  'repository-in-use': {
    status: 409,
    title: 'Other repositories depend on this one',
    hint: 'Take it out of the groups that the detail names, then delete it.',
  },
  'repository-not-hosted': {
    status: 409,
    title: 'Packages cannot be uploaded to this repository',
    hint: 'Only hosted repositories take packages; a group of the hosted one and this one serves both.',
  },
  'packages-served-elsewhere': {
    status: 409,
    title: 'This service does not serve packages',
    hint: 'Manage them where they are served, or set packages.server to "embedded".',
  },
  'repository-package-not-found': {
    status: 404,
    title: 'There is no such package in the repository',
    hint: '`kiln repositories packages NAME` lists those there are.',
  },
  'package-invalid': {
    status: 422,
    title: 'The file is not a whole package of the format of the repository',
    hint: 'Upload it again; `rpm -K FILE` or `dpkg-deb --info FILE` checks it where it comes from.',
  },
  'upstream-unreachable': {
    status: 502,
    title: 'The upstream of the repository cannot be asked, and nothing of it is kept',
    hint: 'Check address, credentials and certificate of the upstream; `kiln repositories publish NAME` tries again.',
  },
  'upstream-invalid': {
    status: 502,
    title: 'The upstream of the repository gave something else than its metadata says',
    hint: 'It may be in the middle of an update: try again. If it lasts, its mirror is damaged.',
  },
  'repository-unreachable': {
    status: 502,
    title: 'A package repository of the recipe cannot be reached',
    hint: 'Check address, name resolution and certificate of the repository that the detail names.',
  },
  'package-not-found': {
    status: 422,
    title: 'A package of the recipe is in none of its repositories',
    hint: 'Check its spelling, or add the repository that has it.',
  },
  'dependency-unsolvable': {
    status: 422,
    title: 'The packages of the recipe cannot be installed together',
    hint: 'The detail is what the solver of the package manager says. Add the repository that has what is missing, or take out what conflicts.',
  },
  'recipe-script-failed': {
    status: 422,
    title: 'A script of the recipe failed',
    hint: 'Its last lines are in the detail; the whole output is in the log of the job.',
  },
  'kiwi-failed': {
    status: 422,
    title: 'Kiwi could not build the root of the image',
    hint: 'Its own message is in the detail; the whole output is in the log of the job.',
  },
  'boot-file-not-found': {
    status: 422,
    title: 'The image has no such kernel or initrd',
    hint: 'The detail lists what is in /boot; name one of them in the job, or leave the name out to take the newest.',
  },
  'foreign-programs': {
    status: 422,
    title: 'Programs of the image are for another machine',
    hint: 'Look at the architecture of the recipe or image, and at the package or script that brings these programs.',
  },
  // Certificate authority
  'authority-root-not-found': {
    status: 404,
    title: 'The platform has no such root certificate',
    hint: '`kiln authority show` lists those there are.',
  },
  'authority-conflict': {
    status: 409,
    title: 'The roots of the platform do not allow this now',
    hint: '`kiln authority show` has the roles of the roots; docs/trust.md has the steps of a change.',
  },
  // Configuration and clients
  'config-invalid': {
    status: 500,
    title: 'The configuration is not valid',
    hint: '`kiln serve --help` lists the settings; docs/configuration.md describes each.',
  },
  'program-missing': {
    status: 500,
    title: 'A program that this command needs is not installed',
    hint: '`scripts/prerequisites.sh --for boot` installs all that booting an image needs; `kiln doctor` looks.',
  },
  'server-unreachable': {
    status: 503,
    title: 'The Kiln service does not answer',
    hint: 'Start it with `kiln serve`, or name it with --server URL or KILN_SERVER.',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** One thing that is wrong, and where. */
export interface ErrorItem {
  /** What is wrong, in one sentence. */
  readonly message: string;
  /** Field of a request (JSON pointer) when a request is wrong. */
  readonly pointer?: string;
  /** File of the recipe, relative to its top, when a recipe is wrong. */
  readonly file?: string;
  /** Line of that file, counted from 1. */
  readonly line?: number;
  /** What would have been right. */
  readonly expected?: string;
}

/** The one error type of Kiln: a code of the catalogue, what happened this time, and where. */
export class KilnError extends Error {
  readonly code: ErrorCode;
  readonly items: readonly ErrorItem[];

  constructor(
    code: ErrorCode,
    detail: string,
    options: { items?: readonly ErrorItem[]; cause?: unknown } = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'KilnError';
    this.code = code;
    this.items = options.items ?? [];
  }

  get entry(): CatalogueEntry {
    return ERROR_CATALOGUE[this.code];
  }
}

export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(ERROR_CATALOGUE, value);
}
