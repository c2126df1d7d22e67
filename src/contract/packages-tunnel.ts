/** How a runner asks the service for a connection to its package server: an HTTP upgrade, then TLS inside. */
export const PACKAGES_PROTOCOL = 'kiln-packages';

/** Header with the attempt of the job document. */
export const ATTEMPT_HEADER = 'x-kiln-attempt';

export function packagesTunnelPath(jobId: string): string {
  return `/kiln/v1/runner/jobs/${jobId}/packages`;
}

/** The job that such a path is of. */
export function tunnelledJob(path: string): string | undefined {
  return /^\/kiln\/v1\/runner\/jobs\/([0-9a-f-]{36})\/packages$/.exec(path)?.[1];
}
