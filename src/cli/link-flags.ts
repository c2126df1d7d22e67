/** The flags that say where an object is which is in the store already. */
import type { Command } from 'commander';
import type { Link } from '../contract/common.ts';
import { UsageError } from './context.ts';
import { oneOf } from './values.ts';

export interface LinkFlags {
  linkType?: string;
  linkPath?: string;
  linkEtag?: string;
}

/** `what`: what the link leads to, for the help. */
export function withLinkFlags(command: Command, what: string): Command {
  return command
    .option('--link-path <s3-url>', `${what} that is in the store already: s3://BUCKET/KEY`)
    .option('--link-type <type>', 'kind of store: s3, also when it is not given')
    .option('--link-etag <etag>', 'entity tag that the store gave it');
}

/** The link that flags name; undefined when none does. Throws `UsageError` for a link without a path. */
export function linkOf({ linkType, linkPath, linkEtag }: LinkFlags): Link | undefined {
  const type = linkType === undefined ? 's3' : oneOf(['s3'] as const, '--link-type', linkType);
  if (linkPath === undefined) {
    if (linkType !== undefined || linkEtag !== undefined) {
      throw new UsageError('--link-path is missing; for example s3://boot-images/KEY');
    }
    return undefined;
  }
  return { path: linkPath, type, ...(linkEtag === undefined ? {} : { etag: linkEtag }) };
}
