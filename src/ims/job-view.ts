/** A job as this wire shows it: always the same 24 keys, with names that a cluster's objects would have. */
import type { Architecture } from '../contract/common.ts';
import type { WireJob } from '../jobs/wire-jobs.ts';
import { wireDate } from './dates.ts';
import type { JobNaming } from './services.ts';

const SSH_PORT = 22;

/** The file names that count when a job names none. */
export const BOOT_FILES = { initrd: 'initrd', parameters: 'kernel-parameters' } as const;

function kernelOf(arch: Architecture): string {
  return arch === 'aarch64' ? 'Image' : 'vmlinuz';
}

export function wireJob({ job, sshContainer }: WireJob, naming: JobNaming) {
  const prefix = `cray-ims-${job.id}`;
  const service = `${prefix}-service`;
  // Until the shell is open nobody knows its port; clients look here when the job waits for them.
  const { host = null, port = null } = job.shell ?? {};
  const reached = host === null || port === null ? undefined : { host, port };
  return {
    id: job.id,
    created: wireDate(job.created),
    job_type: job.job_type,
    status: job.status,
    artifact_id: job.artifact_id,
    public_key_id: job.public_key_id,
    image_root_archive_name: job.image_root_archive_name,
    enable_debug: job.enable_debug,
    build_env_size: job.build_env_size,
    job_mem_size: job.job_mem_size,
    kernel_file_name: job.kernel_file_name ?? kernelOf(job.arch),
    initrd_file_name: job.initrd_file_name ?? BOOT_FILES.initrd,
    kernel_parameters_file_name: job.kernel_parameters_file_name,
    require_dkms: job.require_dkms,
    arch: job.arch,
    resultant_image_id: job.resultant_image_id,
    ssh_containers:
      sshContainer === null
        ? null
        : [
            {
              name: sshContainer.name,
              jail: sshContainer.jail,
              status: 'pending',
              connection_info: {
                customer_access: reached ?? {
                  host: `${job.id}.ims.${naming.subnet}.${naming.domain}`,
                  port: SSH_PORT,
                },
                'cluster.local': reached ?? {
                  host: `${service}.${naming.namespace}.svc.cluster.local`,
                  port: SSH_PORT,
                },
              },
            },
          ],
    kubernetes_job: `${prefix}-${job.job_type}`,
    kubernetes_service: service,
    kubernetes_configmap: `${prefix}-configmap`,
    kubernetes_pvc: `${prefix}-job-claim`,
    kubernetes_secret: `${prefix}-signing-keys`,
    kubernetes_namespace: naming.namespace,
    remote_build_node: job.place ?? '',
  };
}
