/** A job as a client of the reference asks for one, checked in the reference's order. */
import type { JobCreate } from '../contract/jobs.ts';
import type { WireJob } from '../jobs/wire-jobs.ts';
import { problem } from './answers.ts';
import { fileName } from './fields.ts';
import { BOOT_FILES } from './job-view.ts';
import { mustBeStored, named, rootfsOf } from './manifest.ts';
import { boolean, integer, oneOf, text, uuid } from './scalars.ts';
import type { ImsServices } from './services.ts';
import { list, nullable, object, optional, type Reader, required, withDefault } from './validation.ts';

const GIB = integer({ min: 1, max: 65_536 });

export const newJob = object({
  job_type: required(oneOf(['create', 'customize'])),
  artifact_id: required(uuid),
  public_key_id: required(uuid),
  image_root_archive_name: required(text({ min: 1 })),
  enable_debug: withDefault(boolean, false),
  build_env_size: optional(GIB),
  job_mem_size: optional(GIB),
  kernel_file_name: withDefault(fileName({ min: 0 }), ''),
  initrd_file_name: withDefault(fileName({ min: 1 }), BOOT_FILES.initrd),
  kernel_parameters_file_name: withDefault(fileName({ min: 1 }), BOOT_FILES.parameters),
  ssh_containers: optional(
    nullable(list(object({ name: optional(text()), jail: withDefault(boolean, false) }))),
  ),
  require_dkms: optional(boolean),
});

type NewJob = typeof newJob extends Reader<infer T> ? T : never;
type SshContainer = WireJob['sshContainer'];

export interface AcceptedJob {
  readonly input: JobCreate;
  readonly sshContainer: SshContainer;
}

/** Throws what the reference answers to a job that cannot be; the engine may still refuse one that can. */
export async function acceptJob(services: ImsServices, given: NewJob): Promise<AcceptedJob> {
  const sshContainer = shellOf(given);
  const artifact = await checkArtifact(services, given);
  await named(services.publicKeys.get(given.public_key_id));
  const { ssh_containers: _shells, kernel_file_name, initrd_file_name, require_dkms, ...same } = given;
  const dkms = artifact.arch === 'aarch64' ? true : require_dkms;
  return {
    sshContainer,
    input: {
      ...same,
      // Without a name the runner looks for the files; the CLI sends the name of the initrd with every job.
      kernel_file_name: kernel_file_name === '' ? null : kernel_file_name,
      initrd_file_name: initrd_file_name === BOOT_FILES.initrd ? null : initrd_file_name,
      ...(dkms === undefined ? {} : { require_dkms: dkms }),
    },
  };
}

function shellOf({ job_type, enable_debug, ssh_containers }: NewJob): SshContainer {
  const asked = ssh_containers ?? [];
  if (asked.length > 1) {
    throw problem(400, 'A job has one SSH container at most.');
  }
  const [shell] = asked;
  if (job_type === 'customize') {
    return { name: shell?.name ?? 'customize', jail: shell?.jail ?? false };
  }
  if (shell !== undefined) {
    throw problem(400, 'A job of type create takes no SSH containers; enable_debug gives it one.');
  }
  return enable_debug ? { name: 'debug', jail: false } : null;
}

async function checkArtifact({ recipes, images, objects }: ImsServices, { job_type, artifact_id }: NewJob) {
  const artifact = await named<{ id: string; arch: string; link: { path: string } | null }>(
    job_type === 'create' ? recipes.get(artifact_id) : images.get(artifact_id),
  );
  if (artifact.link === null) {
    throw problem(400, `${artifact.id} has no link yet: there is nothing to start from.`);
  }
  if (job_type === 'create') {
    await mustBeStored(objects, artifact.link);
  } else {
    await mustBeStored(objects, { path: await rootfsOf(objects, artifact.link) });
  }
  return artifact;
}
