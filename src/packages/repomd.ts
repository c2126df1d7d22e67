/** Reads repomd.xml: which lists an rpm repository has, and what vouches for each. */
import { XMLParser } from 'fast-xml-parser';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { KilnError } from '../contract/errors.ts';

const OneList = Type.Object({
  type: Type.String(),
  checksum: Type.Object({ type: Type.String(), '#text': Type.String() }),
  location: Type.Object({ href: Type.String() }),
  size: Type.Optional(Type.String()),
});
const Repomd = Type.Object({ repomd: Type.Object({ data: Type.Array(OneList) }) });

export interface RepomdList {
  readonly type: string;
  readonly path: string;
  /** Algorithm and digest. */
  readonly checksum: string;
  /** In bytes; undefined when it is not said. */
  readonly size: number | undefined;
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: true,
  isArray: (name) => name === 'data',
});

/** Throws `upstream-invalid`. */
export function parseRepomd(text: string): RepomdList[] {
  let document: unknown;
  try {
    document = parser.parse(text);
  } catch (cause) {
    throw new KilnError('upstream-invalid', 'repodata/repomd.xml is not well-formed', { cause });
  }
  if (!Value.Check(Repomd, document)) {
    throw new KilnError('upstream-invalid', 'repodata/repomd.xml does not list what it has to');
  }
  return document.repomd.data.map((list: Static<typeof OneList>) => {
    const path = list.location.href;
    if (!isInside(path)) {
      throw new KilnError('upstream-invalid', `repodata/repomd.xml names "${path}", which is outside`);
    }
    const size = list.size === undefined ? undefined : Number(list.size);
    return { type: list.type, path, checksum: `${list.checksum.type}:${list.checksum['#text']}`, size };
  });
}

/** Whether a path stays in its repository. */
export function isInside(path: string): boolean {
  return path !== '' && !path.startsWith('/') && !path.split('/').includes('..') && !path.includes('://');
}
