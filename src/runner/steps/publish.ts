/**
 * Publishes the artifacts, two at a time, and the manifest that lists them. The image becomes one only when the
 * service has verified all that; see create.ts.
 */
import { basename, join } from 'node:path';
import {
  ARTIFACT_MEDIA_TYPES,
  ARTIFACT_NAMES,
  type Manifest,
  type ManifestArtifact,
} from '../../contract/images.ts';
import { formatBytes } from '../../platform/bytes.ts';
import { openRegular } from '../../platform/safe-file.ts';
import { together } from '../../platform/together.ts';
import { RECORD_FOLDER, recordingFile, recordingsIn } from '../history/record-folder.ts';
import { HISTORY_FILE, OUT, PACKAGES_FILE } from '../image-root.ts';
import type { Step, StepContext } from '../step.ts';
import { fileSource, textSource, type UploadSource, upload } from '../upload.ts';
import type { ArtifactFile } from './boot-files.ts';

const AT_A_TIME = 2;

/** Gives the artifacts as the manifest lists them. */
export const publish: Step<readonly ArtifactFile[], ManifestArtifact[]> = {
  name: 'publish',
  async run(context, files) {
    const ordered = ARTIFACT_NAMES.flatMap((name) => files.filter((file) => file.name === name));
    const opened = await Promise.all(ordered.map((file) => openRegular(file.path)));
    try {
      const total = opened.reduce((sum, file) => sum + file.sizeBytes, 0);
      const done = new Map<string, number>();
      const artifacts = await inParallel(ordered, async (file, index) => {
        const { handle, sizeBytes } = opened[index] ?? (await openRegular(file.path));
        return uploadArtifact(context, file, fileSource(file.name, handle, sizeBytes), (bytes) => {
          done.set(file.name, bytes);
          const sum = [...done.values()].reduce((all, each) => all + each, 0);
          context.progress({ done: sum, total, unit: 'bytes', message: `uploading ${file.name}` });
        });
      });
      await uploadCompanions(context);
      await uploadManifest(context, artifacts);
      context.note(`${artifacts.length} artifacts, ${formatBytes(total)}`);
      return artifacts;
    } finally {
      await Promise.all(opened.map((file) => file.handle.close()));
    }
  },
};

async function uploadArtifact(
  context: StepContext,
  file: ArtifactFile,
  source: UploadSource,
  onProgress: (bytes: number) => void,
): Promise<ManifestArtifact> {
  const { url, path } = context.document.image.uploads[file.name];
  const stored = await upload(source, { ...retrying(context, file.name), url, onProgress });
  context.log(`${path}: ${formatBytes(stored.size_bytes)}, sha256 ${stored.sha256}`);
  return {
    type: ARTIFACT_MEDIA_TYPES[file.name],
    md5: stored.md5,
    sha256: stored.sha256,
    size_bytes: stored.size_bytes,
    link: { path, etag: stored.etag, type: 's3' },
  };
}

/** What lies beside the artifacts, for whoever wants to compare or to know; no manifest names it. */
async function uploadCompanions(context: StepContext): Promise<void> {
  const { document, workspace } = context;
  const { packages, history, recordings } = document.image.uploads;
  const out = workspace.hostPath(OUT.folder);
  await uploadFile(context, join(out, PACKAGES_FILE), packages.url);
  if (document.job_type !== 'customize') {
    return;
  }
  const record = workspace.hostPath(RECORD_FOLDER);
  for (const number of await recordingsIn(record)) {
    const url = recordings[number - 1]?.url;
    if (url !== undefined) {
      await uploadFile(context, join(record, recordingFile(number)), url);
    }
  }
  await uploadFile(context, join(out, HISTORY_FILE), history.url);
}

async function uploadFile(context: StepContext, path: string, url: string): Promise<void> {
  const { handle, sizeBytes } = await openRegular(path);
  try {
    const source = fileSource(basename(path), handle, sizeBytes);
    await upload(source, { ...retrying(context, source.name), url });
  } finally {
    await handle.close();
  }
}

async function uploadManifest(context: StepContext, artifacts: ManifestArtifact[]): Promise<void> {
  const manifest: Manifest = { version: '1.0', created: manifestTime(new Date()), artifacts };
  const { url, path } = context.document.image.uploads.manifest;
  const source = textSource('the manifest', `${JSON.stringify(manifest, null, 2)}\n`);
  await upload(source, { ...retrying(context, source.name), url });
  context.log(`${path}: ${artifacts.length} artifacts`);
}

function retrying(context: StepContext, name: string) {
  return {
    http: context.http,
    signal: context.signal,
    onRetry: (message: string) => context.log(`Uploading ${name} failed (${message}); trying again`),
  };
}

/** Results in the order of the items; the first error wins once nothing else is under way. */
async function inParallel<T, R>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Map<number, R>();
  const queue = items.map((item, index) => ({ item, index }));
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      results.set(next.index, await work(next.item, next.index));
    }
  };
  await together(Array.from({ length: AT_A_TIME }, worker));
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
}

/** YYYY-MM-DD HH:MM:SS.ffffff, UTC, as manifests have it. */
export function manifestTime(date: Date): string {
  return date.toISOString().replace('T', ' ').replace('Z', '000');
}
