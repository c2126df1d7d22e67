/** `kiln s3`: reaching the objects of the service with S3 clients. */
import type { Command } from 'commander';
import type { S3Credentials } from '../contract/s3.ts';
import { contextOf, UsageError, withCommonOptions } from './context.ts';
import type { CommonOptions } from './nouns.ts';

export function addS3(program: Command): void {
  const s3 = program.command('s3').description('reach recipes and artifacts with S3 clients');
  withCommonOptions(s3.command('credentials'))
    .option('--hours <number>', 'how long the keys are good, in hours', '12')
    .option('--export', 'print lines for a shell to evaluate')
    .description('make keys for S3 clients; they are not kept and not shown again')
    .addHelpText(
      'after',
      '\nExample:\n  eval "$(kiln s3 credentials --export)"\n  aws s3 cp recipe.tar.gz s3://ims/recipes/mine/recipe.tar.gz',
    )
    .action(async (options: CommonOptions & { hours: string; export?: true }) => {
      const context = contextOf(options);
      const hours = Number(options.hours);
      if (!Number.isInteger(hours)) {
        throw new UsageError(`--hours ${options.hours}: it is a whole number of hours`);
      }
      const keys = await context.client.s3.createCredentials({ hours });
      if (options.export) {
        process.stdout.write(shellLines(keys));
      } else {
        context.print(keys, []);
      }
    });
}

/** Understood by the AWS command line and the libraries behind it. */
function shellLines(keys: S3Credentials): string {
  return [
    `export AWS_ENDPOINT_URL=${keys.endpoint}`,
    `export AWS_DEFAULT_REGION=${keys.region}`,
    `export AWS_ACCESS_KEY_ID=${keys.access_key_id}`,
    `export AWS_SECRET_ACCESS_KEY=${keys.secret_access_key}`,
    '',
  ].join('\n');
}
