/**
 * The rooms and the one way in which their arrows point; docs/architecture.md draws them. A module may import
 * its own room and those listed for it here, and nothing else of ours.
 */
const room = (name) => `^src/${name}/`;
const only = (name, allowed, comment) => ({
  name: `${name}-imports`,
  comment,
  severity: 'error',
  from: { path: room(name), pathNot: '\\.test\\.ts$|/testing/' },
  to: {
    path: '^src/',
    pathNot: [name, ...allowed].map((each) => (each.endsWith('.ts') ? `^src/${each}` : room(each))),
  },
});

module.exports = {
  forbidden: [
    only('contract', [], 'The contract is data that anybody may publish: it imports nothing of ours.'),
    only('platform', ['contract'], 'The platform knows no noun of ours.'),
    only('client', ['contract', 'platform'], 'The client knows the wire and nothing behind it.'),
    only('ports', ['contract', 'platform', 'features/[^/]+/store.ts', 'jobs/store.ts'], 'Ports name ports.'),
    only('features', ['contract', 'platform', 'ports'], 'Features know ports, not adapters or jobs.'),
    only(
      'jobs',
      [
        'contract',
        'platform',
        'ports',
        'features/[^/]+/store.ts',
        'features/requests/index.ts',
        'features/nodes/capacity.ts',
      ],
      'Jobs know ports.',
    ),
    only(
      'ims',
      ['contract', 'platform', 'ports', 'features/[^/]+/(index|store).ts', 'jobs/wire-jobs.ts'],
      'The wire of the reference is a translation to services that know nothing of it.',
    ),
    only(
      's3',
      ['contract', 'platform', 'features/objects/(index|store).ts'],
      'The protocol of S3 knows objects and nothing else.',
    ),
    only('builder', ['contract', 'platform'], 'The builder knows nothing of jobs or records.'),
    only(
      'packages',
      ['contract', 'platform', 'builder', 'features/repositories/store.ts'],
      'Packages and certificates know nothing of recipes, jobs or records.',
    ),
    only('runner', ['contract', 'platform', 'client', 'builder'], 'The runner never touches the database.'),
    only('cli', ['contract', 'platform', 'client'], 'Commands speak to the service through the client.'),
    only('server', ['contract', 'platform', 'ports', 'features', 'jobs'], 'The server assembles routes.'),
    only(
      'adapters',
      [
        'contract',
        'platform',
        'ports',
        'features/[^/]+/store.ts',
        'features/objects',
        'jobs/store.ts',
        'jobs/executor.ts',
      ],
      'Adapters implement ports.',
    ),
    {
      name: 'features-are-apart',
      comment: 'A feature uses another one through its port or its index, never through its inside.',
      severity: 'error',
      from: { path: '^src/features/([^/]+)/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '^src/features/',
        pathNot: ['^src/features/$1/', '^src/features/[^/]+/(store|index)\\.ts$'],
      },
    },
    {
      name: 'adapters-are-apart',
      comment: 'An adapter does not know another one.',
      severity: 'error',
      from: { path: '^src/adapters/([^/]+/[^/]+)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/adapters/', pathNot: '^src/adapters/$1/' },
    },
    {
      name: 'nobody-imports-main',
      comment: 'main.ts wires; nothing depends on it.',
      severity: 'error',
      from: {},
      to: { path: '^src/main\\.ts$' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Cycles hide who owns what.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'one-door-for-commands',
      comment: 'Processes are started by src/platform/exec*.ts alone.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/platform/exec[a-z-]*\\.ts$' },
      to: { path: '^(node:)?child_process$' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { extensions: ['.ts', '.js'], conditionNames: ['import', 'node', 'default'] },
  },
};
