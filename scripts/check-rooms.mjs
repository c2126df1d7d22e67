/**
 * Holds the arrows between the rooms one way. A checker that saw nothing is green too, so this one also counts:
 * it fails when it was shown fewer modules than there are.
 */
import { readdirSync } from 'node:fs';
import { cruise } from 'dependency-cruiser';
import extractConfig from 'dependency-cruiser/config-utl/extract-depcruise-config';
import extractTsConfig from 'dependency-cruiser/config-utl/extract-ts-config';

const config = await extractConfig('./.dependency-cruiser.cjs');
const { output } = await cruise(['src'], { ruleSet: config, ...config.options, validate: true }, undefined, {
  tsConfig: extractTsConfig('./tsconfig.json'),
});
const { summary, modules } = output;

const files = readdirSync('src', { recursive: true }).filter((file) => String(file).endsWith('.ts'));
const seen = modules.filter((module) => module.source.startsWith('src/')).length;
const arrows = modules.reduce(
  (sum, module) =>
    sum + module.dependencies.filter((dependency) => dependency.resolved.startsWith('src/')).length,
  0,
);
for (const violation of summary.violations) {
  console.error(`${violation.from} -> ${violation.to}: ${violation.rule.name}`);
}
if (seen < files.length || arrows < files.length) {
  console.error(`the checker saw ${seen} of ${files.length} modules and ${arrows} arrows: it is blind`);
  process.exit(1);
}
console.log(`rooms: ${seen} modules, ${arrows} arrows, ${summary.violations.length} in the wrong direction`);
process.exit(summary.violations.length === 0 ? 0 : 1);
