/** What a change is called, in logs and in the history of an image. */
import type { Change } from '../../contract/customizations.ts';
import { nameOfSource } from './playbook-source.ts';

const NAME_LENGTH = 60;

export function nameOf(change: Change): string {
  if (change.name !== undefined) {
    return change.name;
  }
  if (change.kind === 'command') {
    return firstLine(change.command);
  }
  const { source, playbook } = change;
  return [`playbook ${nameOfSource(source)}`, playbook].join(' ').trim();
}

function firstLine(script: string): string {
  const line = script.trim().split('\n', 1)[0] ?? '';
  return line.length > NAME_LENGTH ? `${line.slice(0, NAME_LENGTH)}…` : line;
}
