/** Reads the primary list of an rpm repository: which packages there are, and what vouches for each. */
import sax from 'sax';
import { KilnError } from '../../contract/errors.ts';
import { isInside } from '../repomd.ts';
import type { ListedFile } from '../store/revisions.ts';

/** Throws `upstream-invalid` where the list is not what it has to be. */
export async function* packagesOf(text: AsyncIterable<string>): AsyncGenerator<ListedFile> {
  const parser = sax.parser(true, { position: false });
  let found: ListedFile[] = [];
  let problem: Error | undefined;
  let path = '';
  let size = 0;
  let type = '';
  let digest = '';
  let inChecksum = false;
  let depth = 0;

  parser.onerror = (error) => {
    problem ??= error;
  };
  parser.onopentag = ({ name, attributes }) => {
    depth += 1;
    if (name === 'package' && depth === 2) {
      [path, size, type, digest] = ['', 0, '', ''];
    } else if (name === 'location' && depth === 3) {
      path = String(attributes['href'] ?? '');
    } else if (name === 'size' && depth === 3) {
      size = Number(attributes['package'] ?? 0);
    } else if (name === 'checksum' && depth === 3) {
      type = String(attributes['type'] ?? '');
      digest = '';
      inChecksum = true;
    }
  };
  parser.ontext = (piece) => {
    if (inChecksum) {
      digest += piece;
    }
  };
  parser.onclosetag = (name) => {
    depth -= 1;
    inChecksum = false;
    if (name !== 'package' || depth !== 1) {
      return;
    }
    if (!isInside(path) || digest === '' || !Number.isSafeInteger(size)) {
      problem ??= new Error(
        `the package at "${path}" lacks a path inside the repository, a size or a checksum`,
      );
      return;
    }
    found.push({ path, size, checksum: `${type}:${digest.trim()}` });
  };

  for await (const piece of text) {
    parser.write(piece);
    if (problem !== undefined) {
      break;
    }
    yield* found;
    found = [];
  }
  if (problem === undefined) {
    parser.close();
    yield* found;
  }
  if (problem !== undefined) {
    throw new KilnError('upstream-invalid', `the primary list: ${problem.message}`, { cause: problem });
  }
}
