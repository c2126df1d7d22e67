/** The connection to an S3 service. */
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';

export interface S3Connection {
  /** For example `https://rgw.example.com`; that of AWS when empty. */
  readonly endpoint: string;
  readonly region: string;
  /** Those that the AWS tools find (environment, shared files, instance) unless given. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  /** PEM file of the certificate authority of the endpoint; the system's own when empty. */
  readonly caFile: string;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. */
  readonly pathStyle: boolean;
}

const SOCKETS = 64;
const CONNECT_MS = 10_000;
const SILENCE_MS = 120_000;

export function connect(connection: S3Connection): S3Client {
  const ca = connection.caFile === '' ? undefined : readFileSync(connection.caFile);
  return new S3Client({
    region: connection.region,
    forcePathStyle: connection.pathStyle,
    ...(connection.endpoint === '' ? {} : { endpoint: connection.endpoint }),
    ...(connection.credentials === undefined ? {} : { credentials: connection.credentials }),
    // Ceph answers 411 to streams with the checksum trailers that the SDK adds; Kiln verifies digests of its own.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      httpsAgent: new Agent({ keepAlive: true, maxSockets: SOCKETS, ...(ca === undefined ? {} : { ca }) }),
    }),
  });
}
