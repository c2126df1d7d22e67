import { Command } from 'commander';
import { expect, test } from 'vitest';
import { mustRun } from '../platform/exec.ts';
import { completionScript } from './completion.ts';

function example(): Command {
  const program = new Command('kiln').version('1.0.0');
  const jobs = program.command('jobs').description("jobs: builds, one's own and others'");
  jobs.command('list').alias('ls').option('--server <url>', 'address of the service');
  jobs
    .command('create')
    .argument('<name>')
    .option('--from <folder>', 'what to pack')
    .option('--watch', 'stay');
  program.command('serve').option('--server-port <number>', 'port');
  program.command('describe-packages', { hidden: true });
  return program;
}

/** What bash would offer for a line; its last word is the one that is being typed. */
async function offers(...line: string[]): Promise<string[]> {
  const script = `${completionScript(example(), 'bash')}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kiln; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await mustRun(['bash', '-c', script, 'bash', 'kiln', ...line]);
  return stdout.split('\n').filter((word) => word !== '');
}

test('bash offers commands, and hides what is hidden', async () => {
  expect(await offers('')).toEqual(['jobs', 'serve', '--version', '-V', '--help', '-h']);
  expect(await offers('jobs', '')).toEqual(['list', 'create', '--help', '-h']);
  expect(await offers('jobs', 'cr')).toEqual(['create']);
});

test('bash offers the options of the command, after arguments too', async () => {
  expect(await offers('jobs', 'create', '--w')).toEqual(['--watch']);
  expect(await offers('jobs', 'create', 'compute', '--w')).toEqual(['--watch']);
  expect(await offers('jobs', 'create', '--watch', 'serve', '--f')).toEqual(['--from']);
});

test('bash knows a command by its other name', async () => {
  expect(await offers('jobs', 'ls', '--s')).toEqual(['--server']);
});

test('the value of an option is no command, and files are offered for it', async () => {
  expect(await offers('jobs', '--server', 'list', '')).toContain('create');
  expect(await offers('jobs', 'create', '--from', '')).toEqual([]);
});

test('the script for bash is one that bash can read', async () => {
  await mustRun(['bash', '-n'], { input: completionScript(example(), 'bash') });
});

test('zsh is given the same words', () => {
  const script = completionScript(example(), 'zsh');
  expect(script.startsWith('#compdef kiln\n')).toBe(true);
  expect(script).toContain('found="--from --watch --help -h"');
});

test('fish is given descriptions, with quotes that do not end them', () => {
  const script = completionScript(example(), 'fish');
  expect(script).toContain("-a jobs -d 'jobs: builds, one\\'s own and others\\''");
  expect(script).toContain('-l from -r');
  expect(script).not.toContain('describe-packages');
});
