/** Inspections of recipes: asked for as jobs, answered as reports. */
import type { ReadableStream } from 'node:stream/web';
import type { Architecture, KeyValue } from '../contract/common.ts';
import type { InspectionCreate, InspectionReport } from '../contract/inspections.ts';
import type { Job } from '../contract/jobs.ts';
import type { HttpClient } from './http.ts';

export interface ArchiveToInspect {
  readonly body: ReadableStream;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface ArchiveInspection {
  readonly schema_only: boolean;
  readonly plan: boolean;
  readonly values: readonly KeyValue[];
  readonly arch?: Architecture;
}

export function inspectionsClient(http: HttpClient) {
  return {
    ofRecipe: (wanted: InspectionCreate) => http.json<Job>('POST', '/kiln/v1/inspections', wanted),
    /** Streams the archive, which the service forgets when the inspection is over. */
    async ofArchive(
      archive: ArchiveToInspect,
      wanted: ArchiveInspection,
      signal?: AbortSignal,
    ): Promise<Job> {
      const query = new URLSearchParams({
        schema_only: String(wanted.schema_only),
        plan: String(wanted.plan),
        values: JSON.stringify(wanted.values),
        ...(wanted.arch === undefined ? {} : { arch: wanted.arch }),
      });
      const response = await http.send('POST', `/kiln/v1/inspections/archive?${query}`, {
        body: archive.body as RequestInit['body'] & object,
        duplex: 'half',
        ...(signal ? { signal } : {}),
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': String(archive.sizeBytes),
          'x-kiln-sha256': archive.sha256,
        },
      });
      return (await response.json()) as Job;
    },
    report: (jobId: string) => http.json<InspectionReport>('GET', `/kiln/v1/jobs/${jobId}/report`),
  };
}
