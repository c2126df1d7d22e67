/**
 * Brings what the authority has to what the settings and the time ask for: roots made, taken over or given up, the
 * server certificate issued anew. It only adds files; the state that it gives is nobody's before the caller keeps it.
 */
import { X509Certificate } from 'node:crypto';
import { KilnError } from '../../contract/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { AuthorityFiles } from './files.ts';
import type { Given } from './given.ts';
import {
  hasExpired,
  isServerDue,
  mustBeReplaced,
  nearsItsEnd,
  rootValidity,
  serverValidity,
} from './lifetimes.ts';
import { type KeyAndCertificate, makeRoot, makeServerCertificate } from './openssl.ts';
import { certificatesIn, factsOf, idOf } from './pem.ts';
import {
  certificateFile,
  keyFile,
  type Root,
  rootOf,
  type State,
  withNext,
  withoutGiven,
  withoutRoot,
  withSigning,
} from './state.ts';

export interface SettleDeps {
  readonly files: AuthorityFiles;
  readonly given: Given;
  readonly now: Date;
  readonly log: Log;
}

export async function settle(deps: SettleDeps, state: State): Promise<State> {
  const configured = await followSettings(deps, state);
  const lasting = await renewRoot(deps, configured);
  const trusted = await dropExpired(deps, lasting);
  return await issueWhenDue(deps, trusted);
}

/** Makes a root and keeps its files; gives its id. */
export async function newRoot({ files, now }: Pick<SettleDeps, 'files' | 'now'>): Promise<string> {
  const root = await makeRoot(files.folder, rootValidity(now));
  return await keep(files, 'root', root);
}

/** The text of a file that the state names. Throws `config-invalid` when it is gone. */
export async function needed(files: AuthorityFiles, name: string): Promise<string> {
  const text = await files.read(name);
  if (text === undefined) {
    throw new KilnError('config-invalid', `${files.folder}/${name} is missing; take it back from a backup`);
  }
  return text;
}

async function followSettings(deps: SettleDeps, state: State): Promise<State> {
  const { files, given, log } = deps;
  if (given.root !== undefined) {
    const id = idOf(given.root.certificate);
    await files.write(certificateFile('root', id), given.root.certificate);
    if (rootOf(state, 'given')?.id === id) {
      return state;
    }
    log.info({ root: id }, 'the root of the settings is in use; the one before it stays trusted');
    return withSigning(state, id, 'given');
  }
  const own = withoutGiven(state);
  if (given.server !== undefined || rootOf(own, 'current') !== undefined) {
    return own;
  }
  const id = await newRoot(deps);
  log.info({ root: id }, 'made a root certificate for the platform');
  return withSigning(own, id, 'current');
}

async function renewRoot(deps: SettleDeps, state: State): Promise<State> {
  const { files, given, now, log } = deps;
  const signing = rootOf(state, 'current', 'given');
  if (signing === undefined || given.server !== undefined) {
    return state;
  }
  const facts = await factsOfRoot(files, signing);
  if (!nearsItsEnd(facts, now)) {
    return state;
  }
  if (signing.role === 'given') {
    log.warn(
      { root: signing.id, ends: facts.notAfter },
      'the root of authority.certificate_file ends within a year',
    );
    return state;
  }
  const renewed = await withLastingNext(deps, state);
  const next = rootOf(renewed, 'next');
  if (next === undefined || !mustBeReplaced(facts, now)) {
    return renewed;
  }
  log.warn({ root: signing.id, next: next.id }, 'the root is about to end; the next one signs from now on');
  return withSigning(renewed, next.id, 'current');
}

/** A next root that would end soon, too, is of no use; it has signed nothing, so nobody misses it. */
async function withLastingNext(deps: SettleDeps, state: State): Promise<State> {
  const next = rootOf(state, 'next');
  if (next !== undefined && !nearsItsEnd(await factsOfRoot(deps.files, next), deps.now)) {
    return state;
  }
  const id = await newRoot(deps);
  deps.log.warn({ next: id }, 'the root ends within a year; made the next one');
  return withNext(next === undefined ? state : withoutRoot(state, next.id), id);
}

async function dropExpired({ files, now, log }: SettleDeps, state: State): Promise<State> {
  let kept = state;
  for (const root of state.roots.filter(({ role }) => role === 'previous')) {
    if (hasExpired(await factsOfRoot(files, root), now)) {
      log.info({ root: root.id }, 'a previous root has expired and is forgotten');
      kept = withoutRoot(kept, root.id);
    }
  }
  return kept;
}

async function issueWhenDue(deps: SettleDeps, state: State): Promise<State> {
  const { files, given, now, log } = deps;
  if (given.server !== undefined) {
    return { ...state, server: null };
  }
  const signing = rootOf(state, 'current', 'given');
  if (signing === undefined) {
    return state;
  }
  if (!(await isDue(deps, state, signing))) {
    return state;
  }
  const issuer = {
    certificate: await needed(files, certificateFile('root', signing.id)),
    key: given.root?.key ?? (await needed(files, keyFile('root', signing.id))),
  };
  const validity = serverValidity(now, factsOf(issuer.certificate));
  const { key, certificate } = await makeServerCertificate(files.folder, issuer, given.names, validity);
  const chain = [certificate, ...certificatesIn(issuer.certificate).filter((pem) => !isSelfSigned(pem))].join(
    '',
  );
  const id = await keep(files, 'server', { key, certificate: chain });
  log.info({ root: signing.id, certificate: id, ends: validity.until }, 'issued a server certificate');
  return { ...state, server: { id, issuer: signing.id, names: [...given.names] } };
}

async function isDue({ files, given, now }: SettleDeps, { server }: State, signing: Root): Promise<boolean> {
  if (server === null || server.issuer !== signing.id || server.names.join() !== given.names.join()) {
    return true;
  }
  return isServerDue(factsOf(await needed(files, certificateFile('server', server.id))), now);
}

async function keep(
  files: AuthorityFiles,
  kind: 'root' | 'server',
  { key, certificate }: KeyAndCertificate,
): Promise<string> {
  const id = idOf(certificate);
  await files.write(keyFile(kind, id), key);
  await files.write(certificateFile(kind, id), certificate);
  return id;
}

async function factsOfRoot(files: AuthorityFiles, { id }: Root) {
  return factsOf(await needed(files, certificateFile('root', id)));
}

function isSelfSigned(pem: string): boolean {
  const { subject, issuer } = new X509Certificate(pem);
  return subject === issuer;
}
