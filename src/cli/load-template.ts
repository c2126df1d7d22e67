/** Placeholders in the manifest of a load: `{{ name }}` and `{{ outer.inner }}`, and no more of a template language. */
import { UsageError } from './context.ts';

/** Throws `UsageError` that names the line of what has no value, or is more than a placeholder. */
export function fillIn(text: string, values: unknown, file: string): string {
  return text
    .split('\n')
    .map((line, index) => {
      if (line.includes('{%') || line.includes('{#')) {
        throw new UsageError(
          `${file}:${index + 1}: only {{ placeholders }} are filled in; render other templates before`,
        );
      }
      return line.replace(/\{\{(.*?)\}\}/g, (_whole, name: string) =>
        valueNamed(name.trim(), values, `${file}:${index + 1}`),
      );
    })
    .join('\n');
}

function valueNamed(name: string, values: unknown, place: string): string {
  let value = values;
  for (const part of name.split('.')) {
    value =
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[part] : undefined;
  }
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    throw new UsageError(`${place}: {{ ${name} }} has no value`);
  }
  return String(value);
}
