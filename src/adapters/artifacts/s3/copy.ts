/** Copies inside an S3 service, whatever the size: nothing passes through Kiln. */
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';

interface Place {
  readonly Bucket: string;
  readonly Key: string;
}

export interface Copy {
  readonly source: Place;
  readonly target: Place;
  readonly sizeBytes: number;
  readonly contentType: string;
  readonly metadata: Record<string, string>;
  readonly atOnceBytes: number;
}

const PARTS_AT_ONCE = 4;

/** A copy in parts drops type and metadata of the source, so that both are given anew in either case. */
export async function copyObject(client: S3Client, copy: Copy): Promise<void> {
  const { source, target } = copy;
  const CopySource = [source.Bucket, ...source.Key.split('/')].map(encodeURIComponent).join('/');
  const fields = { ...target, ContentType: copy.contentType, Metadata: copy.metadata };
  if (copy.sizeBytes <= copy.atOnceBytes) {
    await client.send(new CopyObjectCommand({ ...fields, CopySource, MetadataDirective: 'REPLACE' }));
    return;
  }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(fields));
  try {
    const Parts = await copyParts(client, copy, { CopySource, UploadId });
    await client.send(
      new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }),
    );
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand({ ...target, UploadId }));
    throw error;
  }
}

async function copyParts(
  client: S3Client,
  { target, sizeBytes, atOnceBytes }: Copy,
  fields: { CopySource: string; UploadId: string | undefined },
): Promise<CompletedPart[]> {
  const count = Math.ceil(sizeBytes / atOnceBytes);
  const parts: CompletedPart[] = Array.from({ length: count });
  const waiting = Array.from(parts, (_, index) => index);
  const copier = async (): Promise<void> => {
    for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
      const start = index * atOnceBytes;
      const end = Math.min(start + atOnceBytes, sizeBytes) - 1;
      const PartNumber = index + 1;
      const { CopyPartResult } = await client.send(
        new UploadPartCopyCommand({
          ...target,
          ...fields,
          PartNumber,
          CopySourceRange: `bytes=${start}-${end}`,
        }),
      );
      parts[index] = { PartNumber, ETag: CopyPartResult?.ETag };
    }
  };
  await Promise.all(Array.from({ length: PARTS_AT_ONCE }, copier));
  return parts;
}
